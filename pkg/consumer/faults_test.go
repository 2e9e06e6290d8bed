package consumer_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
)

// faulty is a table and a queue that count their calls together and let some of
// them fail.
type faulty struct {
	*directorytest.Memory
	queue  *queue
	effect bool // calls that fail have their effect: the answer is lost
	fails  func(n int) bool
	crash  context.CancelFunc // ends the invocation at the first fault, unless nil

	mu   sync.Mutex
	n    int // calls
	hits int // of them failed
}

// call makes one remote call, or fails it.
func (f *faulty) call(remote func() error) error {
	f.mu.Lock()
	f.n++
	fails := f.fails(f.n)
	if fails {
		f.hits++
	}
	f.mu.Unlock()
	if !fails {
		return remote()
	}
	if f.crash != nil {
		defer f.crash()
	}
	if f.effect {
		_ = remote()
	}
	return errFault
}

func (f *faulty) Write(ctx context.Context, w directory.Write) (result directory.Result, err error) {
	err = f.call(func() (err error) { result, err = f.Memory.Write(ctx, w); return err })
	return result, err
}

func (f *faulty) Read(ctx context.Context, keys ...directory.Key) (rows []directory.Row, err error) {
	err = f.call(func() (err error) { rows, err = f.Memory.Read(ctx, keys...); return err })
	return rows, err
}

func (f *faulty) Live(ctx context.Context, pk, prefix, after string) (rows []directory.Row, next string, err error) {
	err = f.call(func() (err error) { rows, next, err = f.Memory.Live(ctx, pk, prefix, after); return err })
	if err != nil {
		return nil, "", err
	}
	return rows, next, nil
}

func (f *faulty) DeadLetter(ctx context.Context, record delivery.Record, reason string) error {
	return f.call(func() error { return f.queue.DeadLetter(ctx, record, reason) })
}

func (f *faulty) Requeue(ctx context.Context, record delivery.Record, position string) error {
	return f.call(func() error { return f.queue.Requeue(ctx, record, position) })
}

func (f *faulty) Acknowledge(ctx context.Context, records []delivery.Record) error {
	return f.call(func() error { return f.queue.Acknowledge(ctx, records) })
}

func (f *faulty) Delay(ctx context.Context, delays []delivery.Delay) error {
	return f.call(func() error { return f.queue.Delay(ctx, delays) })
}

// history has every kind of write and of follow-up in it.
func history() []delivery.Record {
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
		message("msg_10", membership("created", "o1", "u1", 10, 10, "org:late")), // deleted by its own follow-up
		message("msg_11", domain("created", "o1", "d2", 11)),                     // likewise
		message("msg_12", deleted("organizationDomain", "d1", 12)),
		message("msg_13", membership("created", "o3", "u1", 13, 13, "org:member")),
		message("msg_14", deleted("user", "u1", 14)),
		message("msg_15", `{"type":"user.deleted","data":{"id":null}}`), // a permanent error
	}
}

// play hands over the history, a message at a time, each again until it is
// done, and returns how many receives that took.
func play(t *testing.T, h *harness, handle func(r delivery.Record) (failed []string)) (receives int) {
	t.Helper()
	for _, r := range history() {
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
				t.Fatalf("%s does not come through: %v", r.MessageID, h.reports[len(h.reports)-1].Err)
			}
		}
	}
	h.checkInvariants(t)
	return receives
}

// One remote call after the other fails, without its effect or after it, and is
// healed in place, or the invocation ends there: the tables come out the same.
// https://github.com/engram-app/Engram/pull/566
func TestFaultAtEveryCall(t *testing.T) {
	t.Parallel()
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		want := newHarness(withPolicy(p))
		play(t, want, func(r delivery.Record) []string { return want.Handle(t.Context(), []delivery.Record{r}) })
		for _, effect := range []bool{false, true} {
			for _, crashes := range []bool{false, true} {
				t.Run(fmt.Sprintf("effect %t, crashes %t", effect, crashes), func(t *testing.T) {
					for n := 1; ; n++ {
						hit := false
						synctest.Test(t, func(t *testing.T) { hit = faultAt(t, want, n, effect, crashes) })
						if t.Failed() {
							t.Fatalf("with a fault at call %d", n)
						}
						if hit {
							continue
						}
						if n < 30 {
							t.Errorf("only %d remote calls were made", n-1)
						}
						break
					}
				})
			}
		}
	})
}

