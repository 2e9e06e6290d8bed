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
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
)

// TestBackoff: visibility grows from 30 s to 15 min, for at least 12 hours.
func TestBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(guard(func(*world, context.Context, string) error { return errFault }))
		r := message("msg_1", user("created", "u1", 1, ""))
		var sum, last time.Duration
		const receives = 60 // the queue's maxReceiveCount
		for r.Receives = 1; r.Receives < receives; r.Receives++ {
			w.check(t, "failed", r)
			d := w.queue.delays[r.MessageID]
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

// slow is a table whose calls take time, or until the context ends.
type slow struct {
	*directorytest.Memory
	write time.Duration
}

func (s *slow) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(s.write):
		return s.Memory.Write(ctx, w)
	}
}

func slowly(d time.Duration) func(*world, *consumer.Config) {
	return func(w *world, c *consumer.Config) { c.Table = &slow{w.memory, d} }
}

// TestMargin: remote calls end a margin before the invocation does, and there
// is time to say when the failed ones come again.
func TestMargin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(slowly(time.Hour))
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		batch := users(3)
		failed := w.Handle(ctx, batch)
		if took := time.Since(start); took != 30*time.Second-consumer.Margin {
			t.Errorf("Handle took %v, want the deadline less the margin of %v", took, consumer.Margin)
		}
		if len(failed) != 3 || len(w.queue.delays) != 3 || len(w.queue.dead) > 0 {
			t.Errorf("Handle = %q with delays %v and %d dead letters, want all three to come again", failed, w.queue.delays, len(w.queue.dead))
		}
		for id, d := range w.queue.delays {
			if d != 30*time.Second {
				t.Errorf("delay of %s = %v, want 30 s", id, d)
			}
		}
	})
}

// TestDelayHangs: a queue that does not answer leaves time to say which
// messages are done.
func TestDelayHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(guard(func(_ *world, _ context.Context, id string) error {
			if id == "msg_00" {
				return errFault
			}
			return nil
		}))
		w.queue.hangs = true
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		failed := w.Handle(ctx, users(3))
		if took := time.Since(start); took > 29*time.Second {
			t.Errorf("Handle took %v of 30 s, want a second left to answer", took)
		}
		if len(failed) != 1 || len(w.live()) != 2 {
			t.Errorf("Handle = %q with %d rows, want one to come again and two done", failed, len(w.live()))
		}
	})
}

// TestNoTimeLeft: messages whose turn did not come are tried again at once, but
// not for ever: in an outage they would use up their receives.
func TestNoTimeLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for receives, want := range map[int]time.Duration{1: 0, 2: 0, 3: 2 * time.Minute, 50: 15 * time.Minute} {
			w := newWorld(nil)
			ctx, cancel := context.WithTimeout(t.Context(), consumer.Margin)
			failed := w.Handle(ctx, received(receives, users(2)...))
			cancel()
			if len(failed) != 2 || len(w.live()) > 0 || w.queue.delays["sqs-msg_00"] != want {
				t.Errorf("Handle at receive %d = %q with delay %v, want both to come again in %v", receives, failed, w.queue.delays["sqs-msg_00"], want)
			}
		}
	})
}

// TestLongOutage plays three hours in which DynamoDB does not answer, or
// refuses everything: no message may use up its receives, and once it is over
// the tables are as without.
func TestLongOutage(t *testing.T) {
	t.Parallel()
	const outage = 3 * time.Hour
	for name, during := range map[string]func(context.Context) error{
		"hangs":   func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"refuses": func(context.Context) error { return errFault },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				w := newWorld(guard(func(_ *world, ctx context.Context, _ string) error {
					if time.Since(start) < outage {
						return during(ctx)
					}
					return nil
				}))
				batch := users(10)
				w.receive(t, batch, outage+20*time.Minute) // the longest delay and more
				for _, r := range batch {
					if r.Receives > 20 {
						t.Errorf("%s was received %d times in three hours, want far fewer than 60", r.MessageID, r.Receives)
					}
				}
				w.settle(t, batch)
			})
		})
	}
}

