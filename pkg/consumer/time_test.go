package consumer_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// A failed message is hidden for 30 s at first, up to 15 min, and all in all for
// at least 12 hours.
func TestVisibilityGrows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(beforeMessage(func(context.Context, string) error { return errFault }))
		r := message("msg_1", user("created", "u1", 1, ""))
		var sum, last time.Duration
		const receives = 60 // the queue's maxReceiveCount
		for r.Receives = 1; r.Receives < receives; r.Receives++ {
			h.check(t, "failed", r)
			d := h.queue.delays[r.MessageID]
			if d < last || d < 30*time.Second || d > 15*time.Minute {
				t.Errorf("delay after receive %d = %v, want it to grow from 30 s to 15 min", r.Receives, d)
			}
			last = d
			sum += d
		}
		if last != 15*time.Minute || sum < 12*time.Hour {
			t.Errorf("the last delay = %v, their sum %v, want 15 min and at least 12 h", last, sum)
		}
	})
}

// slowWrites makes each write take that long, or until the context ends.
func slowWrites(d time.Duration) option {
	return beforeWrite(func(ctx context.Context, _ directory.Write) error { return pause(ctx, d) })
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// handleIn hands over a batch with that much time left.
func (h *harness) handleIn(t *testing.T, left time.Duration, batch ...delivery.Record) (failed []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), left)
	defer cancel()
	return h.Handle(ctx, batch)
}

// Remote calls end a margin before the invocation does: there is time to say
// when the failed messages come again.
func TestMargin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(slowWrites(time.Hour))
		start := time.Now()
		failed := h.handleIn(t, 30*time.Second, users(3)...)
		if took := time.Since(start); took != 30*time.Second-consumer.Margin {
			t.Errorf("Handle took %v, want the deadline less the margin of %v", took, consumer.Margin)
		}
		if len(failed) != 3 || len(h.queue.delays) != 3 || len(h.queue.dead) > 0 {
			t.Errorf("Handle = %q with delays %v and %d dead letters, want all three to come again",
				failed, h.queue.delays, len(h.queue.dead))
		}
		for id, d := range h.queue.delays {
			if d != 30*time.Second {
				t.Errorf("delay of %s = %v, want 30 s", id, d)
			}
		}
	})
}

// A queue that does not answer leaves time to say which messages are done.
func TestDelayHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(beforeMessage(func(_ context.Context, id string) error {
			if id == "msg_00" {
				return errFault
			}
			return nil
		}))
		h.queue.delayHangs = true
		start := time.Now()
		failed := h.handleIn(t, 30*time.Second, users(3)...)
		if took := time.Since(start); took > 29*time.Second {
			t.Errorf("Handle took %v of 30 s, want a second left to answer", took)
		}
		if len(failed) != 1 || len(h.live()) != 2 {
			t.Errorf("Handle = %q with %d rows, want one to come again and two done", failed, len(h.live()))
		}
	})
}

// Messages whose turn did not come are tried again at once, but not as
// suspects: in an outage they would use up their receives.
func TestNoTimeLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for receives, want := range map[int]time.Duration{1: 0, 2: 0, 3: 2 * time.Minute, 50: 15 * time.Minute} {
			h := newHarness()
			failed := h.handleIn(t, consumer.Margin, received(receives, users(2)...)...)
			delay := h.queue.delays["sqs-msg_00"]
			if len(failed) != 2 || len(h.live()) > 0 || delay != want {
				t.Errorf("Handle at receive %d = %q with delay %v, want both in %v", receives, failed, delay, want)
			}
		}
	})
}

// In three hours in which DynamoDB does not answer, or fails every call, no
// message uses up its receives, and afterwards the tables are as without.
func TestLongOutage(t *testing.T) {
	t.Parallel()
	const outage = 3 * time.Hour
	for name, during := range map[string]func(context.Context) error{
		"hangs": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"fails": func(context.Context) error { return errFault },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				h := newHarness(beforeMessage(func(ctx context.Context, _ string) error {
					if time.Since(start) < outage {
						return during(ctx)
					}
					return nil
				}))
				batch := users(10)
				received(0, batch...)
				h.receive(t, batch, outage+20*time.Minute) // the longest delay and more
				for _, r := range batch {
					if r.Receives > 20 {
						t.Errorf("%s: %d receives in three hours, want far fewer than 60", r.MessageID, r.Receives)
					}
				}
				h.checkSettled(t, batch)
			})
		})
	}
}

