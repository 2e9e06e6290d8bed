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
		"other case beside": { // https://github.com/golang/go/issues/14750
			r:    signed(`{"type":"user.updated","Type":"user.deleted","data":{"id":"user_a1","ID":"user_b2"}}`),
			want: ok(""), queued: 1,
		},
		// https://github.com/asim/nitro-plugins/issues/437
		"U+FFFE": {r: signed("{\"type\":\"user.updated\",\"data\":{\"first_name\":\"\ufffe\"}}"), want: ok(""), queued: 1},
		"U+FFFF": {r: signed("{\"type\":\"user.updated\",\"data\":{\"first_name\":\"\uffff\"}}"), want: ok(""), queued: 1},
		// https://github.com/softwaremill/elasticmq/pull/341
		"control character in the type": {r: signed(`{"type":"user.\u0007x","data":{}}`), want: ok("type")},
		"escaped type":                  {r: signed(`{"type":"user.\u0075pdated","data":{}}`), want: ok(""), queued: 1},
		// https://github.com/floci-io/floci/issues/775
		"300 KiB":             {r: signed(sized(300<<10, "a")), want: ok(""), queued: 1},
		"1,000,000 bytes":     {r: signed(sized(1_000_000, "a")), want: ok(""), queued: 1},
		"750,000 in base64":   {r: signed(sized(750_000, "\uffff")), want: ok(""), queued: 1},
		"750,001 in base64":   {r: signed(sized(750_001, "\uffff")), want: refusal(413, "payload_too_large")},
		"1,000,000 in base64": {r: signed(sized(1_000_000, "\uffff")), want: refusal(413, "payload_too_large")},
		"750,001 as text":     {r: signed(sized(750_001, "a")), want: ok(""), queued: 1},
	}
	for name, body := range map[string]string{
		"empty": "", "blank": " ", "text": "hello", "list": `[]`, "null": `null`, "byte order mark": "\ufeff" + event,
		"type empty": `{"type":"","data":{}}`, "type a number": `{"type":1,"data":{}}`, "no type": `{"data":{}}`,
		"no data": `{"type":"user.updated"}`, "data null": `{"type":"user.updated","data":null}`, "data a list": `{"type":"user.updated","data":[]}`,
		"type twice": `{"type":"user.updated","type":"user.updated","data":{}}`, "data twice, one escaped": `{"type":"user.updated","data":{},"d\u0061ta":{}}`,
		"TYPE": `{"TYPE":"user.updated","data":{}}`, "two objects": event + event,
		"byte 0xFF":     "{\"type\":\"user.updated\",\"data\":{\"n\":\"\xff\"}}", // https://github.com/aws/aws-sdk-go/issues/339
		"half a letter": "{\"type\":\"user.updated\",\"data\":{\"n\":\"\xc3\"}}",
		"too deep":      `{"type":"user.updated","data":{"x":` + strings.Repeat("[", 9_999) + strings.Repeat("]", 9_999) + `}}`,
		// An ignored type is no excuse.
		"email with two types": `{"type":"email.created","type":"email.created","data":{}}`,
	} {
		rows["invalid: "+name] = contract{r: signed(body), want: invalidPayload()}
	}
	rows["10,000 deep"] = contract{r: signed(`{"type":"user.updated","data":{"x":` + strings.Repeat("[", 9_998) + strings.Repeat("]", 9_998) + `}}`), want: ok(""), queued: 1}
	run(t, rows)
}

// https://github.com/koki-develop/lgtm-generator/issues/10
func TestOneByteTooMuch(t *testing.T) {
	for name, n := range map[string]int{"1,000,001": 1_000_001, "4.5 MB": 4_500_000} {
		b := newBench(t)
		r := signed(sized(n, "a"))
		for form, got := range map[string]answer{
			"http.Handler": b.overHTTP(r), "function": b.asFunction(t, r, true),
		} {
			if got.Status != 413 || got.Body != `{"error":"payload_too_large"}` {
				t.Errorf("%s bytes, %s: answer = %v, want 413 payload_too_large", name, form, got)
			}
		}
		if len(b.queue.Messages()) != 0 {
			t.Errorf("%s bytes: something is on the queue", name)
		}
	}
}

