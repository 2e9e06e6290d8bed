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
	"strings"

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

// Send returns nil only when the queue holds the message.
func (s *Sender) Send(ctx context.Context, m delivery.Message) error {
	out, err := s.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &s.url, MessageBody: &m.Body, MessageAttributes: texts(m.Attributes),
	})
	if err := Held(out, err); err != nil {
		return fmt.Errorf("send to the queue: %w", err)
	}
	return nil
}

var errNoProof = errors.New("the answer does not say that SQS holds the message: is something else answering at its endpoint?")

// Held turns the answer to SendMessage into nil only where it says that SQS
// holds the message: by its id and the MD5 of its body, which the SDK compares
// where it is there, and does not miss where it is not.
func Held(out *sqs.SendMessageOutput, err error) error {
	if err == nil && (aws.ToString(out.MessageId) == "" || aws.ToString(out.MD5OfMessageBody) == "") {
		return errNoProof
	}
	return err
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

// SQS's limits for a message. Its size is that of the body and of each
// attribute's name, type and value.
const (
	maxAttributes = 10
	maxSize       = 1 << 20
)

// DeadLetter sends the record to the dead letters as it was, with its reason.
// Where it has no room for one attribute more, the last by name of those that
// are not ours goes. Where it has no room for the reason's text, that is cut.
func (q *Queue) DeadLetter(ctx context.Context, r delivery.Record, reason string) error {
	attributes := map[string]types.MessageAttributeValue{}
	for _, name := range keep(r.Attributes) {
		attributes[name] = attribute(r.Attributes[name])
	}
	if reason = fit(reason, r.Body, attributes); reason != "" { // SQS takes no empty one
		attributes[delivery.AttrReason] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &reason}
	}
	out, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &q.deadLetters, MessageBody: aws.String(r.Body), MessageAttributes: attributes,
	})
	if err := Held(out, err); err != nil {
		return fmt.Errorf("send to the dead letters: %w", err)
	}
	return nil
}

// fit is as much of a reason as there is room for.
func fit(reason, body string, attributes map[string]types.MessageAttributeValue) string {
	room := maxSize - len(body) - len(delivery.AttrReason) - len("String")
	for name, a := range attributes {
		room -= len(name) + len(*a.DataType) + len(aws.ToString(a.StringValue)) + len(a.BinaryValue)
	}
	return strings.ToValidUTF8(reason[:max(0, min(len(reason), room))], "")
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
