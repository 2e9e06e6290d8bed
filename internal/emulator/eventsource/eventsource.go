// Package eventsource stands in for Lambda's SQS event source mapping on a
// laptop: it receives batches, invokes a function with the very event that
// Lambda would send, deletes what the function is done with, and leaves the
// rest to the queue's visibility timeout and redrive policy. See
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
package eventsource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Source polls one queue for one function.
type Source struct {
	Client   *sqs.Client
	QueueURL string
	// Invoke is the function: an SQS event in, a batch response out.
	Invoke func(ctx context.Context, payload []byte) ([]byte, error)
	// Concurrency is how many batches are in flight at most, as the
	// mapping's MaximumConcurrency.
	Concurrency int
	// Timeout is the function's.
	Timeout time.Duration
	// Warn reports an operation of the source, or an invocation, that failed.
	Warn func(ctx context.Context, operation string, err error)
}

const (
	batchSize = 10
	// longPoll is the longest that SQS waits. Stopping cuts it short.
	longPoll = 20 * time.Second
	// afterFailed keeps a queue that cannot be reached from being asked all the
	// time.
	afterFailed = time.Second
)

// Run polls until ctx ends, and returns when the invocations that are then in
// flight have come back.
func (s *Source) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for range s.Concurrency {
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := s.poll(ctx); err != nil && ctx.Err() == nil {
					s.Warn(ctx, "poll the queue", err)
					sleep(ctx, afterFailed)
				}
			}
		})
	}
	wg.Wait()
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// poll receives one batch, invokes the function and deletes what it is done with.
func (s *Source) poll(ctx context.Context) error {
	out, err := s.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &s.QueueURL, MaxNumberOfMessages: batchSize, WaitTimeSeconds: int32(longPoll.Seconds()),
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		return fmt.Errorf("receive messages: %w", err)
	}
	if len(out.Messages) == 0 {
		return nil
	}
	// A batch that was received is finished even if polling stops meanwhile: its
	// messages would else stay hidden until their visibility timeout ends.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Timeout)
	defer cancel()
	done, err := s.invoke(ctx, out.Messages)
	if err != nil {
		return err
	}
	return s.delete(context.WithoutCancel(ctx), done)
}

// invoke returns the messages that the function is done with. Where that is not
// certain it returns none: they come again, which a function must bear, while
// one that is deleted is lost.
func (s *Source) invoke(ctx context.Context, messages []types.Message) (done []types.Message, err error) {
	payload, err := json.Marshal(Event(messages))
	if err != nil {
		return nil, fmt.Errorf("encode the batch: %w", err)
	}
	answer, err := s.Invoke(ctx, payload)
	if err != nil {
		return nil, fmt.Errorf("the function failed, all of its batch comes again: %w", err)
	}
	var response events.SQSEventResponse
	if err := json.Unmarshal(answer, &response); err != nil {
		return nil, fmt.Errorf("the function's answer is not a batch response, all of its batch comes again: %w", err)
	}
	failed := map[string]bool{}
	for _, f := range response.BatchItemFailures {
		failed[f.ItemIdentifier] = true
	}
	for _, m := range messages {
		id := aws.ToString(m.MessageId)
		if !failed[id] {
			done = append(done, m)
		}
		delete(failed, id)
	}
	if len(failed) > 0 {
		return nil, errors.New("the function named a message that is not in its batch, so all of it comes again")
	}
	return done, nil
}

func (s *Source) delete(ctx context.Context, done []types.Message) error {
	if len(done) == 0 {
		return nil
	}
	entries := make([]types.DeleteMessageBatchRequestEntry, len(done))
	for i, m := range done {
		entries[i].Id, entries[i].ReceiptHandle = aws.String(strconv.Itoa(i)), m.ReceiptHandle
	}
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &s.QueueURL, Entries: entries}
	out, err := s.Client.DeleteMessageBatch(ctx, in)
	if err == nil && len(out.Failed) > 0 { // an answer of success may hold failures
		err = fmt.Errorf("%d entries failed, the first with %s", len(out.Failed), aws.ToString(out.Failed[0].Code))
	}
	if err != nil {
		return fmt.Errorf("delete messages: %w", err)
	}
	return nil
}

// Event is what Lambda sends a function for these messages.
func Event(messages []types.Message) events.SQSEvent {
	e := events.SQSEvent{Records: make([]events.SQSMessage, len(messages))}
	for i, m := range messages {
		r := events.SQSMessage{
			MessageId:              aws.ToString(m.MessageId),
			ReceiptHandle:          aws.ToString(m.ReceiptHandle),
			Body:                   aws.ToString(m.Body),
			Md5OfBody:              aws.ToString(m.MD5OfBody),
			Md5OfMessageAttributes: aws.ToString(m.MD5OfMessageAttributes),
			Attributes:             m.Attributes,
			MessageAttributes:      map[string]events.SQSMessageAttribute{},
			EventSource:            "aws:sqs",
			EventSourceARN:         "arn:aws:sqs:us-east-1:000000000000:clerksync",
			AWSRegion:              "us-east-1",
		}
		for name, a := range m.MessageAttributes {
			r.MessageAttributes[name] = events.SQSMessageAttribute{
				DataType: aws.ToString(a.DataType), StringValue: a.StringValue, BinaryValue: a.BinaryValue,
				StringListValues: []string{}, BinaryListValues: [][]byte{},
			}
		}
		e.Records[i] = r
	}
	return e
}
