// Package sqsqueue speaks to SQS for both ends of the queue: ingest sends,
// sync moves hopeless messages to the dead letters and says when failed ones
// come again.
package sqsqueue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/pkg/delivery"
)

// Sender puts deliveries on a queue; it is an ingest.Queue.
type Sender struct {
	client *sqs.Client
	url    string
}

// NewSender makes a Sender for the queue of that URL.
func NewSender(client *sqs.Client, queueURL string) *Sender { return &Sender{client, queueURL} }

// Send returns nil only when the queue holds the message. SQS's answer carries
// the MD5 of what it stored, which the SDK checks.
func (s *Sender) Send(ctx context.Context, m delivery.Message) error {
	_, err := s.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &s.url, MessageBody: &m.Body, MessageAttributes: texts(m.Attributes),
	})
	if err != nil {
		return fmt.Errorf("send to the queue: %w", err)
	}
	return nil
}

func texts(attributes map[string]string) map[string]types.MessageAttributeValue {
	out := make(map[string]types.MessageAttributeValue, len(attributes))
	for name, text := range attributes {
		out[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(text)}
	}
	return out
}

// Queue is the queue as sync sees it; it is a consumer.Queue.
type Queue struct {
	client           *sqs.Client
	url, deadLetters string
}

// NewQueue makes a Queue of two queues' URLs.
func NewQueue(client *sqs.Client, queueURL, deadLetterURL string) *Queue {
	return &Queue{client, queueURL, deadLetterURL}
}

// maxAttributes is SQS's limit for a message.
const maxAttributes = 10

// DeadLetter sends the record to the dead letters as it was, with its reason.
// Where it has no room for one attribute more, the last by name of those that
// are not ours goes.
func (q *Queue) DeadLetter(ctx context.Context, r delivery.Record, reason string) error {
	attributes := map[string]types.MessageAttributeValue{}
	for _, name := range keep(r.Attributes) {
		attributes[name] = attribute(r.Attributes[name])
	}
	attributes[delivery.AttrReason] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &reason}
	_, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &q.deadLetters, MessageBody: aws.String(r.Body), MessageAttributes: attributes,
	})
	if err != nil {
		return fmt.Errorf("send to the dead letters: %w", err)
	}
	return nil
}

func attribute(a delivery.Attribute) types.MessageAttributeValue {
	if a.IsBinary() {
		return types.MessageAttributeValue{DataType: &a.DataType, BinaryValue: a.Binary}
	}
	return types.MessageAttributeValue{DataType: &a.DataType, StringValue: &a.Text}
}

// keep are the names of the attributes that go along, ours first, so that
// there is room for the reason.
func keep(attributes map[string]delivery.Attribute) []string {
	ours := []string{
		delivery.AttrSvixID, delivery.AttrSvixTimestamp, delivery.AttrEventType,
		delivery.AttrReceivedAt, delivery.AttrVersion, delivery.AttrEncoding,
	}
	var first, rest []string
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		switch {
		case name == delivery.AttrReason:
		case slices.Contains(ours, name):
			first = append(first, name)
		default:
			rest = append(rest, name)
		}
	}
	names := append(first, rest...)
	return names[:min(len(names), maxAttributes-1)]
}

// maxBatch is SQS's limit for the entries of one call.
const maxBatch = 10

// Acknowledge deletes records from the queue.
func (q *Queue) Acknowledge(ctx context.Context, records []delivery.Record) error {
	var errs []error
	for part := range slices.Chunk(records, maxBatch) {
		entries := make([]types.DeleteMessageBatchRequestEntry, len(part))
		for i, r := range part {
			entries[i] = types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(r.Receipt)}
		}
		out, err := q.client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &q.url, Entries: entries})
		if err != nil {
			errs = append(errs, fmt.Errorf("delete from the queue: %w", err))
		} else if err := entryErrors(out.Failed); err != nil {
			errs = append(errs, fmt.Errorf("delete from the queue: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Delay sets how long records stay hidden, to the second.
func (q *Queue) Delay(ctx context.Context, delays []delivery.Delay) error {
	var errs []error
	for part := range slices.Chunk(delays, maxBatch) {
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(part))
		for i, d := range part {
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(d.Record.Receipt),
				VisibilityTimeout: int32(d.For.Seconds()),
			}
		}
		out, err := q.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url, Entries: entries})
		if err != nil {
			errs = append(errs, fmt.Errorf("change visibility: %w", err))
		} else if err := entryErrors(out.Failed); err != nil {
			errs = append(errs, fmt.Errorf("change visibility: %w", err))
		}
	}
	return errors.Join(errs...)
}

func entryErrors(failed []types.BatchResultErrorEntry) error {
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("%d entries failed, the first with %s", len(failed), aws.ToString(failed[0].Code))
}
