package sqsqueue_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/delivery"
)

// sendAndReceive puts n messages on the queue and receives them.
func (h *harness) sendAndReceive(t *testing.T, n int) (records []delivery.Record) {
	t.Helper()
	for range n {
		if err := h.sender().Send(t.Context(), message("{}")); err != nil {
			t.Fatal(err)
		}
	}
	for len(records) < n {
		for _, m := range h.receive(t, h.queueURL) {
			records = append(records, toRecord(m))
		}
	}
	return records
}

// count returns how often an action was asked for.
func (h *harness) count(action string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.actions {
		if a == action {
			n++
		}
	}
	return n
}

// SQS bills by request and refuses more than ten entries in one.
func TestAcknowledge(t *testing.T) {
	for records, calls := range map[int]int{0: 0, 1: 1, 10: 1, 11: 2, 25: 3} {
		h := newHarness(t)
		if err := h.queue().Acknowledge(t.Context(), h.sendAndReceive(t, records)); err != nil {
			t.Errorf("Acknowledge(%d) = %v, want nil", records, err)
		}
		if got := h.count("DeleteMessageBatch"); got != calls {
			t.Errorf("Acknowledge(%d) made %d calls, want %d", records, got, calls)
		}
		h.clock.Advance(time.Hour)
		if left := h.receive(t, h.queueURL); len(left) != 0 {
			t.Errorf("Acknowledge(%d) left %d messages", records, len(left))
		}
	}
}

// One entry that fails, or one call, is reported and does not hold up the
// others.
func TestAcknowledgeInPart(t *testing.T) {
	t.Run("an entry", func(t *testing.T) {
		h := newHarness(t)
		records := h.sendAndReceive(t, 3)
		records[1].Receipt = "no receipt"
		err := h.queue().Acknowledge(t.Context(), records)
		if err == nil || !strings.Contains(err.Error(), "delete from the queue: 1 entries failed") {
			t.Errorf("Acknowledge = %v, want one entry named as failed", err)
		}
		h.clock.Advance(time.Hour)
		if left := h.receive(t, h.queueURL); len(left) != 1 {
			t.Errorf("%d messages are left, want 1", len(left))
		}
	})
	t.Run("the first call", func(t *testing.T) {
		h := newHarness(t)
		records := h.sendAndReceive(t, 12)
		first := true
		h.injectFault = func(action string, w http.ResponseWriter) bool {
			if action != "DeleteMessageBatch" || !first {
				return false
			}
			first = false
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		if err := h.queue().Acknowledge(t.Context(), records); err == nil {
			t.Error("Acknowledge = nil, want an error")
		}
		h.clock.Advance(time.Hour)
		if left := h.receive(t, h.queueURL); len(left) != 10 {
			t.Errorf("%d messages are left, want 10", len(left))
		}
	})
}

// A failed record is handed out again after its own delay, not the queue's.
func TestDelay(t *testing.T) {
	h := newHarness(t)
	records := h.sendAndReceive(t, 12)
	delays := make([]delivery.Delay, len(records))
	for i, r := range records {
		delays[i] = delivery.Delay{Record: r, For: 30 * time.Second}
	}
	delays[0].For = 0
	delays[1].For = 15 * time.Minute
	if err := h.queue().Delay(t.Context(), delays); err != nil {
		t.Fatalf("Delay = %v, want nil", err)
	}
	if got := h.count("ChangeMessageVisibilityBatch"); got != 2 {
		t.Errorf("Delay made %d calls, want 2", got)
	}
	for _, c := range []struct {
		after time.Duration // the row before
		want  int
	}{{after: 0, want: 1}, {after: 29 * time.Second, want: 0}, {after: time.Second, want: 10}} {
		h.clock.Advance(c.after)
		if got := len(h.receive(t, h.queueURL)); got != c.want {
			t.Errorf("%v later %d messages are handed out, want %d", c.after, got, c.want)
		}
	}
	delays[2].Record.Receipt = "no receipt"
	err := h.queue().Delay(t.Context(), delays[2:3])
	if err == nil || !strings.Contains(err.Error(), "change visibility: 1 entries failed") {
		t.Errorf("Delay with a bad receipt = %v, want an error", err)
	}
}
