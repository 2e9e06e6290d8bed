package sqs_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// queue is one queue of an emulator.
type queue struct {
	t   *testing.T
	c   *sqs.Client
	url string
}

// client serves the handler for the length of the test.
func client(t *testing.T, h http.Handler) *sqs.Client {
	t.Helper()
	return sqs.NewFromConfig(emulatortest.Start(t, h))
}

// inMemory is an emulator without a network, for a bubble of testing/synctest.
func inMemory() *sqs.Client {
	return sqs.NewFromConfig(emulator.InProcess(emulator.New(emulator.Options{})))
}

// onClock is an emulator whose clock only the test moves.
func onClock(t *testing.T) (*sqs.Client, *svixtest.Clock) {
	t.Helper()
	clock := svixtest.NewClock()
	return client(t, emulator.New(emulator.Options{Now: clock.Now})), clock
}

func newQueue(t *testing.T, c *sqs.Client, name string, attributes map[string]string) queue {
	t.Helper()
	return queue{t, c, emulatortest.CreateQueue(t, c, name, attributes)}
}

// redrivesTo makes the queue of that name the dead-letter queue.
func redrivesTo(name, maxReceiveCount string) map[string]string {
	return map[string]string{
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:` + name + `",` +
			`"maxReceiveCount":` + maxReceiveCount + `}`,
	}
}

func (q queue) send(bodies ...string) {
	q.t.Helper()
	for _, body := range bodies {
		in := &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: &body}
		if _, err := q.c.SendMessage(q.t.Context(), in); err != nil {
			q.t.Fatalf("SendMessage(%s) = %v", body, err)
		}
	}
}

// wantBodies receives at most so many messages and fails unless they are these.
func (q queue) wantBodies(when string, most int32, want ...string) []types.Message {
	q.t.Helper()
	out, err := q.c.ReceiveMessage(q.t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: most,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	})
	if err != nil {
		q.t.Fatalf("ReceiveMessage = %v", err)
	}
	var got []string
	for _, m := range out.Messages {
		got = append(got, *m.Body)
	}
	if !slices.Equal(got, want) {
		q.t.Fatalf("receive %s = %v, want %v", when, got, want)
	}
	return out.Messages
}

func (q queue) delete(handle *string) {
	q.t.Helper()
	in := &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: handle}
	if _, err := q.c.DeleteMessage(q.t.Context(), in); err != nil {
		q.t.Fatalf("DeleteMessage = %v", err)
	}
}

// A message that was received is hidden for the queue's visibility timeout, 30 s
// by default, and then comes again.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
func TestVisibilityFollowsTheClock(t *testing.T) {
	t.Parallel()
	c, clock := onClock(t)
	q := newQueue(t, c, "q", nil)
	q.send("a")
	q.wantBodies("at first", 10, "a")
	clock.Advance(30*time.Second - 1)
	q.wantBodies("just before 30 s", 10)
	clock.Advance(1)
	q.wantBodies("at 30 s", 10, "a")
}

// Of two receivers of a message only the one with the latest handle deletes it:
// the other's visibility timeout has ended, and so has its right to. SQS leaves
// that open; the strict choice finds a consumer that relies on the other.
func TestOlderHandleDeletesNothing(t *testing.T) {
	t.Parallel()
	c, clock := onClock(t)
	q := newQueue(t, c, "q", nil)
	q.send("m")
	older := q.wantBodies("at first", 10, "m")[0].ReceiptHandle
	clock.Advance(30 * time.Second)
	q.wantBodies("after 30 s", 10, "m")
	q.delete(older)
	clock.Advance(30 * time.Second)
	latest := q.wantBodies("after deletion by the older handle", 10, "m")[0].ReceiptHandle
	q.delete(latest)
	clock.Advance(30 * time.Second)
	q.wantBodies("after deletion by the latest handle", 10)
}

// A message is gone when it is older than the queue's retention period, whether
// it was received or not.
func TestRetentionEndsMessages(t *testing.T) {
	t.Parallel()
	c, clock := onClock(t)
	q := newQueue(t, c, "q", map[string]string{"MessageRetentionPeriod": "60"})
	q.send("old")
	clock.Advance(20 * time.Second)
	q.send("young")
	q.wantBodies("at first", 10, "old", "young")
	clock.Advance(40 * time.Second)
	q.wantBodies("after 60 s, one of two past its retention", 10, "young")
	clock.Advance(time.Hour)
	q.wantBodies("after an hour", 10)
}

// Of two messages that can be received, the one comes that has waited longer.
func TestWaitedLongestFirst(t *testing.T) {
	t.Parallel()
	c, clock := onClock(t)
	q := newQueue(t, c, "q", map[string]string{"VisibilityTimeout": "1"})
	q.send("a", "b")
	q.wantBodies("of one", 1, "a")
	clock.Advance(time.Second)
	q.wantBodies("after a came again", 10, "b", "a")
}

// A dead-letter queue may have one of its own. The receive count goes on, and
// each queue counts its own receives towards its maximum.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
func TestDeadLettersOfDeadLetters(t *testing.T) {
	t.Parallel()
	c, clock := onClock(t)
	last := newQueue(t, c, "last", nil)
	dead := newQueue(t, c, "dead", redrivesTo("last", "1"))
	source := newQueue(t, c, "source", redrivesTo("dead", "1"))
	source.send("m")
	source.wantBodies("first", 10, "m")
	clock.Advance(30 * time.Second)
	source.wantBodies("second", 10)
	// SQS goes on counting in the dead-letter queue, whose own maximum starts anew.
	if m := dead.wantBodies("of dead letters", 10, "m")[0]; m.Attributes["ApproximateReceiveCount"] != "2" {
		t.Errorf("dead letter = receive count %s, want 2", m.Attributes["ApproximateReceiveCount"])
	}
	clock.Advance(30 * time.Second)
	dead.wantBodies("of dead letters again", 10)
	last.wantBodies("of the last queue", 10, "m")
}

// The retention of a dead letter counts from its first sending, because SQS leaves
// the enqueue timestamp as it was: a dead-letter queue must keep messages longer.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
func TestDeadLettersAgeFromTheirSending(t *testing.T) {
	t.Parallel()
	c, clock := onClock(t)
	dead := newQueue(t, c, "dead", map[string]string{"MessageRetentionPeriod": "120"})
	source := newQueue(t, c, "source", redrivesTo("dead", "1"))
	source.send("m")
	source.wantBodies("first", 10, "m")
	clock.Advance(100 * time.Second)
	source.wantBodies("second", 10)
	clock.Advance(20 * time.Second)
	dead.wantBodies("120 s after it was sent, 20 s after it became a dead letter", 10)
}
