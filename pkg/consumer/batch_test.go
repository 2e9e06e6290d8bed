package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
)

// guarded is a table that calls before each write with its message's id, ""
// for one without a message; an error fails the write.
type guarded struct {
	*directorytest.Memory
	write func(ctx context.Context, svixID string) error
}

func (g *guarded) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	id := ""
	if w.LedgerEntry != nil {
		id = w.LedgerEntry.SvixID
	}
	if err := g.write(ctx, id); err != nil {
		return 0, err
	}
	return g.Memory.Write(ctx, w)
}

func guard(write func(w *world, ctx context.Context, svixID string) error) func(*world, *consumer.Config) {
	return func(w *world, c *consumer.Config) {
		c.Table = &guarded{w.memory, func(ctx context.Context, id string) error { return write(w, ctx, id) }}
	}
}

// users are n messages about users of their own.
func users(n int) (records []delivery.Record) {
	for i := range n {
		records = append(records, message(fmt.Sprintf("msg_%02d", i), user("created", fmt.Sprintf("u%02d", i), 1, "")))
	}
	return records
}

// received sets how often the records were handed out.
func received(times int, records ...delivery.Record) []delivery.Record {
	for i := range records {
		records[i].Receives = times
	}
	return records
}

// TestParallelEntities: messages about different things do not wait for each
// other; those about one thing are taken in the order of their revisions.
func TestParallelEntities(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	all.Add(10)
	w := newWorld(guard(func(_ *world, _ context.Context, _ string) error {
		all.Done()
		all.Wait() // for all ten to be on their way
		return nil
	}))
	if failed := w.Handle(t.Context(), users(10)); len(failed) > 0 {
		t.Errorf("Handle = %q, want none to come again", failed)
	}

	var order []string
	w = newWorld(guard(func(_ *world, _ context.Context, id string) error {
		order = append(order, id)
		return nil
	}))
	batch := []delivery.Record{message("msg_3", user("updated", "u1", 30, "")), message("msg_9", deleted("user", "u1", 1)), message("msg_1", user("created", "u1", 10, "")), message("msg_2", user("updated", "u1", 20, ""))}
	w.Handle(t.Context(), batch)
	if d := diff.Diff([]string{"msg_1", "msg_2", "msg_3", "msg_9"}, order); d != "" {
		t.Errorf("order of writes of one user (-want +got):\n%s", d)
	}
	for id, o := range ledger(w) {
		if o != consumer.Applied {
			t.Errorf("outcome of %s = %s, want applied, for it came in order", id, o)
		}
	}
}

// TestOnlyFailedAreListed: the rest is done.
func TestOnlyFailedAreListed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(guard(func(_ *world, _ context.Context, id string) error {
			switch id {
			case "msg_02", "msg_07":
				return errFault
			case "msg_05":
				panic("canary@example.com")
			}
			return nil
		}))
		failed := w.Handle(t.Context(), users(10))
		slices.Sort(failed)
		if d := diff.Diff([]string{"sqs-msg_02", "sqs-msg_05", "sqs-msg_07"}, failed); d != "" {
			t.Errorf("Handle differs (-want +got):\n%s", d)
		}
		if n := len(w.live()); n != 7 {
			t.Errorf("%d live rows, want 7", n)
		}
		if len(w.queue.dead) > 0 || len(w.queue.acknowledged) > 0 {
			t.Errorf("%d dead letters, %q acknowledged, want none: the batch's answer does that", len(w.queue.dead), w.queue.acknowledged)
		}
		for _, r := range w.reports {
			if r.Err != nil && strings.Contains(r.Err.Error(), "canary") {
				t.Errorf("report of %s = %v, want no data in it", r.SvixID, r.Err)
			}
		}
	})
}

// TestSuspects: from the third receive on a message runs last and alone, after
// all that is done was acknowledged.
func TestSuspects(t *testing.T) {
	t.Parallel()
	var order []string
	var mu sync.Mutex
	running := 0
	w := newWorld(guard(func(w *world, _ context.Context, id string) error {
		mu.Lock()
		running++
		order = append(order, id)
		if id >= "msg_02" {
			w.queue.mu.Lock()
			w.queue.steps = append(w.queue.steps, "suspect")
			w.queue.mu.Unlock()
			if running > 1 {
				t.Errorf("%s runs beside others", id)
			}
		}
		mu.Unlock()
		time.Sleep(time.Millisecond)
		mu.Lock()
		running--
		mu.Unlock()
		return nil
	}))
	batch := append(received(3, users(4)...)[2:], received(2, users(2)...)...)
	if failed := w.Handle(t.Context(), batch); len(failed) > 0 {
		t.Errorf("Handle = %q, want none to come again", failed)
	}
	first, last := order[:2], order[2:]
	slices.Sort(first)
	slices.Sort(last)
	if d := diff.Diff([]string{"msg_00", "msg_01", "msg_02", "msg_03"}, append(first, last...)); d != "" {
		t.Errorf("order differs (-want +got):\n%s", d)
	}
	if d := diff.Diff([]string{"acknowledge 2", "suspect", "acknowledge 1", "suspect"}, w.queue.steps); d != "" {
		t.Errorf("steps differ (-want +got):\n%s", d)
	}
}

// TestShuffledSuspects: none of them is always first.
func TestShuffledSuspects(t *testing.T) {
	t.Parallel()
	firsts := map[string]bool{}
	for i := range 10 {
		var order []string
		w := newWorld(func(w *world, c *consumer.Config) {
			guard(func(_ *world, _ context.Context, id string) error { order = append(order, id); return nil })(w, c)
			c.Random = func() float64 { return float64(i) / 10 }
		})
		w.Handle(t.Context(), received(3, users(5)...))
		firsts[order[0]] = true
	}
	if len(firsts) < 2 {
		t.Errorf("first suspects = %v, want several", firsts)
	}
}

// TestKiller: a message that ends the process costs its neighbours nothing.
func TestKiller(t *testing.T) {
	t.Parallel()
	killed, release := make(chan struct{}), make(chan struct{})
	w := newWorld(guard(func(_ *world, _ context.Context, id string) error {
		if id == "msg_09" {
			close(killed)
			<-release // the process is gone: nothing goes on from here
			return errors.New("gone")
		}
		return nil
	}))
	batch := users(10)
	batch[9].Receives = 3
	batch[4].Body = "hopeless"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var handled sync.WaitGroup
	handled.Go(func() { w.Handle(ctx, batch) })
	<-killed
	w.queue.mu.Lock()
	got := slices.Sorted(slices.Values(w.queue.acknowledged))
	w.queue.mu.Unlock()
	var want []string
	for _, r := range batch[:9] {
		want = append(want, r.MessageID)
	}
	if d := diff.Diff(want, got); d != "" {
		t.Errorf("acknowledged before the killer ran (-want +got):\n%s", d)
	}
	cancel()
	close(release)
	handled.Wait()
}

// TestAcknowledgeFails: what could not be acknowledged early is so with the
// batch.
func TestAcknowledgeFails(t *testing.T) {
	t.Parallel()
	for _, m := range []mode{without, after} {
		w := newWorld(func(w *world, c *consumer.Config) {
			c.Queue = &remote{Memory: w.memory, queue: w.queue, mode: m, fails: func(int) bool { return true }}
		})
		batch := users(4)
		received(3, batch[2:]...)
		if failed := w.Handle(t.Context(), batch); len(failed) > 0 || len(w.warned) != 2 || len(w.live()) != 4 {
			t.Errorf("Handle = %q with %d warnings and %d rows, want none, 2 and 4", failed, len(w.warned), len(w.live()))
		}
	}
}
