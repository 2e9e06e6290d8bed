package pipeline_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/pkg/delivery"
)

// full are the attributes of a message as ingest sends it.
func full(id, eventType string) map[string]string {
	return map[string]string{
		"svix-id": id, "svix-timestamp": "1772447508", "event-type": eventType,
		"received-at": "2026-03-02T10:31:48.000Z", "v": "1",
	}
}

func with(m map[string]string, name, value string) map[string]string {
	m[name] = value
	if value == "" {
		delete(m, name)
	}
	return m
}

// What can never work goes to the dead letters at once, as it was, with its
// reason; its neighbours do not notice.
func TestPoisonedByHand(t *testing.T) {
	t.Parallel()
	good := sample(t, "user.created")
	for _, tt := range []struct {
		name string
		m    delivery.Message
	}{
		{"no JSON", delivery.Message{Body: "hello", Attributes: full("msg_bad", "user.created")}},
		{"no attributes", delivery.Message{Body: good}},
		{"no svix id", delivery.Message{Body: good, Attributes: with(full("", "user.created"), "svix-id", "")}},
		{"no time of receipt", delivery.Message{Body: good, Attributes: with(full("msg_bad", "user.created"), "received-at", "")}},
		{"unknown encoding", delivery.Message{Body: good, Attributes: with(full("msg_bad", "user.created"), "encoding", "gzip")}},
		{"not base64", delivery.Message{Body: good, Attributes: with(full("msg_bad", "user.created"), "encoding", "base64")}},
		{"a deletion without id", delivery.Message{Body: `{"data":{"deleted":true},"object":"event","timestamp":1772884800000,"type":"user.deleted"}`, Attributes: full("msg_bad", "user.deleted")}},
		{"a time in the year 2100", delivery.Message{Body: strings.ReplaceAll(good, "1772447507139", "4102444800000"), Attributes: full("msg_bad", "user.created")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newOutside(t)
			o.stay() // so that all is one batch
			w := start(t, pipeline.Options{AWS: o.cfg})
			w.byHand(t, delivery.Message{Body: good, Attributes: full("msg_before", "user.created")})
			w.byHand(t, tt.m)
			w.byHand(t, delivery.Message{Body: sample(t, "organization.created"), Attributes: with(full("msg_after", "organization.created"), "v", "")})
			o.let()
			for _, id := range []string{"msg_before", "msg_after"} {
				if got := w.ended(t, id, 1); got != "applied" {
					t.Errorf("neighbour %s is %s, want applied", id, got)
				}
			}
			if got := w.ended(t, tt.m.Attributes["svix-id"], 1); got != "dead" {
				t.Errorf("the message is %s, want dead", got)
			}
			until(t, "the queue is empty", func() bool { return count(t, o.sqs, w.QueueURL) == 0 })
			letters := received(t, o.sqs, w.DeadLetterQueueURL)
			if len(letters) != 1 {
				t.Fatalf("%d dead letters, want one", len(letters))
			}
			got := attributes(letters[0])
			reason := got["reason"]
			delete(got, "reason")
			if reason == "" || len(reason) > 1024 || strings.Contains(reason, "jonah") {
				t.Errorf("reason = %q, want one of at most 1 KB without Clerk's data", reason)
			}
			want := tt.m.Attributes
			if want == nil {
				want = map[string]string{}
			}
			if diff := cmp.Diff(want, got); diff != "" || *letters[0].Body != tt.m.Body {
				t.Errorf("the dead letter is not the message as it was: body %q, attributes (-want +got):\n%s", *letters[0].Body, diff)
			}
		})
	}
}

// An unknown version may be a newer program's: it is tried again, not dropped.
func TestUnknownVersionIsTriedAgain(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	w := start(t, pipeline.Options{AWS: o.cfg})
	w.byHand(t, delivery.Message{Body: sample(t, "user.created"), Attributes: with(full("msg_new", "user.created"), "v", "2")})
	if got := w.ended(t, "msg_new", 1); got != "failed" {
		t.Errorf("a message of version 2 is %s, want failed", got)
	}
	o.comeAgain(t, 1)
	if got := w.ended(t, "msg_new", 2); got != "failed" {
		t.Errorf("a message of version 2 is %s at the second receive, want failed", got)
	}
	if got := count(t, o.sqs, w.DeadLetterQueueURL); got != 0 {
		t.Errorf("dead letters = %d, want none", got)
	}
}

// While the dead letters do not take it, the message stays on the queue.
func TestDeadLettersAreAway(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	o.stay()
	w := start(t, pipeline.Options{AWS: o.cfg})
	w.byHand(t, delivery.Message{Body: "hello", Attributes: full("msg_bad", "user.created")})
	o.fail("AmazonSQS.SendMessage", fault{500, "InternalError", false})
	o.let()
	if got := w.ended(t, "msg_bad", 1); got != "failed" {
		t.Errorf("the message is %s, want failed", got)
	}
	o.mend()
	o.comeAgain(t, 1)
	if got := w.ended(t, "msg_bad", 2); got != "dead" {
		t.Errorf("the message is %s afterwards, want dead", got)
	}
	until(t, "the queue is empty", func() bool { return count(t, o.sqs, w.QueueURL) == 0 })
}
