package consumer_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	diff "github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
)

// mode is how a remote call fails.
type mode int

const (
	without mode = iota // an error without an effect
	after               // an effect with an error: the answer is lost
)

// remote counts calls over table and queue and lets some of them fail.
type remote struct {
	*directorytest.Memory
	queue *queue
	mode  mode
	fails func(n int) bool
	crash context.CancelFunc // ends the invocation at the first fault, unless nil

	mu   sync.Mutex
	n    int
	hits int
}

// call makes one remote call, or fails it.
func (r *remote) call(f func() error) error {
	r.mu.Lock()
	r.n++
	fails := r.fails(r.n)
	if fails {
		r.hits++
	}
	r.mu.Unlock()
	if fails && r.crash != nil {
		defer r.crash()
	}
	if fails && r.mode == without {
		return errFault
	}
	err := f()
	if fails {
		return errFault
	}
	return err
}

func (r *remote) Write(ctx context.Context, w directory.Write) (result directory.Result, err error) {
	err = r.call(func() (err error) { result, err = r.Memory.Write(ctx, w); return err })
	return result, err
}

func (r *remote) Read(ctx context.Context, keys ...directory.Key) (rows []directory.Row, err error) {
	err = r.call(func() (err error) { rows, err = r.Memory.Read(ctx, keys...); return err })
	return rows, err
}

func (r *remote) Live(ctx context.Context, pk, prefix, from string) (rows []directory.Row, next string, err error) {
	err = r.call(func() (err error) { rows, next, err = r.Memory.Live(ctx, pk, prefix, from); return err })
	if err != nil {
		return nil, "", err
	}
	return rows, next, nil
}

func (r *remote) DeadLetter(ctx context.Context, record delivery.Record, reason string) error {
	return r.call(func() error { return r.queue.DeadLetter(ctx, record, reason) })
}

func (r *remote) Acknowledge(ctx context.Context, records []delivery.Record) error {
	return r.call(func() error { return r.queue.Acknowledge(ctx, records) })
}

func (r *remote) Delay(ctx context.Context, delays []delivery.Delay) error {
	return r.call(func() error { return r.queue.Delay(ctx, delays) })
}

// story has every kind of write and follow-up in it.
func story() []delivery.Record {
	return []delivery.Record{
		message("msg_01", organization("created", "o1", 1, "")),
		message("msg_02", user("created", "u1", 1, `,"username":"ada"`)),
		message("msg_03", membership("created", "o1", "u1", 2, 2, "org:admin")),
		message("msg_04", membership("updated", "o1", "u1", 2, 3, "org:member")),
		message("msg_05", domain("created", "o1", "d1", 4)),
		message("msg_06", domain("updated", "o2", "d1", 5)),
		message("msg_07", invitation("created", "o1", "i1", 6)),
		message("msg_02", user("created", "u1", 1, `,"username":"ada"`)), // a duplicate
		message("msg_08", user("updated", "u1", 0, `,"username":"eve"`)), // stale
		message("msg_09", deleted("organization", "o1", 9)),
		message("msg_10", membership("created", "o1", "u1", 10, 10, "org:late")), // ends by its own follow-up
		message("msg_11", domain("created", "o1", "d2", 11)),                     // likewise
		message("msg_12", deleted("organizationDomain", "d1", 12)),
		message("msg_13", membership("created", "o3", "u1", 13, 13, "org:member")),
		message("msg_14", deleted("user", "u1", 14)),
		message("msg_15", `{"type":"user.deleted","data":{"id":null}}`), // hopeless
	}
}

// play takes the story through, a message at a time, each again until it is
// done, and says how often a message came.
func play(t *testing.T, w *world, handle func(r delivery.Record) (failed []string)) (receives int) {
	t.Helper()
	for _, r := range story() {
		for {
			receives++
			failed := handle(r)
			if len(failed) == 0 {
				break
			}
			if !slices.Equal(failed, []string{r.MessageID}) {
				t.Fatalf("Handle(%s) = %q, want it or nothing", r.MessageID, failed)
			}
			if r.Receives++; r.Receives > 9 {
				t.Fatalf("%s does not come through: %v", r.MessageID, w.reports[len(w.reports)-1].Err)
			}
		}
	}
	w.checkInvariants(t)
	return receives
}

// ledger is what the Deliveries table must hold, whatever failed.
func ledger(w *world) map[string]consumer.Outcome {
	out := map[string]consumer.Outcome{}
	for id, d := range w.memory.Ledger() {
		out[id] = consumer.Outcome(d.Outcome)
	}
	return out
}

// TestFaultAtEveryCall lets one remote call after the other fail, both ways:
// healed in place, and with the invocation ending there.
// https://github.com/engram-app/Engram/pull/566
func TestFaultAtEveryCall(t *testing.T) {
	t.Parallel()
	for _, p := range policies() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			want := newWorld(with(p))
			play(t, want, func(r delivery.Record) []string { return want.Handle(t.Context(), []delivery.Record{r}) })
			for _, m := range []mode{without, after} {
				for _, crashes := range []bool{false, true} {
					t.Run(fmt.Sprintf("mode %d, crashes %t", m, crashes), func(t *testing.T) {
						for n := 1; ; n++ {
							hit := false
							synctest.Test(t, func(t *testing.T) { hit = faultAt(t, want, n, m, crashes) })
							if !hit {
								if n < 30 {
									t.Errorf("only %d remote calls were made", n-1)
								}
								break
							}
							if t.Failed() {
								t.Fatalf("with a fault at call %d", n)
							}
						}
					})
				}
			}
		})
	}
}

