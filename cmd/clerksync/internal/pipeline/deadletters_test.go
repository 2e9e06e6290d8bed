package pipeline_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/delivery"
)

// queued is a message as ingest sends it, with a changed attribute, or without
// it where the value is empty.
func queued(id, eventType, body string, change ...string) delivery.Message {
	m := delivery.Message{Body: body, Attributes: map[string]string{
		"svix-id": id, "svix-timestamp": "1772447508", "event-type": eventType,
		"received-at": "2026-03-02T10:31:48.000Z", "v": "1",
	}}
	if len(change) == 2 {
		m.Attributes[change[0]] = change[1]
		if change[1] == "" {
			delete(m.Attributes, change[0])
		}
	}
	return m
}

// What can never work goes to the dead letters at once, as it was, with its
// reason; its neighbours do not notice.
func TestPermanentErrors(t *testing.T) {
	t.Parallel()
	const created = "user.created"
	good := sample(t, created)
	for name, m := range map[string]delivery.Message{
		"no JSON":            queued("msg_bad", created, "hello"),
		"no event":           queued("msg_bad", created, "{}"),
		"no attributes":      {Body: good},
		"no svix id":         queued("", created, good, "svix-id", ""),
		"no time of receipt": queued("msg_bad", created, good, "received-at", ""),
		"unknown encoding":   queued("msg_bad", created, good, "encoding", "gzip"),
		"not base64":         queued("msg_bad", created, good, "encoding", "base64"),
		"a deletion without id": queued("msg_bad", "user.deleted",
			`{"data":{"deleted":true},"object":"event","timestamp":1772884800000,"type":"user.deleted"}`),
		"a time in the year 2100": queued("msg_bad", created,
			strings.ReplaceAll(good, "1772447507139", "4102444800000")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t)
			e.holdMessages() // so that all is one batch
			h := e.start(t)
			h.enqueue(h.p.QueueURL, queued("msg_before", created, good))
			h.enqueue(h.p.QueueURL, m)
			// One without a version is of the first.
			h.enqueue(h.p.QueueURL,
				queued("msg_after", "organization.created", sample(t, "organization.created"), "v", ""))
			e.releaseMessages()
			h.wantOutcome("msg_before", 1, "applied")
			h.wantOutcome("msg_after", 1, "applied")
			h.wantOutcome(m.Attributes["svix-id"], 1, "dead")
			h.drain()
			dead := emulatortest.Receive(h.t, h.queues, h.p.DeadLetterQueueURL)
			if len(dead) != 1 {
				t.Fatalf("%d dead letters, want one", len(dead))
			}
			got := attributes(dead[0])
			reason := got["reason"]
			delete(got, "reason")
			if reason == "" || len(reason) > 1024 || strings.Contains(reason, "jonah") {
				t.Errorf("reason = %q, want one of at most 1 KB without Clerk's data", reason)
			}
			same := delivery.Message{Body: aws.ToString(dead[0].Body), Attributes: got}
			if diff := cmp.Diff(m, same, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("dead letter (-message +dead letter):\n%s", diff)
			}
		})
	}
}

// An unknown version or type may be a newer program's: it is tried again, not
// dropped.
func TestNewerProgramIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]delivery.Message{
		"version 2": queued("msg_new", "user.created", sample(t, "user.created"), "v", "2"),
		"a type that is not kept": queued("msg_new", "session.created",
			`{"type":"session.created","data":{"id":"s"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t)
			h := e.start(t)
			h.enqueue(h.p.QueueURL, m)
			h.wantOutcome("msg_new", 1, "failed")
			e.redeliver(h, 1)
			h.wantOutcome("msg_new", 2, "failed")
			h.wantDeadLetters(0)
		})
	}
}

// While the dead-letter queue cannot be reached, the message stays on the queue.
func TestDeadLetterQueueFails(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	e.holdMessages()
	h := e.start(t)
	h.enqueue(h.p.QueueURL, queued("msg_bad", "user.created", "hello"))
	e.inject("AmazonSQS.SendMessage", fault{status: 500, code: "InternalError"})
	e.releaseMessages()
	h.wantOutcome("msg_bad", 1, "failed")
	e.mend()
	e.redeliver(h, 1)
	h.wantOutcome("msg_bad", 2, "dead")
	h.drain()
}

// What is put back after its fault was mended has its effect, or is stale, and
// does not come to the dead letters again.
// https://github.com/floci-io/floci/issues/900
func TestRedrive(t *testing.T) {
	t.Parallel()
	h := newEndpoint(t).start(t)
	h.wantSent("msg_newer", sample(t, "user.updated"), "applied")
	h.enqueue(h.p.DeadLetterQueueURL, queued("msg_mended", "organization.created",
		sample(t, "organization.created"), "reason", "made up"))
	h.enqueue(h.p.DeadLetterQueueURL, queued("msg_older", "user.created", sample(t, "user.created")))

	// As `clerksync dlq redrive` does: received, sent again whole, and deleted.
	for _, m := range emulatortest.Receive(h.t, h.queues, h.p.DeadLetterQueueURL) {
		h.enqueue(h.p.QueueURL, delivery.Message{Body: aws.ToString(m.Body), Attributes: attributes(m)})
		if _, err := h.queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{
			QueueUrl: &h.p.DeadLetterQueueURL, ReceiptHandle: m.ReceiptHandle,
		}); err != nil {
			t.Fatal(err)
		}
	}
	h.wantOutcome("msg_mended", 1, "applied")
	h.wantOutcome("msg_older", 1, "stale")
	h.drain()
	h.wantDeadLetters(0)
	if h.row("ORG#org_2exampleLumenOak00000000000 ORG") == nil {
		t.Error("no row of the organization that was put back")
	}
}

// What became a dead letter is seen without a receive, with its reason.
func TestBrowseDeadLetters(t *testing.T) {
	t.Parallel()
	h := start(t, pipeline.Options{})
	h.enqueue(h.p.QueueURL, queued("msg_bad", "user.created", "hello"))
	h.outcome("msg_bad", 1)
	for range 2 {
		got, err := h.p.BrowseDeadLetters()
		if err != nil || len(got) != 1 {
			t.Fatalf("BrowseDeadLetters = %d messages, %v, want one", len(got), err)
		}
		text := func(name string) string { return aws.ToString(got[0].MessageAttributes[name].StringValue) }
		if text("svix-id") != "msg_bad" || text("reason") == "" || got[0].Attributes["ApproximateReceiveCount"] != "0" {
			t.Errorf("BrowseDeadLetters = %+v, want msg_bad with its reason, never received", got[0])
		}
	}
}