// https://github.com/bmorrisondev/clerk-webhooks-handler/pull/6
func TestTypesThatAreNotKept(t *testing.T) {
	t.Parallel()
	known := map[string]clerk.Knowledge{
		"waitlistEntry.created": clerk.NotKept, "email.created": clerk.NotKept, "sms.created": clerk.NotKept,
		"session.created": clerk.NotKept, "subscriptionItem.pastDue": clerk.NotKept, "paymentAttempt.created": clerk.NotKept,
		"brandNew.thing": clerk.Unknown, "user": clerk.Unknown, "user.banned": clerk.Unknown, "User.updated": clerk.Unknown,
		"user.updated ": clerk.Unknown, ".": clerk.Unknown, "organization_membership.created": clerk.Unknown, "\u0000": clerk.Unknown,
		"organizationInvitation.expired": clerk.Unknown,
	}
	rows := map[string]contract{}
	for name := range known {
		text, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		rows[fmt.Sprintf("%q", name)] = contract{r: signed(`{"type":` + string(text) + `,"data":{"otp_code":"424242"}}`), want: ok("type")}
	}
	run(t, rows)
	for name, want := range known {
		text, _ := json.Marshal(name)
		b := newBench(t)
		b.overHTTP(signed(`{"type":` + string(text) + `,"data":{}}`))
		if r := b.last(); r.Stage != ingest.Ignored || r.Reason != "type" || r.Knowledge != want || r.EventType != name {
			t.Errorf("report on %q = %+v, want ignored, known as %v", name, r, want)
		}
	}
}

// https://github.com/clerk/clerk-docs/pull/889
func TestInstances(t *testing.T) {
	t.Parallel()
	of := func(member string) svixtest.Request {
		return signed(`{"type":"user.updated","data":{"id":"user_a1","instance_id":"ins_a"}` + member + `}`)
	}
	run(t, map[string]contract{
		"any, where none is set":  {r: of(`,"instance_id":"ins_x"`), want: ok(""), queued: 1},
		"none, where none is set": {r: of(``), want: ok(""), queued: 1},
		"ours":                    {r: of(`,"instance_id":"ins_a"`), want: ok(""), queued: 1, change: instances("ins_a")},
		"the second of ours":      {r: of(`,"instance_id":"ins_b"`), want: ok(""), queued: 1, change: instances("ins_a", "ins_b")},
		"another":                 {r: of(`,"instance_id":"ins_x"`), want: ok("instance"), change: instances("ins_a")},
		"none":                    {r: of(``), want: ok("instance"), change: instances("ins_a")},
		"null":                    {r: of(`,"instance_id":null`), want: ok("instance"), change: instances("ins_a")},
		"a number":                {r: of(`,"instance_id":1`), want: ok("instance"), change: instances("1")},
		"in another case":         {r: of(`,"instance_id":"INS_A"`), want: ok("instance"), change: instances("ins_a")},
		"name in another case":    {r: of(`,"Instance_ID":"ins_a"`), want: ok("instance"), change: instances("ins_a")},
		"begins like ours":        {r: of(`,"instance_id":"ins_ab"`), want: ok("instance"), change: instances("ins_a")},
	})
}