// receive hands over what is visible, second by second, until all is done or
// the time is over, and counts the receives in the batch.
func (h *harness) receive(t *testing.T, batch []delivery.Record, limit time.Duration) {
	t.Helper()
	start := time.Now()
	visible := map[string]time.Time{} // of those that are not done
	for _, r := range batch {
		visible[r.MessageID] = start
	}
	for ; len(visible) > 0 && time.Since(start) < limit; time.Sleep(time.Second) {
		var now []delivery.Record
		for i := range batch {
			if at, waits := visible[batch[i].MessageID]; waits && !at.After(time.Now()) {
				batch[i].Receives++
				now = append(now, batch[i])
			}
		}
		if len(now) == 0 {
			continue
		}
		failed := h.handleIn(t, 30*time.Second, now...)
		for _, r := range now {
			if delete(visible, r.MessageID); slices.Contains(failed, r.MessageID) {
				visible[r.MessageID] = time.Now().Add(h.queue.delays[r.MessageID])
			}
		}
	}
}

// A deletion whose children take longer than an invocation goes on at the next
// receive, at once.
func TestCascadeOutOfTime(t *testing.T) {
	t.Parallel()
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(withPolicy(p))
			for i := range 200 {
				h.handle(t, message(fmt.Sprint("msg_", i), membership("created", "o1", fmt.Sprint("u", i), 1, 1, "x")))
			}
			slowWrites(300*time.Millisecond)(h, &h.Config)
			deletion := message("msg_gone", deleted("organization", "o1", 9))
			left, receives := len(h.live()), 0
			for next := []delivery.Record{deletion}; len(next) > 0 && receives < 20; receives++ {
				if failed := h.handleIn(t, consumer.Margin+time.Second, next...); len(failed) > 0 {
					t.Fatalf("Handle = %q, want none: a copy goes on", failed)
				}
				if n := len(h.live()); n >= left {
					t.Errorf("%d live rows after a receive, %d before, want fewer", n, left)
				}
				left, next = len(h.live()), h.queue.takeCopies()
			}
			h.checkLive(t)
			h.checkInvariants(t)
			if receives < 3 {
				t.Errorf("the deletion took %d receives, want several", receives)
			}
		})
	})
}

// A deletion that deleted no child waits like any other failed message.
func TestCascadeInOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness()
		deletion := message("msg_gone", deleted("organization", "o1", 9))
		h.handle(t, message("msg_1", membership("created", "o1", "u1", 1, 1, "x")))
		beforeMessage(func(_ context.Context, svixID string) error {
			if svixID == "" {
				return errFault
			}
			return nil
		})(h, &h.Config)
		failed := h.handleIn(t, 30*time.Second, deletion)
		if d := h.queue.delays[deletion.MessageID]; len(failed) != 1 || d != 30*time.Second {
			t.Errorf("Handle = %q with delay %v, want it to come again in 30 s", failed, d)
		}
		h.Table = h.memory
		h.check(t, "duplicate", deletion)
		h.checkLive(t)
	})
}

// A deletion comes again at once only if the deadline stopped it: one that got on
// and met a fault waits like any other failed message.
func TestCascadeMeetsFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(beforeWrite(func(_ context.Context, w directory.Write) error {
			if w.LedgerEntry == nil && w.Row.Key() == directory.InvitationKey("o1", "i2") {
				panic("made up")
			}
			return nil
		}))
		deletion := message("msg_9", deleted("organization", "o1", 9))
		h.check(t, "applied applied failed", append(messages(
			invitation("created", "o1", "i1", 1), invitation("created", "o1", "i2", 1)), deletion)...)
		h.checkLive(t, "ORG#o1/INVITATION#i2")
		if d := h.queue.delays[deletion.MessageID]; d != 30*time.Second {
			t.Errorf("delay = %v, want 30 s", d)
		}
	})
}

// Where the queue cannot be told when, the failed messages are returned all the
// same.
func TestDelayFails(t *testing.T) {
	t.Parallel()
	h := newHarness(func(h *harness, c *consumer.Config) {
		c.Queue = &faulty{Memory: h.memory, queue: h.queue, fails: func(int) bool { return true }}
	})
	r := message("msg_1", user("created", "u1", 1, ""))
	setAttribute(r, "v", "2")
	if failed := h.Handle(t.Context(), []delivery.Record{r}); len(failed) != 1 || len(h.warnings) != 1 {
		t.Errorf("Handle = %q with %d warnings, want the failed one and a warning", failed, len(h.warnings))
	}
}
