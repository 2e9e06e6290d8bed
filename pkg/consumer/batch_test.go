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
	if w.Delivery != nil {
		id = w.Delivery.SvixID
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

// TestOneBadInTen: one message that cannot be read does not hold back its
// neighbours. https://github.com/LeanerCloud/CUDly/issues/1574
func TestOneBadInTen(t *testing.T) {
	t.Parallel()
	batch := users(10)
	batch[3].Body = "not JSON"
	w := newWorld(nil)
	if failed := w.Handle(t.Context(), batch); len(failed) > 0 {
		t.Errorf("Handle = %q, want none to come again", failed)
	}
	if n := len(w.live()); n != 9 {
		t.Errorf("%d live rows, want 9", n)
	}
	if len(w.queue.dead) != 1 {
		t.Fatalf("%d dead letters, want 1", len(w.queue.dead))
	}
	if d := diff.Diff(batch[3], w.queue.dead[0].record); d != "" {
		t.Errorf("dead letter differs from the message (-want +got):\n%s", d)
	}

	w = newWorld(nil)
	w.queue.deadLetter = func(delivery.Record) error { return errFault }
	if failed := w.Handle(t.Context(), batch); !slices.Equal(failed, []string{"sqs-msg_03"}) {
		t.Errorf("Handle = %q where the dead letters do not answer, want the bad one alone, by SQS's id", failed)
	}
	if n := len(w.live()); n != 9 {
		t.Errorf("%d live rows, want 9", n)
	}
}

// TestDead: what can never work goes to the dead letters at once, as it was.
func TestDead(t *testing.T) {
	t.Parallel()
	const canary = "canary@example.com"
	good := func() delivery.Record { return message("msg_1", user("created", "u1", 1, "")) }
	changed := func(change func(r *delivery.Record)) delivery.Record {
		r := good()
		change(&r)
		return r
	}
	without := func(name string) delivery.Record {
		return changed(func(r *delivery.Record) { delete(r.Attributes, name) })
	}
	set := func(name, text string) delivery.Record {
		return changed(func(r *delivery.Record) { r.Attributes[name] = delivery.Attribute{DataType: "String", Text: text} })
	}
	bodied := func(body string) delivery.Record { return changed(func(r *delivery.Record) { r.Body = body }) }
	for name, r := range map[string]delivery.Record{
		"body empty":                     bodied(""),
		"body no JSON":                   bodied(canary),
		"body a list":                    bodied(`["` + canary + `"]`),
		"body without type":              bodied(`{"data":{"id":"` + canary + `"}}`),
		"body with two types":            bodied(`{"type":"user.created","type":"` + canary + `","data":{}}`),
		"body with data null":            bodied(`{"type":"user.created","data":null}`),
		"type that is not kept":          bodied(event("session.created", 1, `{"id":"`+canary+`"}`)),
		"type that nobody knows":         bodied(event(canary, 1, `{"id":"x"}`)),
		"deletion without id":            bodied(event("user.deleted", 1, `{"external_id":"`+canary+`"}`)),
		"deletion with id null":          bodied(event("user.deleted", 1, `{"id":null}`)),
		"deletion with id empty":         bodied(event("user.deleted", 1, `{"id":""}`)),
		"deletion with id a number":      bodied(event("user.deleted", 1, `{"id":5}`)),
		"update at no time":              bodied(event("user.updated", 1, `{"id":"u1","updated_at":"`+canary+`"}`)),
		"membership never created":       bodied(event("organizationMembership.created", 1, `{"id":"m","organization":{"id":"o"},"public_user_data":{"user_id":"`+canary+`"}}`)),
		"id too long":                    bodied(user("created", strings.Repeat("x", 3000), 1, "")),
		"attribute svix-id missing":      without("svix-id"),
		"attribute svix-timestamp gone":  without("svix-timestamp"),
		"attribute event-type missing":   without("event-type"),
		"attribute received-at missing":  without("received-at"),
		"attribute received-at unread":   set("received-at", canary),
		"attribute svix-timestamp short": set("svix-timestamp", "17724"),
		"attribute svix-id empty":        set("svix-id", ""),
		"attribute svix-id too long":     set("svix-id", strings.Repeat("m", 257)),
		"attribute svix-id with a dot":   set("svix-id", "msg.1"),
		"encoding that is unknown":       set("encoding", canary),
		"encoding that does not decode":  set("encoding", "base64"),
		"no attributes at all":           changed(func(r *delivery.Record) { r.Attributes = nil }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(nil)
			if failed := w.Handle(t.Context(), []delivery.Record{r}); len(failed) > 0 {
				t.Errorf("Handle = %q, want it acknowledged", failed)
			}
			if len(w.queue.dead) != 1 {
				t.Fatalf("%d dead letters, want 1", len(w.queue.dead))
			}
			got := w.queue.dead[0]
			if d := diff.Diff(r, got.record); d != "" {
				t.Errorf("dead letter differs from the message (-want +got):\n%s", d)
			}
			if got.reason == "" || len(got.reason) > 1024 || delivery.NeedsBase64([]byte(got.reason)) || strings.Contains(got.reason, canary) {
				t.Errorf("reason = %q, want up to 1 KB that SQS keeps, without data", got.reason)
			}
			report := w.reports[0]
			if report.Outcome != directory.Dead || report.Err == nil || strings.Contains(report.Err.Error(), canary) {
				t.Errorf("report = %s, %v, want dead and why, without data", report.Outcome, report.Err)
			}
			if rows := w.memory.Rows(); len(rows) > 0 || len(w.memory.Deliveries()) > 0 {
				t.Errorf("rows = %v, want none", rows)
			}
		})
	}
}

// TestByHand: a message without version is one put there by hand.
func TestByHand(t *testing.T) {
	t.Parallel()
	r := message("msg_1", user("created", "u1", 1, ""))
	delete(r.Attributes, "v")
	w := newWorld(nil)
	w.check(t, "applied", r)
	w.checkLive(t, "USER#u1/USER")
}

// TestUnknownVersion: a newer program may know it.
func TestUnknownVersion(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"2", "", "1.0"} {
		r := message("msg_1", user("created", "u1", 1, ""))
		r.Attributes["v"] = delivery.Attribute{DataType: "String", Text: v}
		w := newWorld(nil)
		w.check(t, "failed", r)
		if len(w.queue.dead) > 0 || w.queue.delays["sqs-msg_1"] != 30*time.Second {
			t.Errorf("version %q: %d dead letters, delay %v, want it to come again in 30 s", v, len(w.queue.dead), w.queue.delays["sqs-msg_1"])
		}
	}
}

// TestBase64: a body that SQS cannot hold comes as base64.
// https://github.com/ministackorg/ministack/pull/987
func TestBase64(t *testing.T) {
	t.Parallel()
	r := message("msg_1", user("created", "u1", 1, ",\"first_name\":\"a\ufffe\uffff\""))
	if r.Attributes["encoding"].Text != "base64" {
		t.Fatal("the message is no base64")
	}
	w := newWorld(nil)
	w.check(t, "applied", r)
	if got := w.row(directory.UserKey("u1")).Text("first_name"); got != "a\ufffe\uffff" {
		t.Errorf("first_name = %q, want it exact", got)
	}
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
		if o != directory.Applied {
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
