package consumer_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// One message that cannot be read does not hold back its neighbours.
// https://github.com/LeanerCloud/CUDly/issues/1574
func TestOneBadInTen(t *testing.T) {
	t.Parallel()
	batch := users(10)
	batch[3].Body = "not JSON"
	h := newHarness()
	h.handleAll(t, batch)
	if n := len(h.live()); n != 9 || len(h.queue.dead) != 1 {
		t.Fatalf("%d live rows and %d dead letters, want 9 and 1", n, len(h.queue.dead))
	}
	if diff := cmp.Diff(batch[3], h.queue.dead[0].record); diff != "" {
		t.Errorf("dead letter differs from the message (-want +got):\n%s", diff)
	}

	h = newHarness()
	h.queue.deadLetterErr = errFault
	if failed := h.Handle(t.Context(), batch); !slices.Equal(failed, []string{"sqs-msg_03"}) {
		t.Errorf("Handle = %q where no dead letter can be sent, want the bad one alone, by SQS's id", failed)
	}
	if n := len(h.live()); n != 9 {
		t.Errorf("%d live rows, want 9", n)
	}
}

// What can never work goes to the dead-letter queue at once, as it was, with a
// reason that holds no data. The packages that read a message have the whole
// lists; here is one of each kind.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	const canary = "canary@example.com"
	intact := message("msg_1", user("created", "u1", 1, ""))
	check := func(name string, r delivery.Record) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkDead(t, r, canary)
		})
	}
	withBody := func(body string) delivery.Record {
		r := intact
		r.Body = body
		return r
	}
	withAttribute := func(name, text string) delivery.Record { // "" for none
		r := intact
		r.Attributes = maps.Clone(intact.Attributes)
		if setAttribute(r, name, text); text == "" {
			delete(r.Attributes, name)
		}
		return r
	}
	const membership = "organizationMembership.created"
	check("body empty", withBody(""))
	check("body not JSON", withBody(canary))
	check("body with two types", withBody(`{"type":"user.created","type":"`+canary+`","data":{}}`))
	check("body with data null", withBody(`{"type":"user.created","data":null}`))
	check("deletion without id", withBody(event("user.deleted", 1, `{"external_id":"`+canary+`"}`)))
	check("update at no time", withBody(event("user.updated", 1, `{"id":"u1","updated_at":"`+canary+`"}`)))
	check("membership never created", withBody(event(membership, 1,
		`{"id":"m","organization":{"id":"o"},"public_user_data":{"user_id":"`+canary+`"}}`)))
	check("id too long for a key", withBody(user("created", strings.Repeat("x", 3000), 1, "")))
	check("attribute svix-id missing", withAttribute("svix-id", ""))
	check("attribute svix-id with a dot", withAttribute("svix-id", "msg.1"))
	check("attribute svix-timestamp missing", withAttribute("svix-timestamp", ""))
	check("attribute event-type missing", withAttribute("event-type", ""))
	check("attribute received-at missing", withAttribute("received-at", ""))
	check("attribute received-at not a time", withAttribute("received-at", canary))
	check("encoding that is unknown", withAttribute("encoding", canary))
	check("encoding that does not decode", withAttribute("encoding", "base64"))
	none := intact
	none.Attributes = nil
	check("no attributes at all", none)
}

// checkDead handles the record, which must be dead for a reason without data.
func checkDead(t *testing.T, r delivery.Record, canary string) {
	t.Helper()
	h := newHarness()
	h.check(t, "dead", r)
	if len(h.queue.dead) != 1 {
		t.Fatalf("%d dead letters, want 1", len(h.queue.dead))
	}
	got := h.queue.dead[0]
	if diff := cmp.Diff(r, got.record); diff != "" {
		t.Errorf("dead letter differs from the message (-want +got):\n%s", diff)
	}
	if got.reason == "" || len(got.reason) > 1024 || delivery.NeedsBase64([]byte(got.reason)) {
		t.Errorf("reason = %q, want up to 1 KB that SQS keeps", got.reason)
	}
	if err := h.reports[0].Err; err == nil || strings.Contains(err.Error()+got.reason, canary) {
		t.Errorf("reason = %q, reported as %v, want no data in them", got.reason, err)
	}
	if rows := h.memory.Rows(); len(rows) > 0 || len(h.memory.Ledger()) > 0 {
		t.Errorf("rows = %v, want none", rows)
	}
}

// What a newer program may know is retried, up to the last receive: ingest may be
// deployed before sync.
func TestNewerProgram(t *testing.T) {
	t.Parallel()
	withVersion := func(v string) delivery.Record {
		r := message("msg_1", user("created", "u1", 1, ""))
		setAttribute(r, "v", v)
		return r
	}
	for name, r := range map[string]delivery.Record{
		"version 2":              withVersion("2"),
		"version empty":          withVersion(""),
		"version 1.0":            withVersion("1.0"),
		"a family of its own":    message("msg_1", event("team.created", base, `{"id":"team_1"}`)),
		"a type that is ignored": message("msg_1", event("session.created", base, `{"id":"s"}`)),
		"a new event of users":   message("msg_1", event("user.renamed", base, `{"id":"u1"}`)),
	} {
		for receives, want := range map[int]time.Duration{
			1: 30 * time.Second, 3: 2 * time.Minute, 60: 15 * time.Minute,
		} {
			r.Receives = receives
			h := newHarness()
			h.check(t, "failed", r)
			delay, dead := h.queue.delays["sqs-msg_1"], len(h.queue.dead)
			if dead > 0 || delay != want {
				t.Errorf("%s, receive %d: %d dead letters, delay %v, want it to come again in %v",
					name, receives, dead, delay, want)
			}
		}
	}
}

// A message without version was put there by hand, and a body that SQS cannot
// hold comes as base64. https://github.com/ministackorg/ministack/pull/987
func TestOtherForms(t *testing.T) {
	t.Parallel()
	byHand := message("msg_1", user("created", "u1", 1, ""))
	delete(byHand.Attributes, "v")
	in64 := message("msg_2", user("updated", "u1", 2, ",\"first_name\":\"a\ufffe\uffff\""))
	if in64.Attributes["encoding"].Text != "base64" {
		t.Fatal("the second message is not base64")
	}
	h := newHarness()
	h.check(t, "applied applied", byHand, in64)
	if got := h.row(directory.UserKey("u1")).Text("first_name"); got != "a\ufffe\uffff" {
		t.Errorf("first_name = %q, want it exact", got)
	}
}

// What is not kept is known all the same, so that the log can name it.
func TestReportKnown(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"user.created": true, "session.created": true, "made.up": false} {
		h := newHarness()
		h.Handle(t.Context(), messages(`{"type":"`+name+`","object":"event","data":{"id":"a1"}}`))
		if len(h.reports) != 1 || h.reports[0].Known != want {
			t.Errorf("reports of %s = %+v, want one with Known %t", name, h.reports, want)
		}
	}
}