// receive hands over what is visible, second by second, until all is done or
// the time is over, and counts the receives.
func (w *world) receive(t *testing.T, batch []delivery.Record, most time.Duration) {
	t.Helper()
	start := time.Now()
	again := map[string]time.Time{} // when each is visible, if later; gone once done
	for _, r := range batch {
		again[r.MessageID] = start
	}
	for ; len(again) > 0 && time.Since(start) < most; time.Sleep(time.Second) {
		var now []delivery.Record
		for i := range batch {
			if at, waits := again[batch[i].MessageID]; waits && !at.After(time.Now()) {
				batch[i].Receives++
				now = append(now, batch[i])
			}
		}
		if len(now) == 0 {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		failed := w.Handle(ctx, now)
		cancel()
		for _, r := range now {
			if delete(again, r.MessageID); slices.Contains(failed, r.MessageID) {
				again[r.MessageID] = time.Now().Add(w.queue.delays[r.MessageID])
			}
		}
	}
}

// TestCascadeOutOfTime: it goes on at the next receive, at once.
func TestCascadeOutOfTime(t *testing.T) {
	t.Parallel()
	for _, p := range policies() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(with(p))
				const members = 200
				for i := range members {
					w.handle(t, message(fmt.Sprint("msg_", i), membership("created", "o1", fmt.Sprint("u", i), 1, 1, "x")))
				}
				w.Table = &slow{w.memory, 300 * time.Millisecond}
				gone := message("msg_gone", deleted("organization", "o1", 9))
				left := len(w.live())
				receives := 0
				for ; receives < 20; receives++ {
					ctx, cancel := context.WithTimeout(t.Context(), consumer.Margin+time.Second)
					failed := w.Handle(ctx, []delivery.Record{gone})
					cancel()
					if len(failed) == 0 {
						break
					}
					if d, ok := w.queue.delays[gone.MessageID]; !ok || d != 0 {
						t.Errorf("delay = %v, %t, want none: the cascade got on", d, ok)
					}
					if n := len(w.live()); n >= left {
						t.Errorf("%d live rows after a receive, %d before, want fewer", n, left)
					}
					left = len(w.live())
					gone.Receives++
				}
				w.checkLive(t)
				w.checkInvariants(t)
				if receives < 2 {
					t.Errorf("the cascade took %d receives, want several", receives+1)
				}
			})
		})
	}
}

// TestCascadeInOutage: a cascade that does not get on waits like any other.
func TestCascadeInOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(nil)
		gone := message("msg_gone", deleted("organization", "o1", 9))
		w.handle(t, message("msg_1", membership("created", "o1", "u1", 1, 1, "x")))
		w.Table = &guarded{w.memory, func(_ context.Context, svixID string) error {
			if svixID == "" {
				return errFault
			}
			return nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		failed := w.Handle(ctx, []delivery.Record{gone})
		if d := w.queue.delays[gone.MessageID]; len(failed) != 1 || d != 30*time.Second {
			t.Errorf("Handle = %q with delay %v, want it to come again in 30 s", failed, d)
		}
		w.Table = w.memory
		w.check(t, "duplicate", gone)
		w.checkLive(t)
	})
}

// TestDelayFails: the failed ones are listed all the same.
func TestDelayFails(t *testing.T) {
	t.Parallel()
	w := newWorld(func(w *world, c *consumer.Config) {
		c.Queue = &remote{Memory: w.memory, queue: w.queue, fails: func(int) bool { return true }}
	})
	r := message("msg_1", user("created", "u1", 1, ""))
	r.Attributes["v"] = delivery.Attribute{DataType: "String", Text: "2"}
	if failed := w.Handle(t.Context(), []delivery.Record{r}); len(failed) != 1 || len(w.warned) != 1 {
		t.Errorf("Handle = %q with %d warnings, want the failed one and a warning", failed, len(w.warned))
	}
}
