package pipeline_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

// messageID is a sample's.
func messageID(name string) string { return "msg_" + strings.ReplaceAll(name, ".", "_") }

// 200 for a kept type means: the queue holds exactly the signed bytes, or
// their base64 where SQS cannot keep every character.
func TestTheQueueHoldsTheSignedBytes(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	o.stay()
	w := start(t, pipeline.Options{AWS: o.cfg})
	encoded := 0
	for _, name := range events.Names() {
		body := sample(t, name)
		status, reply, _ := w.do(t, signed(messageID(name), body))
		if status != http.StatusOK {
			t.Errorf("POST of %s = %d %s, want 200", name, status, reply)
			continue
		}
		messages := received(t, o.sqs, w.QueueURL)
		if strings.Contains(reply, `"ignored"`) {
			if len(messages) > 0 {
				t.Errorf("the queue holds %d messages for the ignored %s, want none", len(messages), name)
			}
			continue
		}
		if len(messages) != 1 {
			t.Errorf("the queue holds %d messages for %s, want one", len(messages), name)
			continue
		}
		got, a := *messages[0].Body, attributes(messages[0])
		if a["encoding"] != "" {
			encoded++
			raw, err := base64.StdEncoding.DecodeString(got)
			if err != nil || a["encoding"] != "base64" || !delivery.NeedsBase64([]byte(body)) {
				t.Errorf("%s is on the queue in encoding %q, %v", name, a["encoding"], err)
			}
			got = string(raw)
		}
		if diff := cmp.Diff(body, got); diff != "" {
			t.Errorf("%s on the queue (-signed +queued):\n%s", name, diff)
		}
		if a["svix-id"] != messageID(name) || a["v"] != "1" || !strings.HasPrefix(body[strings.LastIndex(body, `"type"`):], fmt.Sprintf(`"type":%q`, a["event-type"])) {
			t.Errorf("attributes of %s = %v", name, a)
		}
		if _, err := time.Parse(directory.TimeFormat, a["received-at"]); err != nil {
			t.Errorf("received-at of %s = %q, want RFC 3339 with ms", name, a["received-at"])
		}
	}
	if encoded == 0 {
		t.Error("no sample crossed the queue as base64, want the one with noncharacters")
	}
}

// Whatever the queue's trouble is, the answer is 503, so that Svix sends again;
// where the message was stored all the same, the second is a duplicate.
func TestTheQueueDoesNotTakeIt(t *testing.T) {
	t.Parallel()
	for _, f := range []fault{
		{500, "InternalError", false},
		{503, "ServiceUnavailable", false},
		{400, "RequestThrottled", false},
		{403, "AccessDenied", false},
		{500, "InternalError", true},
	} {
		t.Run(fmt.Sprintf("%d %s, stored %t", f.status, f.code, f.after), func(t *testing.T) {
			t.Parallel()
			o := newOutside(t)
			w := start(t, pipeline.Options{AWS: o.cfg})
			o.fail("AmazonSQS.SendMessage", f)
			status, body, _ := w.do(t, signed("msg_1", sample(t, "user.created")))
			if status != 503 || body != `{"error":"unavailable"}` {
				t.Errorf("POST while SendMessage fails = %d %s, want 503 unavailable", status, body)
			}
			o.mend()
			want := []string{"rejected", "queued", "applied"}
			if f.after {
				want = []string{"rejected", "queued", "applied", "duplicate"}
			}
			if status, body, _ := w.do(t, signed("msg_1", sample(t, "user.created"))); status != 200 {
				t.Errorf("POST of the same message again = %d %s, want 200", status, body)
			}
			until(t, "the messages come to their end", func() bool { return len(w.stages("msg_1")) >= len(want) && count(t, o.sqs, w.QueueURL) == 0 })
			if diff := cmp.Diff(sorted(want), sorted(w.stages("msg_1"))); diff != "" {
				t.Errorf("stages (-want +got):\n%s", diff)
			}
		})
	}
}

// While DynamoDB is away messages wait on the queue; afterwards each is
// applied, and none is dead.
// https://github.com/SatyamPandey-07/WorkSphere/pull/372
func TestTheTablesAreAway(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	w := start(t, pipeline.Options{AWS: o.cfg})
	o.fail("DynamoDB_20120810", fault{500, "InternalServerError", false})
	names := []string{"user.created", "organization.created"}
	for _, name := range names {
		if got := w.accepted(t, messageID(name), sample(t, name)); got != "failed" {
			t.Errorf("%s while DynamoDB fails is %s, want failed", name, got)
		}
	}
	if got := count(t, o.sqs, w.QueueURL); got != len(names) {
		t.Errorf("the queue holds %d messages, want %d", got, len(names))
	}
	o.mend()
	o.comeAgain(t, len(names))
	for _, name := range names {
		if got := w.ended(t, messageID(name), 2); got != "applied" {
			t.Errorf("%s afterwards is %s, want applied", name, got)
		}
	}
	until(t, "the queue is empty", func() bool { return count(t, o.sqs, w.QueueURL) == 0 })
	if got := count(t, o.sqs, w.DeadLetterQueueURL); got != 0 {
		t.Errorf("dead letters = %d, want none", got)
	}
}

// A write whose answer is lost has had its effect once.
func TestTheAnswerOfAWriteIsLost(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	w := start(t, pipeline.Options{AWS: o.cfg})
	o.fail("DynamoDB_20120810.TransactWriteItems", fault{500, "InternalServerError", true})
	if got := w.accepted(t, "msg_1", sample(t, "user.created")); got == "failed" {
		o.mend()
		o.comeAgain(t, 1)
	}
	until(t, "the queue is empty", func() bool { return count(t, o.sqs, w.QueueURL) == 0 })
	if row := w.row(t, jonah, "USER"); row == nil {
		t.Error("no row, want Jonah's")
	}
	if d := w.rows(t, w.DeliveriesTable); len(d) != 1 || d[0]["outcome"] != "applied" {
		t.Errorf("deliveries = %v, want one that is applied", d)
	}
}

// The queue outlives the process: what one accepted the next applies.
func TestTheQueueOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	o.stay()
	first := start(t, pipeline.Options{AWS: o.cfg})
	if status, body, _ := first.do(t, signed("msg_1", sample(t, "user.created"))); status != 200 {
		t.Fatalf("POST = %d %s, want 200", status, body)
	}
	first.Stop(t.Context())
	o.let()
	second := start(t, pipeline.Options{AWS: o.cfg})
	o.clock.Advance(time.Hour) // a receive that the first broke off may have hidden it
	if second.QueueURL != first.QueueURL {
		t.Errorf("queue of the second start = %s, want %s", second.QueueURL, first.QueueURL)
	}
	if got := second.ended(t, "msg_1", 1); got != "applied" {
		t.Errorf("the message is %s, want applied", got)
	}
}

// Stop returns when what was accepted is applied.
func TestStopFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	w := start(t, pipeline.Options{})
	const n = 30
	for i := range n {
		if status, body, _ := w.do(t, signed(fmt.Sprintf("msg_%d", i), sample(t, "user.created"))); status != 200 {
			t.Fatalf("POST = %d %s, want 200", status, body)
		}
	}
	w.Stop(t.Context())
	for i := range n {
		if got := w.stages(fmt.Sprintf("msg_%d", i)); len(got) != 2 {
			t.Errorf("stages of message %d after Stop = %v, want queued and an end", i, got)
		}
	}
}
