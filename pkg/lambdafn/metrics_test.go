package lambdafn_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/lambdafn/ingestfn"
	"github.com/clerksync/clerksync/pkg/lambdafn/syncfn"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// invocation is what a function counts in one invocation, and the members that
// are not zero in its line.
type invocation struct {
	sync  bool // a function of sync, else of ingest
	count func(m *lambdafn.Metrics)
	want  members
}

// reasons are the errors of the replies.
func reasons() []string {
	return []string{
		"not_found", "method_not_allowed", "not_configured", "payload_too_large", "missing_headers",
		"invalid_timestamp", "invalid_signature", "invalid_payload", "unavailable",
	}
}

// invocations are those of each kind.
func invocations() map[string]invocation {
	all := map[string]invocation{
		"ingest, nothing": {count: func(*lambdafn.Metrics) {}},
		"queued": {
			count: request(ingest.Queued, ""), want: members{"Received": 1.0, "Verified": 1.0, "Queued": 1.0},
		},
		"ignored type": {
			count: request(ingest.Ignored, "type"), want: members{"Received": 1.0, "Verified": 1.0, "Ignored": 1.0},
		},
		"ignored instance": {
			count: request(ingest.Ignored, "instance"), want: members{"Received": 1.0, "Verified": 1.0, "Ignored": 1.0},
		},
		"secret unreadable": {
			count: func(m *lambdafn.Metrics) {
				o := ingestfn.Observer{Log: slog.New(slog.DiscardHandler), Metrics: m}
				o.SecretUnreadable(context.Background(), "read the signing secret", errors.New("canary"))
			},
			want: members{"SecretUnreadable": 1.0},
		},
		"sync, nothing": {sync: true, count: func(*lambdafn.Metrics) {}},
		"deletions": {
			sync: true, count: messages(2, consumer.Applied, func(r *consumer.Report) { r.Deletion = true }),
			want: members{"BatchSize": 2.0, "Applied": 2.0, "Deletions": 2.0, "Lag": []any{0.0, 1.0}},
		},
		"a stale deletion": {
			sync: true, count: messages(2, consumer.Stale, func(r *consumer.Report) { r.Deletion = true }),
			want: members{"BatchSize": 2.0, "Stale": 2.0},
		},
		"no change time": {
			sync: true, count: messages(1, consumer.Applied, func(r *consumer.Report) { r.ChangedAt = time.Time{} }),
			want: members{"BatchSize": 1.0, "Applied": 1.0},
		},
		"Clerk's clock is fast": {
			sync:  true,
			count: messages(1, consumer.Applied, func(r *consumer.Report) { r.ChangedAt = r.EndedAt.Add(time.Hour) }),
			want:  members{"BatchSize": 1.0, "Applied": 1.0, "Lag": []any{0.0}},
		},
		"100 lags": {
			sync: true, count: messages(100, consumer.Applied, nil),
			want: members{"BatchSize": 100.0, "Applied": 100.0, "Lag": lags(100)},
		},
		"101 lags": {
			sync: true, count: messages(101, consumer.Applied, nil),
			want: members{"BatchSize": 101.0, "Applied": 101.0, "Lag": lags(100)},
		},
		"table requests, failed ones too": {
			sync: true, count: tableRequests(7), want: members{"TableRequests": 7.0, "TableErrors": 7.0},
		},
	}
	for _, r := range reasons() {
		all["rejected "+r] = invocation{
			count: request(ingest.Rejected, r), want: members{"Received": 1.0, "Rejected": 1.0, "Reason": r},
		}
	}
	for outcome, metric := range map[consumer.Outcome]string{
		consumer.Applied: "Applied", consumer.Stale: "Stale", consumer.Duplicate: "Duplicate",
		consumer.Failed: "Failed", consumer.Dead: "Dead",
	} {
		want := members{"BatchSize": 10.0, metric: 10.0}
		if outcome == consumer.Applied {
			want["Lag"] = lags(10)
		}
		all["a batch of "+string(outcome)] = invocation{sync: true, count: messages(10, outcome, nil), want: want}
	}
	return all
}

func request(stage ingest.Stage, reason string) func(*lambdafn.Metrics) {
	return func(m *lambdafn.Metrics) {
		o := ingestfn.Observer{Log: slog.New(slog.DiscardHandler), Metrics: m}
		o.Request(context.Background(), ingest.Report{
			Stage: stage, Reason: reason, SvixID: "msg_canary", EventType: "canary@example.com",
			Err: errors.New("canary"),
		})
	}
}

