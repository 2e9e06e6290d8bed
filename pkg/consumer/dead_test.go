package consumer_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

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
			if report.Outcome != consumer.Dead || report.Err == nil || strings.Contains(report.Err.Error(), canary) {
				t.Errorf("report = %s, %v, want dead and why, without data", report.Outcome, report.Err)
			}
			if rows := w.memory.Rows(); len(rows) > 0 || len(w.memory.Ledger()) > 0 {
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
