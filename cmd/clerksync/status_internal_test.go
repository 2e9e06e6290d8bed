package main

import (
	"bytes"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// report runs status --json.
func (h *hospital) report(flags ...string) (statusReport, string) {
	h.t.Helper()
	var out, words bytes.Buffer
	e := bare(&out, &words)
	if got := e.exit(append([]string{"clerksync", "status", "--json"}, flags...)); got != terminal.ExitDone {
		h.t.Fatalf("status exits %d, want 0: %s", got, words.String())
	}
	return decodeLines[statusReport](h.t, out.String())[0], words.String()
}

func TestStatusOfStack(t *testing.T) {
	h := newHospital(t)
	h.inAWS()
	a := h.account
	for _, c := range []struct {
		metric, function string
		ago              time.Duration
		value            float64
	}{
		{"Received", "mirror-ingest", 5 * time.Minute, 9},
		{"Verified", "mirror-ingest", 5 * time.Minute, 6},
		{"Verified", "mirror-ingest", 30 * time.Hour, 50},
		{"Queued", "mirror-ingest", 5 * time.Minute, 5},
		{"Ignored", "mirror-ingest", 5 * time.Minute, 1},
		{"Rejected", "mirror-ingest", 5 * time.Minute, 3},
		{"Applied", "mirror-sync", 4 * time.Minute, 3},
		{"Applied", "mirror-sync", 6 * time.Minute, 1},
		{"Stale", "mirror-sync", 4 * time.Minute, 1},
		{"Failed", "mirror-sync", 4 * time.Minute, 2},
		{"Lag", "mirror-sync", 4 * time.Minute, 850},
	} {
		a.counted(c.metric, c.function, c.ago, c.value)
	}
	a.counted("Rejected", "mirror-ingest", 5*time.Minute, 3, "invalid_signature")
	a.samples = append(a.samples, sample{"AWS/SQS/ApproximateAgeOfOldestMessage", "QueueName=clerksync-deliveries", time.Now().Add(-time.Minute), 42})
	h.user("a", "ins_a")
	h.row(h.DirectoryTable, map[string]string{"pk": "USER#b", "sk": "USER", "kind": "user", "deleted_at": "2026-01-01T00:00:00.000Z"})
	h.dead()

	got, words := h.report(h.flags...)
	lag, age := 850, 42
	want := statusReport{
		Stack: "mirror", WebhookURL: h.webhook, Source: "metrics",
		LastReceivedAt: stamp(time.Now().Add(-5 * time.Minute).Truncate(time.Minute)), LastAppliedAt: stamp(time.Now().Add(-4 * time.Minute).Truncate(time.Minute)),
		LagP50: &lag, LagP99: &lag, LagFrom: lagFromChange,
		LastHour: map[string]int{
			"received": 9, "verified": 6, "queued": 5, "ignored": 1, "rejected": 3,
			"applied": 4, "stale": 1, "duplicate": 0, "failed": 2, "dead": 0,
		},
		RejectedBy: map[string]int{"invalid_signature": 3}, Queue: queueState{OldestSeconds: &age}, DeadLetters: 2,
		rowCount: rowCount{Rows: map[string]kindCount{"user": {1, 1}}, Total: 2, Counted: true},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(statusReport{}, queueState{})); diff != "" || words != "" {
		t.Errorf("status -want +got:\n%s%s", diff, words)
	}
}

// TestStatusWithoutMetrics falls back on the Deliveries table, and says so
// where the metrics are refused.
func TestStatusWithoutMetrics(t *testing.T) {
	h := newHospital(t)
	h.inAWS()
	now := time.Now()
	for id, row := range map[string]struct {
		outcome string
		ago     time.Duration
		took    time.Duration
	}{
		"msg_a": {"applied", time.Minute, 200 * time.Millisecond},
		"msg_b": {"stale", 30 * time.Second, 100 * time.Millisecond},
		"msg_c": {"applied", 48 * time.Hour, time.Second},
	} {
		h.row(h.DeliveriesTable, map[string]string{
			"svix_id": id, "outcome": row.outcome, "received_at": stamp(now.Add(-row.ago)), "processed_at": stamp(now.Add(row.took - row.ago)),
		})
	}
	short, long := 200, 200
	want := statusReport{
		Stack: "mirror", WebhookURL: h.webhook, Source: "deliveries",
		LastReceivedAt: stamp(now.Add(-30 * time.Second)), LastAppliedAt: stamp(now.Add(200*time.Millisecond - time.Minute)),
		LastHour: map[string]int{"applied": 1, "stale": 1}, LagP50: &short, LagP99: &long, LagFrom: lagFromReceipt,
		rowCount: rowCount{Counted: true},
	}
	for name, c := range map[string]struct {
		denied bool
		note   string
	}{"none there": {false, ""}, "refused": {true, "note: read the metrics"}} {
		h.account.denied["GetMetricData"] = c.denied
		got, words := h.report(h.flags...)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(statusReport{}, queueState{})); diff != "" {
			t.Errorf("%s: status -want +got:\n%s", name, diff)
		}
		if !strings.HasPrefix(words, c.note) || (words == "") != (c.note == "") {
			t.Errorf("%s: status says %q, want %q", name, words, c.note)
		}
	}
}