// faultAt plays the history with a fault at the nth remote call and returns
// whether there was one.
func faultAt(t *testing.T, want *harness, n int, effect, crashes bool) bool {
	t.Helper()
	f := &faulty{effect: effect, fails: func(i int) bool { return i == n }}
	h := newHarness(withPolicy(want.Policy), func(h *harness, c *consumer.Config) {
		f.Memory, f.queue = h.memory, h.queue
		c.Table, c.Queue = f, f
	})
	receives := play(t, h, func(record delivery.Record) []string {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if crashes {
			f.crash = cancel
		}
		return h.Handle(ctx, []delivery.Record{record})
	})
	// In place all is healed, but a dead letter that could not be sent.
	if dead := f.n <= n+2; !crashes && !dead && receives != len(history()) {
		t.Errorf("%d receives, want %d: one fault is healed in place", receives, len(history()))
	}
	if diff := cmp.Diff(want.state(), h.state()); diff != "" {
		t.Errorf("tables differ from those without a fault (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.outcomes(), h.outcomes()); diff != "" {
		t.Errorf("Deliveries differ from those without a fault (-want +got):\n%s", diff)
	}
	if sent := len(h.queue.dead); sent < 1 || sent > 2 || sent == 2 && !effect {
		t.Errorf("%d dead letters, want 1, or 2 where an answer was lost", sent)
	}
	return f.hits > 0
}

// In an outage that lasts longer than the tries in place, messages come again,
// and none is dead. https://github.com/localstack/localstack/issues/5283
func TestOutage(t *testing.T) {
	t.Parallel()
	for _, effect := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := &faulty{effect: effect}
			h := newHarness(func(h *harness, c *consumer.Config) { f.Memory, c.Table = h.memory, f })
			batch := messages(user("created", "u1", 1, ""), user("created", "u2", 1, ""))
			f.fails = func(int) bool { return true }
			if failed := h.Handle(t.Context(), batch); len(failed) != 2 || len(h.queue.dead) > 0 {
				t.Errorf("Handle = %q and %d dead letters, want both to come again", failed, len(h.queue.dead))
			}
			if f.n != 2*4 {
				t.Errorf("%d calls, want four tries each in place", f.n)
			}
			f.fails = func(int) bool { return false }
			h.handleAll(t, batch)
			h.checkSettled(t, batch)
			want := map[string]consumer.Outcome{"msg_1": consumer.Applied, "msg_2": consumer.Applied}
			if diff := cmp.Diff(want, h.outcomes()); diff != "" {
				t.Errorf("Deliveries differ (-want +got):\n%s", diff)
			}
		})
	}
}

// What the table refuses is retried twice, for the deployment may be wrong, and
// is dead at its third receive. Its neighbours are unharmed.
// https://github.com/paritysuite/dynamodb-conformance/issues/45
func TestRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(beforeWrite(func(_ context.Context, w directory.Write) error {
		if w.Row != nil && w.Row.Key() == directory.UserKey("u1") {
			return fmt.Errorf("write a transaction: %w: ValidationException", directory.ErrWriteRefused)
		}
		return nil
	}))
	batch := messages(user("created", "u1", 1, ""), user("created", "u2", 1, ""))
	for receives, want := range []time.Duration{30 * time.Second, time.Minute} {
		failed := h.Handle(t.Context(), received(receives+1, batch...))
		delay := h.queue.delays["sqs-msg_1"]
		if !slices.Equal(failed, []string{"sqs-msg_1"}) || delay != want || len(h.queue.dead) > 0 {
			t.Errorf("receive %d: Handle = %q, delay %s, %d dead letters, want the refused one in %s",
				receives+1, failed, delay, len(h.queue.dead), want)
		}
	}
	h.handleAll(t, received(3, batch...))
	h.checkLive(t, "USER#u2/USER")
	dead := h.queue.dead
	if len(dead) != 1 || dead[0].record.MessageID != "sqs-msg_1" || dead[0].reason == "" {
		t.Errorf("dead letters = %v, want the refused one with its reason", dead)
	}
}
