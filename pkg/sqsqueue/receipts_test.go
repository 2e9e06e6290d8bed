package sqsqueue_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
)

// fill puts n messages on the queue and receives them.
func (b *bench) fill(t *testing.T, n int) (records []delivery.Record) {
	t.Helper()
	for range n {
		if err := sqsqueue.NewSender(b.client, b.queue).Send(t.Context(), message("{}")); err != nil {
			t.Fatal(err)
		}
	}
	for len(records) < n {
		for _, m := range b.receive(t, b.queue) {
			records = append(records, record(m))
		}
	}
	return records
}

func (b *bench) count(action string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.actions {
		if a == action {
			n++
		}
	}
	return n
}

func TestAcknowledge(t *testing.T) {
	for _, c := range []struct{ n, calls int }{{0, 0}, {1, 1}, {10, 1}, {11, 2}, {25, 3}} {
		b := newBench(t)
		if err := sqsqueue.NewQueue(b.client, b.queue, b.dead).Acknowledge(t.Context(), b.fill(t, c.n)); err != nil {
			t.Errorf("Acknowledge(%d) = %v, want nil", c.n, err)
		}
		if got := b.count("DeleteMessageBatch"); got != c.calls {
			t.Errorf("Acknowledge(%d) made %d calls, want %d", c.n, got, c.calls)
		}
		b.clock.Advance(time.Hour)
		if left := b.receive(t, b.queue); len(left) != 0 {
			t.Errorf("Acknowledge(%d) left %d messages", c.n, len(left))
		}
	}
}

// One entry that fails, or one call, is told and does not hold up the others.
func TestAcknowledgeInPart(t *testing.T) {
	t.Run("an entry", func(t *testing.T) {
		b := newBench(t)
		records := b.fill(t, 3)
		records[1].Receipt = "no receipt"
		err := sqsqueue.NewQueue(b.client, b.queue, b.dead).Acknowledge(t.Context(), records)
		if err == nil || !strings.Contains(err.Error(), "delete from the queue: 1 entries failed") {
			t.Errorf("Acknowledge = %v, want one entry named as failed", err)
		}
		b.clock.Advance(time.Hour)
		if left := b.receive(t, b.queue); len(left) != 1 {
			t.Errorf("%d messages are left, want 1", len(left))
		}
	})
	t.Run("the first call", func(t *testing.T) {
		b := newBench(t)
		records := b.fill(t, 12)
		first := true
		b.fault = func(action string, w http.ResponseWriter) bool {
			if action != "DeleteMessageBatch" || !first {
				return false
			}
			first = false
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		if err := sqsqueue.NewQueue(b.client, b.queue, b.dead).Acknowledge(t.Context(), records); err == nil {
			t.Error("Acknowledge = nil, want an error")
		}
		b.clock.Advance(time.Hour)
		if left := b.receive(t, b.queue); len(left) != 10 {
			t.Errorf("%d messages are left, want 10", len(left))
		}
	})
}

func TestDelay(t *testing.T) {
	b := newBench(t)
	records := b.fill(t, 12)
	delays := make([]delivery.Delay, len(records))
	for i, r := range records {
		delays[i] = delivery.Delay{Record: r, For: 30 * time.Second}
	}
	delays[0].For = 0
	delays[1].For = 15 * time.Minute
	if err := sqsqueue.NewQueue(b.client, b.queue, b.dead).Delay(t.Context(), delays); err != nil {
		t.Fatalf("Delay = %v, want nil", err)
	}
	if got := b.count("ChangeMessageVisibilityBatch"); got != 2 {
		t.Errorf("Delay made %d calls, want 2", got)
	}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {29 * time.Second, 0}, {time.Second, 10}} {
		b.clock.Advance(c.after)
		if got := len(b.receive(t, b.queue)); got != c.want {
			t.Errorf("%v later %d messages come, want %d", c.after, got, c.want)
		}
	}
	delays[2].Record.Receipt = "no receipt"
	err := sqsqueue.NewQueue(b.client, b.queue, b.dead).Delay(t.Context(), delays[2:3])
	if err == nil || !strings.Contains(err.Error(), "change visibility: 1 entries failed") {
		t.Errorf("Delay with a bad receipt = %v, want an error", err)
	}
}