// messages counts n messages, each a millisecond later than the one before.
func messages(n int, outcome consumer.Outcome, change func(*consumer.Report)) func(*lambdafn.Metrics) {
	return func(m *lambdafn.Metrics) {
		o := syncfn.Observer{Log: slog.New(slog.DiscardHandler), Metrics: m}
		for i := range n {
			r := consumer.Report{
				MessageID: "canary", SvixID: fmt.Sprint("msg_canary", i), EventType: "user.canary",
				Entity: "user/canary", Outcome: outcome, Attempt: 1, ChangedAt: svixtest.Epoch(),
				EndedAt: svixtest.Epoch().Add(time.Duration(i) * time.Millisecond), Err: errors.New("canary"),
			}
			if change != nil {
				change(&r)
			}
			o.Message(context.Background(), r)
		}
	}
}

func lags(n int) []any {
	var all []any
	for i := range n {
		all = append(all, float64(i))
	}
	return all
}

// failingClient is an HTTP client.
type failingClient struct{}

func (failingClient) Do(*http.Request) (*http.Response, error) { return nil, errors.New("canary") }

func tableRequests(n int) func(*lambdafn.Metrics) {
	return func(m *lambdafn.Metrics) {
		c := syncfn.CountTableRequests(failingClient{}, m)
		for range n {
			if resp, err := c.Do(nil); err == nil {
				_ = resp.Body.Close()
			}
		}
	}
}

// lines are those of the invocation and of an idle one after it.
func (i invocation) lines(t *testing.T) (first, idle string) {
	t.Helper()
	var out bytes.Buffer
	m := ingestfn.NewMetrics(&out, "clerksync-ingest", svixtest.Epoch)
	if i.sync {
		m = syncfn.NewMetrics(&out, "clerksync-sync", svixtest.Epoch)
	}
	i.count(m)
	m.Flush()
	m.Flush()
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 3 || lines[2] != "" {
		t.Fatalf("two invocations wrote %q, want two lines", out.String())
	}
	return lines[0], lines[1]
}

// values are the members of a metrics line but for the metadata and the zeros.
func values(t *testing.T, line string) members {
	t.Helper()
	var m members
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
	for name, i := range invocations() {
		t.Run(name, func(t *testing.T) {
			first, idle := i.lines(t)
			if diff := cmp.Diff(i.want.with(members{"ColdStart": 1.0}), values(t, first)); diff != "" {
				t.Errorf("first invocation (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(members{}, values(t, idle)); diff != "" {
				t.Errorf("an idle one after it (-want +got):\n%s", diff)
			}
		})
	}
}

// An alarm on a sum needs data points to return to OK: each invocation writes
// its zeros.
func TestEachInvocationWritesItsZeros(t *testing.T) {
	for function, want := range map[string][]string{
		"ingest": {"Received", "Verified", "Queued", "Ignored", "Rejected", "SecretUnreadable", "ColdStart"},
		"sync": {
			"Applied", "Stale", "Duplicate", "Failed", "Dead", "Deletions", "BatchSize", "TableRequests",
			"TableThrottles", "TableErrors", "ColdStart",
		},
	} {
		t.Run(function, func(t *testing.T) {
			_, idle := invocations()[function+", nothing"].lines(t)
			var m members
			if err := json.Unmarshal([]byte(idle), &m); err != nil {
				t.Fatal(err)
			}
			for _, metric := range want {
				if m[metric] != 0.0 {
					t.Errorf("%s = %v, want 0", metric, m[metric])
				}
			}
		})
	}
}

// Programs on a laptop write no metrics: nil must not panic.
func TestNilMetrics(*testing.T) {
	for _, i := range invocations() {
		i.count(nil)
	}
	var m *lambdafn.Metrics
	m.Flush()
}

// A line is written whole, and nothing is counted twice or lost, whatever is
// counted and flushed at the same time.
func TestMetricsAreSafeForConcurrentUse(t *testing.T) {
	const workers, each = 8, 200
	var out bytes.Buffer // its writes hold the lock of the metrics
	m := syncfn.NewMetrics(&out, "clerksync-sync", svixtest.Epoch)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				messages(1, consumer.Applied, nil)(m)
				messages(1, consumer.Failed, nil)(m)
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
