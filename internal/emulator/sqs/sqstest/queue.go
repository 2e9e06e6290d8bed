package sqstest

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
)

// queue is one queue that a check made.
type queue struct {
	t         *testing.T // that the check fails
	c         *sqs.Client
	name, url string
	arn       string
}

type attrs = map[string]types.MessageAttributeValue

// newQueue makes a queue that is deleted at the end of the test. One that stays
// behind is no fault of what is checked.
func newQueue(t *testing.T, c *sqs.Client, attributes map[string]string) *queue {
	t.Helper()
	q := &queue{t: t, c: c, name: Prefix + rand.Text()}
	out, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &q.name, Attributes: attributes})
	if err != nil {
		t.Fatalf("create queue: %v", err)
	}
	q.url = aws.ToString(out.QueueUrl)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		_, _ = c.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &q.url})
	})
	q.arn = q.attributes("QueueArn")["QueueArn"]
	return q
}

// newSource makes a queue whose dead-letter queue is q.
func (q *queue) newSource(maxReceiveCount string) *queue {
	q.t.Helper()
	policy := `{"deadLetterTargetArn":"` + q.arn + `","maxReceiveCount":` + maxReceiveCount + `}`
	return newQueue(q.t, q.c, map[string]string{"RedrivePolicy": policy})
}

// noError ends the check at a call that has to succeed.
func (q *queue) noError(operation string, err error) {
	q.t.Helper()
	if err != nil {
		q.t.Fatalf("%s: %v", operation, err)
	}
}

func (q *queue) tryAttributes(names ...string) (map[string]string, error) {
	q.t.Helper()
	in := &sqs.GetQueueAttributesInput{QueueUrl: &q.url}
	for _, name := range names {
		in.AttributeNames = append(in.AttributeNames, types.QueueAttributeName(name))
	}
	out, err := q.c.GetQueueAttributes(q.t.Context(), in)
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

// attributes returns the named attributes of the queue.
func (q *queue) attributes(names ...string) map[string]string {
	q.t.Helper()
	got, err := q.tryAttributes(names...)
	q.noError("get queue attributes", err)
	return got
}

// wantAttributes gives SQS the 60 seconds that it takes to show new values, and
// some more.
func (q *queue) wantAttributes(want map[string]string) {
	q.t.Helper()
	q.eventually("attributes", 70*time.Second, func() (got any, ok bool) {
		attributes := q.attributes(slices.Collect(maps.Keys(want))...)
		return attributes, maps.Equal(attributes, want)
	})
}

func (q *queue) setAttributes(attributes map[string]string) error {
	q.t.Helper()
	in := &sqs.SetQueueAttributesInput{QueueUrl: &q.url, Attributes: attributes}
	_, err := q.c.SetQueueAttributes(q.t.Context(), in)
	return err
}

func (q *queue) trySend(body string, attributes attrs) (*sqs.SendMessageOutput, error) {
	q.t.Helper()
	return q.c.SendMessage(q.t.Context(), &sqs.SendMessageInput{
		QueueUrl: &q.url, MessageBody: &body, MessageAttributes: attributes,
	})
}

// send sends a message that the queue has to take, and returns its id.
func (q *queue) send(body string, attributes attrs) string {
	q.t.Helper()
	out, err := q.trySend(body, attributes)
	q.noError(fmt.Sprintf("send %.40q", body), err)
	return aws.ToString(out.MessageId)
}

// sendDelayed sends a message that comes after so many seconds.
func (q *queue) sendDelayed(seconds int32) error {
	q.t.Helper()
	_, err := q.c.SendMessage(q.t.Context(), &sqs.SendMessageInput{
		QueueUrl: &q.url, MessageBody: aws.String("later"), DelaySeconds: seconds,
	})
	return err
}

// The visibility timeouts that receive takes instead of a number of seconds.
const (
	ofQueue    = -1 // the queue's own
	shownAgain = 0  // none: each message is visible again at once
)

// receive asks for up to ten messages with all their attributes, waiting so
// many seconds.
func (q *queue) receive(wait, visibility int32) []types.Message {
	q.t.Helper()
	in := &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: 10, WaitTimeSeconds: wait,
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	}
	// The client leaves a visibility of 0 out, so it is asked for by changing it.
	in.VisibilityTimeout = max(visibility, 0)
	out, err := q.c.ReceiveMessage(q.t.Context(), in)
	q.noError("receive", err)
	if visibility == shownAgain {
		for _, m := range out.Messages {
			q.setVisibility(m, 0)
		}
	}
	return out.Messages
}

// collect receives until it has seen so many different messages, by id.
func (q *queue) collect(n int, visibility int32) map[string]types.Message {
	q.t.Helper()
	seen := make(map[string]types.Message)
	q.eventually("number of messages", 20*time.Second, func() (got any, ok bool) {
		for _, m := range q.receive(1, visibility) {
			seen[aws.ToString(m.MessageId)] = m
		}
		return len(seen), len(seen) >= n
	})
	return seen
}

// one receives the queue's only message.
func (q *queue) one(visibility int32) types.Message {
	q.t.Helper()
	for _, m := range q.collect(1, visibility) {
		return m
	}
	return types.Message{} // collect has failed the test
}

// sendOne sends a message and receives it.
func (q *queue) sendOne(visibility int32) types.Message {
	q.t.Helper()
	q.send("m", nil)
	return q.one(visibility)
}

// wantNone fails if a message comes within so many seconds.
func (q *queue) wantNone(when string, seconds int32) {
	q.t.Helper()
	if got := q.receive(seconds, ofQueue); len(got) > 0 {
		q.t.Fatalf("%s: message %s came, want none for %d s", when, aws.ToString(got[0].MessageId), seconds)
	}
}

func (q *queue) tryVisibility(handle string, seconds int32) error {
	q.t.Helper()
	_, err := q.c.ChangeMessageVisibility(q.t.Context(), &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &q.url, ReceiptHandle: &handle, VisibilityTimeout: seconds,
	})
	return err
}

func (q *queue) setVisibility(m types.Message, seconds int32) {
	q.t.Helper()
	q.noError("change visibility", q.tryVisibility(aws.ToString(m.ReceiptHandle), seconds))
}

func (q *queue) tryDelete(handle string) error {
	q.t.Helper()
	_, err := q.c.DeleteMessage(q.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: &handle})
	return err
}

func (q *queue) delete(m types.Message) {
	q.t.Helper()
	q.noError("delete message", q.tryDelete(aws.ToString(m.ReceiptHandle)))
}

func text(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
}

// wantCode fails unless the error is a refusal with one of the codes.
func (q *queue) wantCode(what string, err error, codes ...string) {
	q.t.Helper()
	emulatortest.WantCode(q.t, what, err, codes...)
}

// eventually looks until it is ok, for at most so long and more and more seldom,
// and fails with what it saw last.
func (q *queue) eventually(what string, limit time.Duration, look func() (got any, ok bool)) {
	q.t.Helper()
	pause := 50 * time.Millisecond
	for end := time.Now().Add(limit); ; pause = min(2*pause, time.Second) {
		got, ok := look()
		if ok {
			return
		}
		if time.Now().After(end) {
			q.t.Fatalf("%s = %v after %v", what, got, limit)
		}
		time.Sleep(pause)
	}
}
