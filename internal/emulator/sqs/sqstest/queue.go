package sqstest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// queue is one queue that a check made.
type queue struct {
	c         *sqs.Client
	name, url string
	arn       string
}

type attrs = map[string]types.MessageAttributeValue

// runFunc is the form of Check.Run.
type runFunc = func(ctx context.Context, c *sqs.Client) error

// withQueue makes a check of one that needs a fresh queue.
func withQueue(attributes map[string]string, run func(ctx context.Context, q *queue) error) runFunc {
	return func(ctx context.Context, c *sqs.Client) error {
		q, err := newQueue(ctx, c, attributes)
		if err != nil {
			return err
		}
		defer q.drop(ctx)
		return run(ctx, q)
	}
}

// withPair makes a check of one that needs a queue and its dead letters.
func withPair(maxReceiveCount string, run func(ctx context.Context, source, dead *queue) error) runFunc {
	return withQueue(nil, func(ctx context.Context, dead *queue) error {
		policy := `{"deadLetterTargetArn":"` + dead.arn + `","maxReceiveCount":` + maxReceiveCount + `}`
		return withQueue(map[string]string{"RedrivePolicy": policy}, func(ctx context.Context, source *queue) error {
			return run(ctx, source, dead)
		})(ctx, dead.c)
	})
}

func newQueue(ctx context.Context, c *sqs.Client, attributes map[string]string) (*queue, error) {
	q := &queue{c: c, name: Prefix + rand.Text()}
	out, err := c.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &q.name, Attributes: attributes})
	if err != nil {
		return nil, fmt.Errorf("create queue: %w", err)
	}
	q.url = aws.ToString(out.QueueUrl)
	got, err := q.attributes(ctx, "QueueArn")
	if err != nil {
		q.drop(ctx)
		return nil, err
	}
	q.arn = got["QueueArn"]
	return q, nil
}

// drop deletes the queue, also when the check's time is over. A queue that
// stays behind is no fault of what is checked.
func (q *queue) drop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_, _ = q.c.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &q.url})
}

// attributes returns the named attributes of the queue, all if none is named.
func (q *queue) attributes(ctx context.Context, names ...string) (map[string]string, error) {
	in := &sqs.GetQueueAttributesInput{QueueUrl: &q.url}
	for _, name := range names {
		in.AttributeNames = append(in.AttributeNames, types.QueueAttributeName(name))
	}
	if len(names) == 0 {
		in.AttributeNames = []types.QueueAttributeName{types.QueueAttributeNameAll}
	}
	out, err := q.c.GetQueueAttributes(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("get queue attributes: %w", err)
	}
	return out.Attributes, nil
}

func (q *queue) trySend(ctx context.Context, body string, attributes attrs) (*sqs.SendMessageOutput, error) {
	return q.c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: &body, MessageAttributes: attributes})
}

// send sends a message that the queue has to take, and returns its id.
func (q *queue) send(ctx context.Context, body string, attributes attrs) (string, error) {
	out, err := q.trySend(ctx, body, attributes)
	if err != nil {
		return "", fmt.Errorf("send %.40q: %w", body, err)
	}
	return aws.ToString(out.MessageId), nil
}

// receive asks for up to ten messages with all their attributes, waiting so
// many seconds. A visibility below 0 leaves it to the queue.
func (q *queue) receive(ctx context.Context, wait, visibility int32) ([]types.Message, error) {
	in := &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: 10, WaitTimeSeconds: wait,
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	}
	// The client leaves a visibility of 0 out, so it is asked for by changing it.
	if visibility > 0 {
		in.VisibilityTimeout = visibility
	}
	out, err := q.c.ReceiveMessage(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("receive: %w", err)
	}
	if visibility == 0 {
		for _, m := range out.Messages {
			if err := q.setVisibility(ctx, m, 0); err != nil {
				return nil, err
			}
		}
	}
	return out.Messages, nil
}

// collect receives until it has seen so many different messages.
func (q *queue) collect(ctx context.Context, n int, visibility int32) (map[string]types.Message, error) {
	seen := make(map[string]types.Message)
	for end := time.Now().Add(20 * time.Second); len(seen) < n; {
		got, err := q.receive(ctx, 1, visibility)
		if err != nil {
			return nil, fmt.Errorf("after %d of %d messages: %w", len(seen), n, err)
		}
		for _, m := range got {
			seen[aws.ToString(m.MessageId)] = m
		}
		if len(seen) < n && time.Now().After(end) {
			return nil, fmt.Errorf("%d of %d messages came in 20 s", len(seen), n)
		}
	}
	return seen, nil
}

// one receives the queue's only message.
func (q *queue) one(ctx context.Context, visibility int32) (types.Message, error) {
	got, err := q.collect(ctx, 1, visibility)
	for _, m := range got {
		return m, nil
	}
	return types.Message{}, err
}

// none fails if a message comes within so many seconds.
func (q *queue) none(ctx context.Context, seconds int32) error {
	got, err := q.receive(ctx, seconds, -1)
	if err == nil && len(got) > 0 {
		err = fmt.Errorf("message %s came, want none for %d s", aws.ToString(got[0].MessageId), seconds)
	}
	return err
}

func (q *queue) setVisibility(ctx context.Context, m types.Message, seconds int32) error {
	_, err := q.c.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &q.url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds,
	})
	if err != nil {
		return fmt.Errorf("change visibility to %d: %w", seconds, err)
	}
	return nil
}

func (q *queue) remove(ctx context.Context, m types.Message) error {
	_, err := q.c.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: m.ReceiptHandle})
	if err != nil {
		return fmt.Errorf("delete message: %w", err)
	}
	return nil
}

// count is the message's receive count as it was told.
func count(m types.Message) int {
	n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	if err != nil {
		return -1
	}
	return n
}

func text(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
}

// wantCode fails unless the error is a refusal with one of the codes.
func wantCode(what string, err error, codes ...string) error {
	var refusal smithy.APIError
	if errors.As(err, &refusal) && slices.Contains(codes, refusal.ErrorCode()) {
		return nil
	}
	return fmt.Errorf("%s = %w, want code %v", what, orNone(err), codes)
}

// wantType fails unless the error is one of SQS's type E.
func wantType[E error](what string, err error) error {
	var typed E
	if errors.As(err, &typed) {
		return nil
	}
	return fmt.Errorf("%s = %w, want %T", what, orNone(err), typed)
}

func orNone(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return err
}

// sleep waits, but not past the check's deadline.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
