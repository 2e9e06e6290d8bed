package status_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/status"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// TestMain unsets the variables by which a machine asks for colours where no
// terminal is.
func TestMain(m *testing.M) {
	for _, name := range []string{"CLICOLOR_FORCE", "TTY_FORCE"} {
		_ = os.Unsetenv(name) // it fails for names that cannot be one
	}
	os.Exit(m.Run())
}

// ignoreAttributes leaves out of a queue's state what status does not print.
func ignoreAttributes() cmp.Option {
	return cmpopts.IgnoreFields(deployment.QueueState{}, "Attributes")
}

// find returns the deployment that the names stand for, its queues and functions
// found.
func find(t *testing.T, n deployment.Names) *deployment.Deployment {
	t.Helper()
	d, err := deployment.Open(t.Context(), func(string) string { return "" }, n)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.FindAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

// Of a stack all numbers come from its metrics: each of them here has another
// value, so that none can be taken for another. A verified message of yesterday
// counts for nothing, and that of five minutes ago is the last one.
func TestMetrics(t *testing.T) {
	s := deploymenttest.New(t)
	s.UseAsAWS()
	const minute = time.Minute
	now := time.Now() // of all of it, for a minute may end meanwhile
	s.Account.Now = func() time.Time { return now }
	s.Account.Count("Received", deploymenttest.IngestFunction, 5*minute, 9)
	s.Account.Count("Verified", deploymenttest.IngestFunction, 5*minute, 6)
	s.Account.Count("Verified", deploymenttest.IngestFunction, 30*time.Hour, 50)
	s.Account.Count("Queued", deploymenttest.IngestFunction, 5*minute, 5)
	s.Account.Count("Ignored", deploymenttest.IngestFunction, 5*minute, 1)
	s.Account.Count("Rejected", deploymenttest.IngestFunction, 5*minute, 3)
	s.Account.Count("Rejected", deploymenttest.IngestFunction, 5*minute, 3, "invalid_signature")
	s.Account.Count("Applied", deploymenttest.SyncFunction, 4*minute, 3)
	s.Account.Count("Applied", deploymenttest.SyncFunction, 6*minute, 1)
	s.Account.Count("Stale", deploymenttest.SyncFunction, 4*minute, 1)
	s.Account.Count("Failed", deploymenttest.SyncFunction, 4*minute, 2)
	s.Account.Count("Lag", deploymenttest.SyncFunction, 4*minute, 850)
	s.Account.SetQueueAge(42 * time.Second)
	s.PutUser("a", "ins_a")
	s.PutRow(s.Pipeline.DirectoryTable, map[string]string{
		"pk": "USER#b", "sk": "USER", "kind": "user", "deleted_at": "2026-01-01T00:00:00.000Z",
	})
	s.PutDeadLetter()
	s.PutDeadLetter()

	got, note, err := status.Collect(t.Context(), find(t, s.Names()), now, false)
	lag, age := 850, 42
	want := status.Report{
		Stack: deploymenttest.StackName, WebhookURL: s.WebhookURL, Source: "metrics",
		LastReceivedAt: deployment.FormatTime(now.Add(-5 * time.Minute).Truncate(time.Minute)),
		LastAppliedAt:  deployment.FormatTime(now.Add(-4 * time.Minute).Truncate(time.Minute)),
		LagP50:         &lag, LagP99: &lag, LagFrom: status.LagFromChange,
		LastHour: map[string]int{
			"received": 9, "verified": 6, "queued": 5, "ignored": 1, "rejected": 3,
			"applied": 4, "stale": 1, "duplicate": 0, "failed": 2, "dead": 0,
		},
		RejectedBy: map[string]int{"invalid_signature": 3},
		// By whole minutes, as the metrics have them: 4 and 6 minutes ago.
		PerMinute: minutesWith(now, map[time.Duration]int{4 * minute: 4, 6 * minute: 1}),
		Queue:     deployment.QueueState{OldestSeconds: &age}, DeadLetters: 2,
		Rows:      map[string]status.KindCount{"user": {Live: 1, Tombstones: 1}},
		RowsTotal: 2, RowsCounted: true,
	}
	if diff := cmp.Diff(want, got, ignoreAttributes()); diff != "" || note != nil || err != nil {
		t.Errorf("Collect = %v, note %v, -want +got:\n%s", err, note, diff)
	}
}

// minutesWith are the minutes of the last hour in which so many messages came out
// that long ago, to the whole minute.
func minutesWith(now time.Time, ago map[time.Duration]int) []int {
	counts := make([]int, 60)
	for d, n := range ago {
		counts[now.Add(-d).Truncate(time.Minute).Sub(now.Add(-time.Hour))/time.Minute] += n
	}
	return counts
}

// Without metrics the numbers come from the Deliveries table, with a note where
// the metrics could not be read.
func TestDeliveries(t *testing.T) {
	s := deploymenttest.New(t)
	s.UseAsAWS()
	now := time.Now()
	put := func(id, outcome string, ago, took time.Duration) {
		s.PutRow(s.Pipeline.DeliveriesTable, map[string]string{
			"svix_id": id, "outcome": outcome, "received_at": deployment.FormatTime(now.Add(-ago)),
			"processed_at": deployment.FormatTime(now.Add(took - ago)),
		})
	}
	put("msg_a", "applied", time.Minute, 200*time.Millisecond)
	put("msg_b", "stale", 30*time.Second, 100*time.Millisecond)
	put("msg_c", "applied", 48*time.Hour, time.Second)
	lag := 200
	want := status.Report{
		Stack: deploymenttest.StackName, WebhookURL: s.WebhookURL, Source: "deliveries",
		LastReceivedAt: deployment.FormatTime(now.Add(-30 * time.Second)),
		LastAppliedAt:  deployment.FormatTime(now.Add(200*time.Millisecond - time.Minute)),
		LastHour:       map[string]int{"applied": 1, "stale": 1},
		LagP50:         &lag, LagP99: &lag, LagFrom: status.LagFromReceipt,
		PerMinute:   append(make([]int, 59), 2), // 59.8 s and 29.9 s ago
		RowsCounted: true,
	}
	for name, denied := range map[string]bool{"no metrics": false, "metrics denied": true} {
		s.Account.Denied["GetMetricData"] = denied
		got, note, err := status.Collect(t.Context(), find(t, s.Names()), now, false)
		if diff := cmp.Diff(want, got, ignoreAttributes(), cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Errorf("%s: Collect = %v, -want +got:\n%s", name, err, diff)
		}
		if (note != nil) != denied || denied && !strings.Contains(note.Error(), "read the metrics") {
			t.Errorf("%s: note = %v, want one only where the metrics are denied", name, note)
		}
	}
}

// What cannot be read is an error, not a zero.
func TestCollectFails(t *testing.T) {
	t.Parallel()
	s := deploymenttest.New(t)
	for name, spoil := range map[string]func(*deployment.Deployment){
		"no Directory table":   func(d *deployment.Deployment) { d.DirectoryTable = "nosuch" },
		"no Deliveries table":  func(d *deployment.Deployment) { d.DeliveriesTable = "nosuch" },
		"no queue":             func(d *deployment.Deployment) { d.QueueURL += "x" },
		"no dead-letter queue": func(d *deployment.Deployment) { d.DeadLetterQueueURL += "x" },
	} {
		d := find(t, deployment.Names{EndpointURL: s.Pipeline.Endpoint})
		spoil(d)
		if r, _, err := status.Collect(t.Context(), d, time.Now(), false); err == nil {
			t.Errorf("%s: Collect = %+v, want an error", name, r)
		}
	}
}

// People see what the scripts in testdata do not reach: a large table, trouble.
func TestShow(t *testing.T) {
	t.Parallel()
	n := 5000
	for _, tt := range []struct {
		name        string
		report      status.Report
		want, notes []string
	}{
		{
			name:   "large tables",
			report: status.Report{Partial: true, RowsTotal: 250_000},
			want:   []string{"rows           about 250000 (up to six hours old"},
			notes:  []string{"only its first part"},
		},
		{
			name:   "the count stopped",
			report: status.Report{Rows: map[string]status.KindCount{"user": {Live: 100_000, Tombstones: 3}}},
			want:   []string{"user  100000  3"},
			notes:  []string{"stopped early"},
		},
		{
			name: "trouble",
			report: status.Report{
				DeadLetters: 3, Queue: deployment.QueueState{Visible: 7, OldestSeconds: &n},
				LagP50: &n, LagP99: &n, LagFrom: status.LagFromChange,
				RejectedBy: map[string]int{"unavailable": 2}, LastHour: map[string]int{"rejected": 2, "received": 9},
			},
			want: []string{
				"dead letters   3: clerksync dlq ls --stack mirror\n",
				"7 waiting, 0 in flight, the oldest is 1h23m20s old",
				"p50 5s, p99 5s, from Clerk's change", "rejected for   unavailable 2", "received 9, rejected 2",
				"never, as far as is known",
			},
		},
	} {
		var out, words bytes.Buffer
		tt.report.Show(terminal.New(t.Context(), nil, &out, &words), time.Now(), deployment.Names{Stack: "mirror"})
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: Show = %s, want %q", tt.name, out.String(), want)
			}
		}
		for _, want := range tt.notes {
			if !strings.Contains(words.String(), want) {
				t.Errorf("%s: Show says %q, want %q", tt.name, words.String(), want)
			}
		}
	}
}
