package ingest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/delivery/deliverytest"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

func TestPayloads(t *testing.T) {
	t.Parallel()
	rows := map[string]contract{
		// https://github.com/golang/go/issues/14750
		"members that differ in case": queued(signed(
			`{"type":"user.updated","Type":"user.deleted","data":{"id":"user_a1","ID":"user_b2"}}`)),
		// https://github.com/asim/nitro-plugins/issues/437
		"U+FFFE": queued(signed(named("\ufffe"))),
		"U+FFFF": queued(signed(named("\uffff"))),
		// https://github.com/softwaremill/elasticmq/pull/341
		"control character in the type": ignored(signed(`{"type":"user.\u0007x","data":{}}`), "type"),
		"escaped type":                  queued(signed(`{"type":"user.\u0075pdated","data":{}}`)),
		// https://github.com/floci-io/floci/issues/775
		"300 KiB":             queued(signed(sized(300<<10, "a"))),
		"1,000,000 bytes":     queued(signed(sized(1_000_000, "a"))),
		"750,000 in base64":   queued(signed(sized(750_000, "\uffff"))),
		"750,001 in base64":   refused(signed(sized(750_001, "\uffff")), "payload_too_large"),
		"1,000,000 in base64": refused(signed(sized(1_000_000, "\uffff")), "payload_too_large"),
		"750,001 as text":     queued(signed(sized(750_001, "a"))),
	}
	for name, body := range map[string]string{
		"empty":                    "",
		"white space":              " ",
		"text":                     "hello",
		"list":                     `[]`,
		"null":                     `null`,
		"byte order mark":          "\ufeff" + event,
		"type empty":               `{"type":"","data":{}}`,
		"type a number":            `{"type":1,"data":{}}`,
		"no type":                  `{"data":{}}`,
		"no data":                  `{"type":"user.updated"}`,
		"data null":                `{"type":"user.updated","data":null}`,
		"data a list":              `{"type":"user.updated","data":[]}`,
		"type twice":               `{"type":"user.updated","type":"user.updated","data":{}}`,
		"data twice, once escaped": `{"type":"user.updated","data":{},"d\u0061ta":{}}`,
		"TYPE":                     `{"TYPE":"user.updated","data":{}}`,
		"two objects":              event + event,
		"byte 0xFF":                named("\xff"), // https://github.com/aws/aws-sdk-go/issues/339
		"half a character":         named("\xc3"),
		"too deep":                 nested(9_999),
		// A type that is ignored is checked like the others.
		"email with two types": `{"type":"email.created","type":"email.created","data":{}}`,
	} {
		rows["invalid: "+name] = refused(signed(body), "invalid_payload")
	}
	rows["10,000 deep"] = queued(signed(nested(9_998)))
	run(t, rows)
}

// named is an event of a user whose name is that text.
func named(text string) string {
	return `{"type":"user.updated","data":{"first_name":"` + text + `"}}`
}

// nested is an event with that many lists in each other, two levels down.
func nested(lists int) string {
	return `{"type":"user.updated","data":{"x":` + strings.Repeat("[", lists) + strings.Repeat("]", lists) + `}}`
}

// https://github.com/koki-develop/lgtm-generator/issues/10
func TestTooLarge(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1_000_001, 4_500_000} {
		checkTooLarge(t, signed(sized(n, "a")))
	}
}

// Nothing of an event that is not kept reaches the queue: it may hold a
// one-time code. https://github.com/bmorrisondev/clerk-webhooks-handler/pull/6
func TestTypesThatAreNotKept(t *testing.T) {
	t.Parallel()
	of := func(eventType string) svixtest.Request {
		text, err := json.Marshal(eventType)
		if err != nil {
			t.Fatal(err)
		}
		return signed(`{"type":` + string(text) + `,"data":{"otp_code":"424242"}}`)
	}
	rows := map[string]contract{}
	for eventType, want := range map[string]clerk.Knowledge{
		"waitlistEntry.created":          clerk.NotKept,
		"email.created":                  clerk.NotKept,
		"session.created":                clerk.NotKept,
		"brandNew.thing":                 clerk.Unknown,
		"user":                           clerk.Unknown,
		"user.banned":                    clerk.Unknown,
		"User.updated":                   clerk.Unknown,
		"user.updated ":                  clerk.Unknown,
		".":                              clerk.Unknown,
		"\u0000":                         clerk.Unknown,
		"organizationInvitation.expired": clerk.Unknown,
	} {
		rows[fmt.Sprintf("%q", eventType)] = ignored(of(eventType), "type")
		h := newHarness(t)
		h.overHTTP(of(eventType))
		want := ingest.Report{
			Stage: ingest.Ignored, Reason: "type", SvixID: svixtest.ID, EventType: eventType, Knowledge: want,
		}
		if diff := cmp.Diff(want, h.lastReport()); diff != "" {
			t.Errorf("report (-want +got):\n%s", diff)
		}
	}
	run(t, rows)
}