// https://github.com/prisma/prisma-examples/pull/8389
// https://github.com/aws/aws-sdk-js/issues/1567
func TestQueueFaults(t *testing.T) {
	for name, c := range map[string]struct {
		queue  *svixtest.Queue
		stored int
	}{
		"error without effect": {&svixtest.Queue{Before: errors.New("throttled")}, 0},
		"error with effect":    {&svixtest.Queue{After: errors.New("reply lost")}, 1},
		"timed out":            {&svixtest.Queue{Before: context.DeadlineExceeded}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(cfg *ingest.Config) { cfg.Queue = c.queue })
			if diff := cmp.Diff(refusal(503, "unavailable"), b.overHTTP(signed(event))); diff != "" {
				t.Errorf("answer: %s", diff)
			}
			if r := b.last(); r.Err == nil || r.Stage != ingest.Rejected || r.SvixID != svixtest.ID || r.EventType != "user.updated" {
				t.Errorf("report = %+v, want the error", r)
			}
			if n := len(c.queue.Messages()); n != c.stored {
				t.Errorf("%d messages are on the queue, want %d", n, c.stored)
			}
			c.queue.Before, c.queue.After = nil, nil
			if diff := cmp.Diff(ok(""), b.overHTTP(signed(event))); diff != "" {
				t.Errorf("answer when it works again: %s", diff)
			}
			if n := len(c.queue.Messages()); n != c.stored+1 {
				t.Errorf("%d messages are on the queue, want %d", n, c.stored+1)
			}
		})
	}
}

func TestWhatIsQueued(t *testing.T) {
	b := newBench(t)
	b.clock.Advance(123 * time.Millisecond)
	both := signed(event).With("webhook-id", "msg_other").With("webhook-timestamp", at(1)).With("webhook-signature", "v1,x")
	if got := b.overHTTP(both); got.Status != 200 {
		t.Fatalf("answer = %v, want 200", got)
	}
	want := []delivery.Message{{Body: event, Attributes: map[string]string{
		"svix-id": svixtest.ID, "svix-timestamp": at(0), "event-type": "user.updated", "received-at": "2026-01-01T00:00:00.123Z", "v": "1",
	}}}
	if diff := cmp.Diff(want, b.queue.Messages()); diff != "" {
		t.Errorf("queue: %s", diff)
	}
	if r := b.last(); r.Stage != ingest.Queued || r.Err != nil || !r.ChangedAt.Equal(svixtest.Epoch()) {
		t.Errorf("report = %+v, want queued, changed at %v", r, svixtest.Epoch())
	}
}

// Nothing that is not signed may tell its id or type as if it were proven.
func TestReportOfARejectedRequest(t *testing.T) {
	b := newBench(t)
	b.overHTTP(signed(event).With("svix-signature", "v1,x").With("svix-id", "a.canary"))
	want := ingest.Report{Stage: ingest.Rejected, Reason: "missing_headers"}
	if diff := cmp.Diff(want, b.last()); diff != "" {
		t.Errorf("report: %s", diff)
	}
}

// Answered 200 without `ignored` are only bytes that were signed, and then
// exactly those are on the queue.
func FuzzIngest(f *testing.F) {
	for i, name := range events.Names() {
		body, err := events.Body(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, body, svixtest.ID, at(0), uint8(i))
	}
	f.Add([]byte(event), []byte(event+" "), svixtest.ID, at(0), uint8(0))
	f.Add([]byte("{\"type\":\"user.updated\",\"data\":{\"n\":\"\uffff\"}}"), []byte(nil), "msg_a", at(299*time.Second), uint8(1))
	f.Add([]byte(`{"type":"user.updated","data":{},"type":"email.created"}`), []byte(nil), "a.b", "x", uint8(2))
	f.Fuzz(func(t *testing.T, signedBytes, sent []byte, id, timestamp string, form uint8) {
		r := svixtest.SignedBy(svixtest.Secret, id, timestamp, string(signedBytes))
		if form&4 != 0 {
			r.Body = sent
		}
		b := newBench(t)
		ask := func() answer { return b.asFunction(t, r, true) }
		if form&1 != 0 {
			ask = func() answer { return b.overHTTP(r) }
		}
		got := ask()
		taken := got.Status == 200 && !strings.Contains(got.Body, `"ignored":`)
		m := b.queue.Messages()
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