// faultAt plays the story with a fault at the nth remote call and says whether
// there was one.
func faultAt(t *testing.T, want *world, n int, m mode, crashes bool) bool {
	t.Helper()
	r := &remote{mode: m, fails: func(i int) bool { return i == n }}
	w := newWorld(func(w *world, c *consumer.Config) {
		c.Policy = want.Policy
		r.Memory, r.queue = w.memory, w.queue
		c.Table, c.Queue = r, r
	})
	receives := play(t, w, func(record delivery.Record) []string {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if crashes {
			r.crash = cancel
		}
		return w.Handle(ctx, []delivery.Record{record})
	})
	// In place all is healed, but a dead letter that could not be sent.
	if dead := r.n <= n+2; !crashes && !dead && receives != len(story()) {
		t.Errorf("%d receives, want %d: one fault is healed in place", receives, len(story()))
	}
	if d := diff.Diff(state(want.memory.Rows()), state(w.memory.Rows())); d != "" {
		t.Errorf("tables differ from those without a fault (-want +got):\n%s", d)
	}
	if d := diff.Diff(ledger(want), ledger(w)); d != "" {
		t.Errorf("Deliveries differ from those without a fault (-want +got):\n%s", d)
	}
	if sent := len(w.queue.dead); sent < 1 || sent > 2 || sent == 2 && m == without {
		t.Errorf("%d dead letters, want 1, or 2 where an answer was lost", sent)
	}
	return r.hits > 0
}

// TestOutage: nothing answers, for longer than a message is tried in place.
// https://github.com/localstack/localstack/issues/5283
func TestOutage(t *testing.T) {
	t.Parallel()
	for _, m := range []mode{without, after} {
		synctest.Test(t, func(t *testing.T) {
			r := &remote{mode: m}
			w := newWorld(func(w *world, c *consumer.Config) {
				r.Memory, r.queue = w.memory, w.queue
				c.Table = r
			})
			batch := []delivery.Record{message("msg_1", user("created", "u1", 1, "")), message("msg_2", user("created", "u2", 1, ""))}
			r.fails = func(int) bool { return true }
			if failed := w.Handle(t.Context(), batch); len(failed) != 2 || len(w.queue.dead) > 0 {
				t.Errorf("Handle = %q and %d dead letters, want both to come again", failed, len(w.queue.dead))
			}
			if r.n != 2*4 {
				t.Errorf("%d calls, want four tries each in place", r.n)
			}
			r.fails = func(int) bool { return false }
			if failed := w.Handle(t.Context(), batch); len(failed) > 0 {
				t.Errorf("Handle = %q, want none to come again", failed)
			}
			w.settle(t, batch)
			if d := diff.Diff(map[string]consumer.Outcome{"msg_1": consumer.Applied, "msg_2": consumer.Applied}, ledger(w)); d != "" {
				t.Errorf("Deliveries differ (-want +got):\n%s", d)
			}
		})
	}
}

// TestThrottledTwice is healed in place, with waits that grow.
func TestThrottledTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &remote{mode: without, fails: func(n int) bool { return n <= 2 }}
		w := newWorld(func(w *world, c *consumer.Config) { r.Memory = w.memory; c.Table = r })
		w.check(t, "applied", message("msg_1", user("created", "u1", 1, "")))
		if r.n != 3 {
			t.Errorf("%d calls, want 3", r.n)
		}
	})
}

// TestRefused: what the table never takes is dead, its neighbours unharmed.
// https://github.com/paritysuite/dynamodb-conformance/issues/45
func TestRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(func(w *world, c *consumer.Config) {
		c.Table = &refusing{Memory: w.memory, key: directory.UserKey("u1")}
	})
	batch := []delivery.Record{message("msg_1", user("created", "u1", 1, "")), message("msg_2", user("created", "u2", 1, ""))}
	if failed := w.Handle(t.Context(), batch); len(failed) > 0 {
		t.Errorf("Handle = %q, want none to come again", failed)
	}
	w.checkLive(t, "USER#u2/USER")
	if len(w.queue.dead) != 1 || w.queue.dead[0].record.MessageID != "sqs-msg_1" || w.queue.dead[0].reason == "" {
		t.Errorf("dead letters = %v, want the refused one with its reason", w.queue.dead)
	}
}

// refusing is a table that refuses one key.
type refusing struct {
	*directorytest.Memory
	key directory.Key
}

func (r *refusing) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	if w.Row != nil && w.Row.Key() == r.key {
		return 0, fmt.Errorf("write a transaction: %w: ValidationException", directory.ErrWriteRefused)
	}
	return r.Memory.Write(ctx, w)
}
