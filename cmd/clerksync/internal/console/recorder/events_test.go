package recorder_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
)

// A reader gets every event once and in order; one that is too slow is told how
// many it has missed, and holds up nobody.
func TestSubscribe(t *testing.T) {
	t.Parallel()
	h := start(t, recorder.Limits{}, nil)
	s := h.Subscribe()
	h.send("msg_a", sample(t, "user.created"), applied)
	var got []string
	for len(got) < 3 {
		list, lost, err := s.Next(t.Context())
		if err != nil || lost > 0 {
			t.Fatalf("Next = %d lost, %v", lost, err)
		}
		for _, e := range list {
			got = append(got, e.Kind+" "+e.Step.Stage)
		}
	}
	slices.Sort(got) // the row may be written before ingest has heard that the queue has it
	if diff := cmp.Diff([]string{"message applied", "message queued", "row applied"}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for range 3000 {
		h.Clear()
	}
	list, lost, err := s.Next(t.Context())
	if err != nil || lost != 3000-2048 || len(list) != 2048 || list[0].Seq != 3+lost+1 {
		t.Errorf("a slow reader: %d events, %d lost, %v, want 2048 and 952", len(list), lost, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, _, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Next where nothing happens = %v, want the end of its context", err)
	}
	if list, _, _ := h.SubscribeAfter(3000).Next(t.Context()); len(list) != 3 || list[0].Seq != 3001 {
		t.Errorf("from event 3000 on: %d events, want 3", len(list))
	}
}

// Wait waits for a message that nobody has seen yet, and ends with its context.
func TestWait(t *testing.T) {
	t.Parallel()
	h := start(t, recorder.Limits{}, nil)
	done := make(chan recorder.Message)
	go func() {
		m, _, _ := h.Wait(t.Context(), "msg_a", recorder.WaitEnded)
		done <- m
	}()
	h.send("msg_a", sample(t, "user.created"), applied)
	if m := <-done; m.Outcome != applied {
		t.Errorf("Wait = %s, want applied", m.Outcome)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, seen, err := h.Wait(ctx, "msg_b", recorder.WaitEnded); seen || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait for nothing = seen %v, %v", seen, err)
	}
}

// The filters of the list.
func TestFilter(t *testing.T) {
	t.Parallel()
	h := start(t, recorder.Limits{}, nil)
	h.send("msg_a", sample(t, "user.created"), applied)
	h.send("msg_b", sample(t, "organization.created"), applied)
	h.post(forged("msg_c", sample(t, "user.updated")))
	for name, row := range map[string]struct {
		filter recorder.Filter
		want   []string
	}{
		"all":        {want: []string{"msg_c", "msg_b", "msg_a"}},
		"a type":     {filter: recorder.Filter{Type: "user.created"}, want: []string{"msg_a"}},
		"a family":   {filter: recorder.Filter{Type: "user"}, want: []string{"msg_c", "msg_a"}},
		"an outcome": {filter: recorder.Filter{Outcome: "rejected"}, want: []string{"msg_c"}},
		"an entity":  {filter: recorder.Filter{Entity: "org_2example"}, want: []string{"msg_b"}},
		"an id":      {filter: recorder.Filter{Entity: "msg_b"}, want: []string{"msg_b"}},
		"a text":     {filter: recorder.Filter{Text: "JONAH"}, want: []string{"msg_c", "msg_a"}},
		"together":   {filter: recorder.Filter{Type: "user", Outcome: applied, Text: "jonah"}, want: []string{"msg_a"}},
		"nothing":    {filter: recorder.Filter{Text: "nowhere"}},
	} {
		page := h.Messages(row.filter, 10)
		var got []string
		for _, m := range page.Messages {
			got = append(got, m.ID)
		}
		if !slices.Equal(got, row.want) || page.Matching != len(row.want) || page.All != 3 {
			t.Errorf("%s: %v of %d, want %v", name, got, page.All, row.want)
		}
	}
	if newer, older := h.Neighbours("msg_b", recorder.Filter{}); newer != "msg_c" || older != "msg_a" {
		t.Errorf("beside msg_b: %q and %q", newer, older)
	}
}

// The counts of the traffic page.
func TestCounts(t *testing.T) {
	t.Parallel()
	h := start(t, recorder.Limits{}, nil)
	h.send("msg_a", sample(t, "user.updated"), applied)
	h.send("msg_b", sample(t, "user.created"), "stale")
	n := h.Counts()
	want := map[string]int{"queued": 2, applied: 1, "stale": 1}
	if diff := cmp.Diff(want, n.Steps); diff != "" || n.Requests != 2 {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	sum := map[string]int{}
	for _, s := range n.Minute {
		for stage, count := range s.Steps {
			sum[stage] += count
		}
	}
	if diff := cmp.Diff(want, sum); diff != "" || len(n.Minute) != 60 {
		t.Errorf("steps of %d seconds (-want +got):\n%s", len(n.Minute), diff)
	}
	lags := 0
	for _, b := range n.Lag {
		lags += b.Count
	}
	if lags != 1 || n.P50 <= 0 || n.P99 < n.P50 {
		t.Errorf("%d lags, p50 %v, p99 %v, want those of one message", lags, n.P50, n.P99)
	}
}