// https://github.com/clerk/clerk-docs/pull/889
func TestInstances(t *testing.T) {
	t.Parallel()
	of := func(member string) svixtest.Request {
		return signed(`{"type":"user.updated","data":{"id":"user_a1","instance_id":"ins_a"}` + member + `}`)
	}
	run(t, map[string]contract{
		"any, where none is set":  queued(of(`,"instance_id":"ins_x"`)),
		"none, where none is set": queued(of(``)),
		"ours":                    queued(of(`,"instance_id":"ins_a"`)).when(instances("ins_a")),
		"the second of ours":      queued(of(`,"instance_id":"ins_b"`)).when(instances("ins_a", "ins_b")),
		"another":                 ignored(of(`,"instance_id":"ins_x"`), "instance").when(instances("ins_a")),
		"none":                    ignored(of(``), "instance").when(instances("ins_a")),
		"null":                    ignored(of(`,"instance_id":null`), "instance").when(instances("ins_a")),
		"a number":                ignored(of(`,"instance_id":1`), "instance").when(instances("1")),
		"in another case":         ignored(of(`,"instance_id":"INS_A"`), "instance").when(instances("ins_a")),
		"name in another case":    ignored(of(`,"Instance_ID":"ins_a"`), "instance").when(instances("ins_a")),
		"begins like ours":        ignored(of(`,"instance_id":"ins_ab"`), "instance").when(instances("ins_a")),
	})
}

// Never 200 unless the queue has said that it holds the message; after an error
// it may hold it all the same.
// https://github.com/prisma/prisma-examples/pull/8389
// https://github.com/aws/aws-sdk-js/issues/1567
func TestQueueFaults(t *testing.T) {
	for name, c := range map[string]struct {
		queue  *svixtest.Queue
		stored int
	}{
		"error without effect": {queue: &svixtest.Queue{Before: errors.New("throttled")}, stored: 0},
		"error with effect":    {queue: &svixtest.Queue{After: errors.New("reply lost")}, stored: 1},
		"timed out":            {queue: &svixtest.Queue{Before: context.DeadlineExceeded}, stored: 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(cfg *ingest.Config) { cfg.Queue = c.queue })
			if diff := cmp.Diff(refusal("unavailable"), h.overHTTP(signed(event))); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			r := h.lastReport()
			if r.Err == nil || r.Stage != ingest.Rejected || r.SvixID != svixtest.ID || r.EventType != "user.updated" {
				t.Errorf("report = %+v, want the error", r)
			}
			if n := len(c.queue.Messages()); n != c.stored {
				t.Errorf("%d messages are on the queue, want %d", n, c.stored)
			}
			c.queue.Before, c.queue.After = nil, nil
			if diff := cmp.Diff(accepted(svixtest.ID), h.overHTTP(signed(event))); diff != "" {
				t.Errorf("answer when it works again (-want +got):\n%s", diff)
			}
			if n := len(c.queue.Messages()); n != c.stored+1 {
				t.Errorf("%d messages are on the queue, want %d", n, c.stored+1)
			}
		})
	}
}

func TestMessageOnTheQueue(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.clock.Advance(123 * time.Millisecond)
	both := signed(event).With("webhook-id", "msg_other").With("webhook-timestamp", at(1))
	if got := h.overHTTP(both.With("webhook-signature", "v1,x")); got.Status != 200 {
		t.Fatalf("answer = %v, want 200", got)
	}
	want := []delivery.Message{{Body: event, Attributes: map[string]string{
		"svix-id": svixtest.ID, "svix-timestamp": at(0), "event-type": "user.updated",
		"received-at": "2026-01-01T00:00:00.123Z", "v": "1",
	}}}
	if diff := cmp.Diff(want, h.queue.Messages()); diff != "" {
		t.Errorf("queue (-want +got):\n%s", diff)
	}
	if r := h.lastReport(); r.Stage != ingest.Queued || r.Err != nil || !r.ChangedAt.Equal(svixtest.Epoch()) {
		t.Errorf("report = %+v, want queued, changed at %v", r, svixtest.Epoch())
	}
}

// The report on a request that is not verified holds neither its type nor an id
// that could be any text.
func TestReportOfARejectedRequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.overHTTP(signed(event).With("svix-signature", "v1,x").With("svix-id", "a.canary"))
	want := ingest.Report{Stage: ingest.Rejected, Reason: "missing_headers"}
	if diff := cmp.Diff(want, h.lastReport()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

// Only bytes that were signed are answered 200, and where they are not ignored
// exactly those bytes are on the queue.
func FuzzIngest(f *testing.F) {
	for i, name := range events.Names() {
		body, err := events.Body(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, body, svixtest.ID, at(0), uint8(i))
	}
	f.Add([]byte(event), []byte(event+" "), svixtest.ID, at(0), uint8(0))
	f.Add([]byte(named("\uffff")), []byte(nil), "msg_a", at(299*time.Second), uint8(1))
	f.Add([]byte(`{"type":"user.updated","data":{},"type":"email.created"}`), []byte(nil), "a.b", "x", uint8(2))
	f.Fuzz(func(t *testing.T, signedBytes, sent []byte, id, timestamp string, form uint8) {
		r := svixtest.SignedBy(svixtest.Secret, id, timestamp, string(signedBytes))
		if form&4 != 0 {
			r.Body = sent
		}
		h := newHarness(t)
		var got answer
		if form&1 != 0 {
			got = h.overHTTP(r)
		} else {
			got = h.asFunction(t, r, true)
		}
		taken := got.Status == 200 && !strings.Contains(got.Body, `"ignored":`)
		m := h.queue.Messages()
		if taken != (len(m) == 1) || len(m) > 1 {
			t.Fatalf("answer %v, %d messages on the queue", got, len(m))
		}
		if got.Status == 200 && string(r.Body) != string(signedBytes) {
			t.Errorf("answer %v for %q, signed was %q", got, r.Body, signedBytes)
		}
		if !taken {
			return
		}
		d, err := deliverytest.RecordOf(m[0]).Delivery()
		if err != nil || string(d.Body) != string(signedBytes) || d.SvixID != id || d.SvixTimestamp != timestamp {
			t.Errorf("the queue has %+v, %v, want %q as it was signed", d, err, signedBytes)
		}
	})
}
