package lambdafn_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// invocation is what a function counts before it flushes.
type invocation func(m *lambdafn.Metrics)

func request(stage ingest.Stage, reason string) invocation {
	return func(m *lambdafn.Metrics) {
		m.Request(context.Background(), ingest.Report{
			Stage: stage, Reason: reason, SvixID: "msg_canary", EventType: "canary@example.com", Known: clerk.Unknown,
			Err: errors.New("canary"),
		})
	}
}

func messages(n int, outcome consumer.Outcome, change func(*consumer.Report)) invocation {
	return func(m *lambdafn.Metrics) {
		for i := range n {
			r := consumer.Report{
				MessageID: "canary", SvixID: fmt.Sprint("msg_canary", i), EventType: "user.canary", Entity: "user/canary", Outcome: outcome,
				Attempt: 1, EndedAt: svixtest.Epoch().Add(time.Duration(i) * time.Millisecond), ChangedAt: svixtest.Epoch(),
				Err: errors.New("canary"),
			}
			if change != nil {
				change(&r)
			}
			m.Message(context.Background(), r)
		}
	}
}

func together(all ...invocation) invocation {
	return func(m *lambdafn.Metrics) {
		for _, f := range all {
			f(m)
		}
	}
}

func nothing(*lambdafn.Metrics) {}

func deletion(r *consumer.Report) { r.Deletion = true }

func timeless(r *consumer.Report) { r.ChangedAt = time.Time{} }

func early(r *consumer.Report) { r.ChangedAt = r.EndedAt.Add(time.Hour) }

// values are a metrics line's members but for the metadata and the zeros.
func values(t *testing.T, line string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatalf("line %q: %v", line, err)
	}
	delete(m, "_aws")
	delete(m, lambdafn.DimensionFunction)
	for name, v := range m {
		if v == 0.0 {
			delete(m, name)
		}
	}
	return m
}

func TestMetricsCount(t *testing.T) {
	type counts = map[string]any
	tests := []struct {
		name  string
		sync  bool
		count invocation
		want  counts
	}{
		{"queued", false, request(ingest.Queued, ""), counts{"Received": 1.0, "Verified": 1.0, "Queued": 1.0}},
		{"ignored", false, request(ingest.Ignored, "type"), counts{"Received": 1.0, "Verified": 1.0, "Ignored": 1.0}},
		{
			"rejected", false, request(ingest.Rejected, "invalid_signature"),
			counts{"Received": 1.0, "Rejected": 1.0, "Reason": "invalid_signature"},
		},
		{"secret", false, (*lambdafn.Metrics).SecretUnreadable, counts{"SecretUnreadable": 1.0}},
		{"applied", true, messages(3, consumer.Applied, nil), counts{"BatchSize": 3.0, "Applied": 3.0, "Lag": []any{0.0, 1.0, 2.0}}},
		{
			"deletions", true, messages(2, consumer.Applied, deletion),
			counts{"BatchSize": 2.0, "Applied": 2.0, "Deletions": 2.0, "Lag": []any{0.0, 1.0}},
		},
		{"a stale deletion", true, messages(2, consumer.Stale, deletion), counts{"BatchSize": 2.0, "Stale": 2.0}},
		{"duplicate", true, messages(2, consumer.Duplicate, nil), counts{"BatchSize": 2.0, "Duplicate": 2.0}},
		{"failed", true, messages(2, consumer.Failed, nil), counts{"BatchSize": 2.0, "Failed": 2.0}},
		{"dead", true, messages(2, consumer.Dead, nil), counts{"BatchSize": 2.0, "Dead": 2.0}},
		{"no change time", true, messages(1, consumer.Applied, timeless), counts{"BatchSize": 1.0, "Applied": 1.0}},
		{"a clock ahead", true, messages(1, consumer.Applied, early), counts{"BatchSize": 1.0, "Applied": 1.0, "Lag": []any{0.0}}},
		{"table requests, failed ones too", true, tableRequests(7), counts{"TableRequests": 7.0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			made := ingestMetrics
			if tt.sync {
				made = syncMetrics
			}
			lines := strings.Split(flushed(made, tt.count), "\n")
			tt.want[lambdafn.MetricColdStart] = 1.0
			if diff := cmp.Diff(tt.want, values(t, lines[0])); diff != "" {
				t.Errorf("first invocation (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(counts{}, values(t, lines[1])); diff != "" {
				t.Errorf("an idle one after it (-want +got):\n%s", diff)
			}
		})
	}
}

// An alarm on a sum needs data points to recover on: each invocation writes
// its zeros.
func TestEachInvocationWritesItsZeros(t *testing.T) {
	for name, tt := range map[string]struct {
		made func(*bytes.Buffer) *lambdafn.Metrics
		want []string
	}{
		"ingest": {ingestMetrics, []string{"Received", "Verified", "Queued", "Ignored", "Rejected", "SecretUnreadable", "ColdStart"}},
		"sync": {syncMetrics, []string{
			"Applied", "Stale", "Duplicate", "Failed", "Dead", "Deletions", "BatchSize", "TableRequests", "ColdStart",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var m map[string]any
			if err := json.Unmarshal([]byte(strings.Split(flushed(tt.made, nothing), "\n")[1]), &m); err != nil {
				t.Fatal(err)
			}
			for _, metric := range tt.want {
				if m[metric] != 0.0 {
					t.Errorf("%s = %v, want 0", metric, m[metric])
				}
			}
		})
	}
}

func TestNoMetricsWithoutAWriter(*testing.T) {
	var m *lambdafn.Metrics
	m.Flush() // must not panic: laptops write none
}

// A line is written whole, and nothing is counted twice or lost, whoever
// counts and flushes at the same time.
func TestMetricsAreSafeForConcurrentUse(t *testing.T) {
	const workers, each = 8, 200
	var out bytes.Buffer // written under the metrics' own lock
	m := lambdafn.SyncMetrics(&out, "clerksync-sync", svixtest.Epoch)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				messages(1, consumer.Applied, nil)(m)
				messages(1, consumer.Failed, nil)(m)
				m.SecretUnreadable()
				m.Flush()
			}
		})
	}
	wg.Wait()
	m.Flush()
	got := map[string]float64{}
	for line := range strings.Lines(out.String()) {
		for name, v := range values(t, line) {
			if n, ok := v.(float64); ok {
				got[name] += n
			}
		}
	}
	const all = workers * each
	want := map[string]float64{"Applied": all, "Failed": all, "BatchSize": 2 * all, "ColdStart": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sums (-want +got):\n%s", diff)
	}
}

// An unconfigured function fails every message, and the alarms see it.
func TestUnconfiguredSyncCountsFailures(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	h := &lambdafn.Sync{Metrics: lambdafn.SyncMetrics(&out, "sync", time.Now)}
	if _, err := h.Invoke(t.Context(), []byte(`{"Records":[{"messageId":"a"},{"messageId":"b"}]}`)); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, `"Failed":2`) || !strings.Contains(got, `"BatchSize":2`) {
		t.Errorf("metrics = %s, want two failed of two", got)
	}
}
