package pipeline_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
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
	e := newEndpoint(t)
	e.holdMessages()
	h := e.start(t)
	encoded := 0
	for _, name := range events.Names() {
		body := sample(t, name)
		status, reply, _ := h.do(signed(messageID(name), body))
		want := 1
		if strings.Contains(reply, `"ignored"`) {
			want = 0
		}
		messages := emulatortest.Receive(h.t, h.queues, h.p.QueueURL)
		if status != http.StatusOK || len(messages) != want {
			t.Errorf("POST of %s = %d %s, with %d messages on the queue, want 200 and %d",
				name, status, reply, len(messages), want)
			continue
		}
		for _, m := range messages {
			encoded += checkQueued(t, name, body, m)
		}
	}
	if encoded == 0 {
		t.Error("no sample crossed the queue as base64, want the one with noncharacters")
	}
}

// checkQueued holds a message of the queue against the sample that was signed,
// and counts it if it is in base64.
func checkQueued(t *testing.T, name, body string, m types.Message) (encoded int) {
	t.Helper()
	got, a := *m.Body, attributes(m)
	if a["encoding"] != "" {
		encoded = 1
		raw, err := base64.StdEncoding.DecodeString(got)
		if err != nil || a["encoding"] != "base64" || !delivery.NeedsBase64([]byte(body)) {
			t.Errorf("%s is on the queue in encoding %q, %v", name, a["encoding"], err)
		}
		got = string(raw)
	}
	if diff := cmp.Diff(body, got); diff != "" {
		t.Errorf("%s on the queue (-signed +queued):\n%s", name, diff)
	}
	eventType := fmt.Sprintf(`"type":%q`, a["event-type"])
	rightType := strings.HasPrefix(body[strings.LastIndex(body, `"type"`):], eventType)
	if a["svix-id"] != messageID(name) || a["v"] != "1" || !rightType {
		t.Errorf("attributes of %s = %v", name, a)
	}
	if _, err := time.Parse(directory.TimeFormat, a["received-at"]); err != nil {
		t.Errorf("received-at of %s = %q, want RFC 3339 with ms", name, a["received-at"])
	}
	return encoded
}

// Whatever keeps a message from the queue, the answer is 503, so that Svix sends
// again; where the message was stored all the same, the second is a duplicate.
func TestTheQueueFails(t *testing.T) {
	t.Parallel()
	for _, f := range []fault{
		{status: 500, code: "InternalError"},
		{status: 503, code: "ServiceUnavailable"},
		{status: 400, code: "RequestThrottled"},
		{status: 403, code: "AccessDenied"},
		{status: 500, code: "InternalError", after: true},
	} {
		t.Run(fmt.Sprintf("%d %s, stored %t", f.status, f.code, f.after), func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t)
			h := e.start(t)
			e.inject("AmazonSQS.SendMessage", f)
			status, body, _ := h.do(signed("msg_1", sample(t, "user.created")))
			if status != http.StatusServiceUnavailable || body != `{"error":"unavailable"}` {
				t.Errorf("POST while SendMessage fails = %d %s, want 503 unavailable", status, body)
			}
			e.mend()
			want := []string{"rejected", "queued", "applied"}
			if f.after {
				want = append(want, "duplicate")
			}
			h.post(signed("msg_1", sample(t, "user.created")))
			h.until("the messages have their outcomes", func() bool {
				return len(h.stages("msg_1")) >= len(want) && h.count(h.p.QueueURL) == 0
			})
			if diff := cmp.Diff(sorted(want), sorted(h.stages("msg_1"))); diff != "" {
				t.Errorf("stages (-want +got):\n%s", diff)
			}
		})
	}
}

// While DynamoDB fails, messages wait on the queue; afterwards each is applied,
// and none is a dead letter.
// https://github.com/SatyamPandey-07/WorkSphere/pull/372
func TestTheTablesFail(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	h := e.start(t)
	e.inject("DynamoDB_20120810", fault{status: 500, code: "InternalServerError"})
	names := []string{"user.created", "organization.created"}
	for _, name := range names {
		h.wantSent(messageID(name), sample(t, name), "failed")
	}
	if got := h.count(h.p.QueueURL); got != len(names) {
		t.Errorf("the queue holds %d messages, want %d", got, len(names))
	}
	e.mend()
	e.redeliver(h, len(names))
	for _, name := range names {
		h.wantOutcome(messageID(name), 2, "applied")
	}
	h.drain()
	h.wantDeadLetters(0)
}

// A write whose answer is lost has had its effect once.
func TestTheAnswerOfAWriteIsLost(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	h := e.start(t)
	e.inject("DynamoDB_20120810.TransactWriteItems", fault{status: 500, code: "InternalServerError", after: true})
	if got := h.send("msg_1", sample(t, "user.created")); got == "failed" {
		e.mend()
		e.redeliver(h, 1)
	}
	h.drain()
	if h.row(jonah) == nil {
		t.Error("no row, want Jonah's")
	}
	if d := h.rows(h.p.DeliveriesTable); len(d) != 1 || d["msg_1"]["outcome"] != "applied" {
		t.Errorf("deliveries = %v, want one that is applied", d)
	}
}

// The queue outlives the process: what one accepted the next applies.
func TestTheQueueOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	e.holdMessages()
	first := e.start(t)
	first.post(signed("msg_1", sample(t, "user.created")))
	first.p.Stop(t.Context())
	e.releaseMessages()
	second := e.start(t)
	e.clock.Advance(time.Hour) // a receive that the first broke off may have hidden it
	if second.p.QueueURL != first.p.QueueURL {
		t.Errorf("queue of the second start = %s, want %s", second.p.QueueURL, first.p.QueueURL)
	}
	second.wantOutcome("msg_1", 1, "applied")
}

// Stop returns when what was accepted is applied.
func TestStopFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	h := start(t, pipeline.Options{})
	const n = 30
	for i := range n {
		h.post(signed(fmt.Sprintf("msg_%d", i), sample(t, "user.created")))
	}
	h.p.Stop(t.Context())
	for i := range n {
		if got := h.stages(fmt.Sprintf("msg_%d", i)); len(got) != 2 {
			t.Errorf("stages of message %d after Stop = %v, want queued and an outcome", i, got)
		}
	}
}