func TestStatusFails(t *testing.T) {
	t.Parallel()
	h := newHospital(t)
	at := []string{"--endpoint-url", h.Endpoint}
	for name, c := range map[string]struct {
		flags []string
		want  int
	}{
		"an argument":   {[]string{"x"}, terminal.ExitUsage},
		"unknown flag":  {[]string{"--nosuch"}, terminal.ExitUsage},
		"no such table": {append(at, "--directory-table", "nosuch"), terminal.ExitFailed},
		"no such queue": {append(at, "--queue-url", h.QueueURL+"x"), terminal.ExitFailed},
		"no deliveries": {append(at, "--deliveries-table", "nosuch"), terminal.ExitFailed},
	} {
		var out, words bytes.Buffer
		e := bare(&out, &words)
		if got := e.exit(append([]string{"clerksync", "status"}, c.flags...)); got != c.want || words.Len() == 0 || out.Len() > 0 {
			t.Errorf("%s: status exits %d, prints %q and says %q, want %d and words", name, got, out.String(), words.String(), c.want)
		}
	}
}

// TestShowStatus is what people see of a report that the scripts do not reach.
func TestShowStatus(t *testing.T) {
	t.Parallel()
	n := 5000
	for name, c := range map[string]struct {
		report    statusReport
		out, says []string
	}{
		"large":         {statusReport{Partial: true, rowCount: rowCount{Total: 250_000}}, []string{"rows           about 250000 (up to six hours old"}, []string{"only its first part"}},
		"count stopped": {statusReport{rowCount: rowCount{Rows: map[string]kindCount{"user": {100_000, 3}}}}, []string{"user  100000  3"}, []string{"stopped early"}},
		"troubled": {
			statusReport{DeadLetters: 3, Queue: queueState{Visible: 7, OldestSeconds: &n}, LagP50: &n, LagP99: &n, LagFrom: lagFromChange, RejectedBy: map[string]int{"unavailable": 2}, LastHour: map[string]int{"rejected": 2, "received": 9}},
			[]string{"dead letters   3: clerksync dlq ls", "7 waiting, 0 in flight, the oldest is 1h23m20s old", "p50 5s, p99 5s, from Clerk's change", "rejected for   unavailable 2", "received 9, rejected 2", "never, as far as is known"},
			nil,
		},
	} {
		var out, words bytes.Buffer
		bare(&out, &words).showStatus(c.report)
		for _, want := range c.out {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: status = %s, want %q", name, out.String(), want)
			}
		}
		for _, want := range c.says {
			if !strings.Contains(words.String(), want) {
				t.Errorf("%s: status says %q, want %q", name, words.String(), want)
			}
		}
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 59 * time.Second: "59 s", 90 * time.Second: "1 min", 47 * time.Hour: "47 h", 49 * time.Hour: "2 days",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%s) = %q, want %q", d, got, want)
		}
	}
}

// TestWalk reads no further than it is told to.
func TestWalk(t *testing.T) {
	h := newHospital(t)
	h.inAWS()
	for i := range 5 {
		h.user(strconv.Itoa(i), "ins_a")
	}
	var out bytes.Buffer
	p := &place{}
	e := bare(&out, &out)
	var err error
	if p.aws, err = e.awsConfig(t.Context(), h.Endpoint, false); err != nil {
		t.Fatal(err)
	}
	for limit, want := range map[int]int{0: 5, 1: 5, 100: 5} { // a page is never cut
		n := 0
		complete, err := p.walk(t.Context(), h.DirectoryTable, limit, []string{"kind"}, func(record) { n++ })
		if err != nil || n != want || !complete {
			t.Errorf("walk(limit %d) = %d rows, complete %t, %v, want %d, true", limit, n, complete, err, want)
		}
	}
}

func TestNewBuildVersion(t *testing.T) {
	t.Parallel()
	info := &debug.BuildInfo{GoVersion: "go1.26.0", Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.time", Value: "2026-01-01T00:00:00Z"}, {Key: "vcs.modified", Value: "true"}, {Key: "x", Value: "y"},
	}}
	got := newBuildVersion(info)
	want := buildVersion{Version: "v1.2.3", Commit: "0123456789abcdef", Time: "2026-01-01T00:00:00Z", Modified: true, Go: "go1.26.0", Platform: got.Platform}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("newBuildVersion -want +got:\n%s", diff)
	}
	if got := newBuildVersion(nil); got.Version != "unknown" || got.Go == "" {
		t.Errorf("newBuildVersion(nil) = %+v, want unknown, with Go's version", got)
	}
}
