package consumer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
)

// Messages about different rows do not wait for each other.
func TestRowsAreWrittenConcurrently(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	all.Add(10)
	h := newHarness(beforeMessage(func(context.Context, string) error {
		all.Done()
		all.Wait() // for all ten to be on their way
		return nil
	}))
	h.handleAll(t, users(10))
}

// Messages about one row are written in the order of their revisions, so that
// none of a batch makes another one stale.
func TestOneRowIsWrittenInOrder(t *testing.T) {
	t.Parallel()
	var order []string
	h := newHarness(beforeMessage(func(_ context.Context, id string) error {
		order = append(order, id)
		return nil
	}))
	h.handleAll(t, []delivery.Record{
		message("msg_3", user("updated", "u1", 30, "")),
		message("msg_9", deleted("user", "u1", 1)),
		message("msg_1", user("created", "u1", 10, "")),
		message("msg_2", user("updated", "u1", 20, "")),
	})
	if diff := cmp.Diff([]string{"msg_1", "msg_2", "msg_3", "msg_9"}, order); diff != "" {
		t.Errorf("order of writes (-want +got):\n%s", diff)
	}
	for id, o := range h.outcomes() {
		if o != consumer.Applied {
			t.Errorf("outcome of %s = %s, want applied", id, o)
		}
	}
}

// One message never holds back or repeats its neighbours, even where it panics.
func TestOnlyFailedAreReturned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(beforeMessage(func(_ context.Context, id string) error {
			switch id {
			case "msg_02", "msg_07":
				return errFault
			case "msg_05":
				panic("canary@example.com")
			}
			return nil
		}))
		failed := h.Handle(t.Context(), users(10))
		slices.Sort(failed)
		if diff := cmp.Diff([]string{"sqs-msg_02", "sqs-msg_05", "sqs-msg_07"}, failed); diff != "" {
			t.Errorf("Handle differs (-want +got):\n%s", diff)
		}
		if n := len(h.live()); n != 7 {
			t.Errorf("%d live rows, want 7", n)
		}
		if len(h.queue.dead) > 0 || len(h.queue.acknowledged) > 0 {
			t.Errorf("%d dead letters, %q acknowledged, want none: what Handle returns does that",
				len(h.queue.dead), h.queue.acknowledged)
		}
		for _, r := range h.reports {
			if r.Err != nil && strings.Contains(r.Err.Error(), "canary") {
				t.Errorf("report of %s = %v, want no data in it", r.SvixID, r.Err)
			}
		}
	})
}

// From the third receive on a message runs last and alone, after all that is
// done was acknowledged.
func TestSuspectsRunLastAndAlone(t *testing.T) {
	t.Parallel()
	var (
		order   []string
		mu      sync.Mutex
		running int
		h       *harness
	)
	h = newHarness(beforeMessage(func(_ context.Context, id string) error {
		mu.Lock()
		running++
		order = append(order, id)
		if id >= "msg_02" {
			h.queue.mu.Lock()
			h.queue.steps = append(h.queue.steps, "suspect")
			h.queue.mu.Unlock()
			if running > 1 {
				t.Errorf("%s runs together with others", id)
			}
		}
		mu.Unlock()
		time.Sleep(time.Millisecond)
		mu.Lock()
		running--
		mu.Unlock()
		return nil
	}))
	h.handleAll(t, append(received(3, users(4)...)[2:], received(2, users(2)...)...))
	first, last := order[:2], order[2:]
	slices.Sort(first)
	slices.Sort(last)
	if diff := cmp.Diff([]string{"msg_00", "msg_01", "msg_02", "msg_03"}, append(first, last...)); diff != "" {
		t.Errorf("order differs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"acknowledge 2", "suspect", "acknowledge 1", "suspect"}, h.queue.steps); diff != "" {
		t.Errorf("steps differ (-want +got):\n%s", diff)
	}
}

// No suspect is always first: its neighbours would never run if it is poison.
func TestSuspectsAreShuffled(t *testing.T) {
	t.Parallel()
	firsts := map[string]bool{}
	for i := range 10 {
		var order []string
		remember := func(_ context.Context, id string) error { order = append(order, id); return nil }
		h := newHarness(beforeMessage(remember), func(_ *harness, c *consumer.Config) {
			c.Random = func() float64 { return float64(i) / 10 }
		})
		h.handleAll(t, received(3, users(5)...))
		firsts[order[0]] = true
	}
	if len(firsts) < 2 {
		t.Errorf("first suspects = %v, want several", firsts)
	}
}

// A poison message, which kills the process, costs its neighbours nothing:
// they were acknowledged before it ran.
func TestPoisonMessage(t *testing.T) {
	t.Parallel()
	killed, release := make(chan struct{}), make(chan struct{})
	h := newHarness(beforeMessage(func(_ context.Context, id string) error {
		if id == "msg_09" {
			close(killed)
			<-release // the process is dead: nothing goes on from here
			return errors.New("killed")
		}
		return nil
	}))
	batch := users(10)
	batch[9].Receives = 3
	batch[4].Body = "a permanent error"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var handled sync.WaitGroup
	handled.Go(func() { h.Handle(ctx, batch) })
	<-killed
	h.queue.mu.Lock()
	got := slices.Sorted(slices.Values(h.queue.acknowledged))
	h.queue.mu.Unlock()
	var want []string
	for _, r := range batch[:9] {
		want = append(want, r.MessageID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("acknowledged before the poison message ran (-want +got):\n%s", diff)
	}
	cancel()
	close(release)
	handled.Wait()
}

// What could not be acknowledged before a suspect is so with the batch.
func TestAcknowledgeFails(t *testing.T) {
	t.Parallel()
	for _, effect := range []bool{false, true} {
		h := newHarness(func(h *harness, c *consumer.Config) {
			c.Queue = &faulty{Memory: h.memory, queue: h.queue, effect: effect, fails: func(int) bool { return true }}
		})
		batch := users(4)
		received(3, batch[2:]...)
		h.handleAll(t, batch)
		if len(h.warnings) != 2 || len(h.live()) != 4 {
			t.Errorf("%d warnings and %d rows, want 2 and 4", len(h.warnings), len(h.live()))
		}
	}
}
