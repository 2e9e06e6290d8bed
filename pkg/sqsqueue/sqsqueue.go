// Package sqsqueue speaks to SQS for both ends of the queue. Sender is what
// ingest needs: it puts deliveries on the queue. Queue is what sync needs: it
// deletes records that are done, delays records that failed, sends copies of
// records that can never work to the dead-letter queue, and copies of deletions
// that ran out of time to the queue.
//
// Lambda's event source receives the records, so nothing here does.
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

// Sender puts deliveries on a queue. It implements ingest.Queue.
type Sender struct {
	client *sqs.Client
	url    string
}

// NewSender returns a Sender for the queue of that URL.
func NewSender(client *sqs.Client, queueURL string) *Sender { return &Sender{client, queueURL} }

// Send returns nil only when the queue holds the message. After an error it is
// not known whether the queue holds it. Svix then sends the webhook again, and
// a second copy on the queue becomes a duplicate.
func (s *Sender) Send(ctx context.Context, m delivery.Message) error {
	attributes := make(map[string]types.MessageAttributeValue, len(m.Attributes))
	for name, text := range m.Attributes {
		attributes[name] = textAttribute(text)
	}
	if err := send(ctx, s.client, s.url, m.Body, attributes); err != nil {
		return fmt.Errorf("send to the queue: %w", err)
	}
	return nil
}

// send returns nil only when the queue of that URL holds the message.
func send(
	ctx context.Context, client *sqs.Client, url, body string, attributes map[string]types.MessageAttributeValue,
) error {
	out, err := client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &url, MessageBody: &body, MessageAttributes: attributes,
	})
	return ConfirmSend(out, err)
}

var errUnconfirmed = errors.New(
	"the answer does not confirm that SQS holds the message: check that the endpoint is SQS's own")

// ConfirmSend returns nil for an answer to SendMessage only where it proves
// that SQS holds the message, by the message's id and the MD5 of its body. A
// 200 alone may come from a proxy. The SDK compares the MD5 with what was sent
// if the answer has one, and accepts an answer without it.
func ConfirmSend(out *sqs.SendMessageOutput, err error) error {
	if err == nil && (aws.ToString(out.MessageId) == "" || aws.ToString(out.MD5OfMessageBody) == "") {
		return errUnconfirmed
	}
	return err
}

// textAttribute has the type String, whatever the text looks like: SQS trims the
// zeros of a Number.
func textAttribute(text string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &text}
}

// Queue is the queue and its dead-letter queue. It implements consumer.Queue.
type Queue struct {
	client             *sqs.Client
	url, deadLetterURL string
}

// NewQueue returns a Queue for the queues of those URLs.
func NewQueue(client *sqs.Client, queueURL, deadLetterURL string) *Queue {
	return &Queue{client, queueURL, deadLetterURL}
}

// SQS's limits for a message, whose size is that of the body and of each
// attribute's name, type and value:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const (
	maxAttributes = 10
	maxSize       = 1 << 20
)

// DeadLetter sends a copy of the record to the dead-letter queue: body and
// attributes as they are, and one attribute more, the reason. Where there is no
// room for that attribute, the last by name that is not ours is left out; where
// there is none for the reason's text, the text is cut.
//
// The record itself stays on the queue until the caller acknowledges it, which
// it may do only after nil: a lost copy would be a lost message, while a second
// copy costs an operator one look.
func (q *Queue) DeadLetter(ctx context.Context, r delivery.Record, reason string) error {
	attributes := copyAttributes(r.Attributes)
	if reason = fitReason(reason, r.Body, attributes); reason != "" { // SQS refuses an empty value
		attributes[delivery.AttrReason] = textAttribute(reason)
	}
	if err := send(ctx, q.client, q.deadLetterURL, r.Body, attributes); err != nil {
		return fmt.Errorf("send to the dead-letter queue: %w", err)
	}
	return nil
}

// Requeue sends a copy of the record to the queue, with the position. SQS counts
// its receives anew, so that a deletion which gets on never becomes a dead letter,
// however many receives it takes. As with DeadLetter, the caller acknowledges the
// record only after nil; a second copy does what the first one does.
func (q *Queue) Requeue(ctx context.Context, r delivery.Record, position string) error {
	attributes := copyAttributes(r.Attributes)
	attributes[delivery.AttrPosition] = textAttribute(delivery.EncodePosition(position))
	if err := send(ctx, q.client, q.url, r.Body, attributes); err != nil {
		return fmt.Errorf("send a copy to the queue: %w", err)
	}
	return nil
}

// fitReason cuts the reason to the room that the message leaves for it.
func fitReason(reason, body string, attributes map[string]types.MessageAttributeValue) string {
	room := maxSize - len(body) - len(delivery.AttrReason) - len("String")
	for name, a := range attributes {
		room -= len(name) + len(*a.DataType) + len(aws.ToString(a.StringValue)) + len(a.BinaryValue)
	}
	return strings.ToValidUTF8(reason[:max(0, min(len(reason), room))], "") // the cut may split a character
}

// sameAttribute sets only the value that the type asks for: a received record
// has an empty other one, which SQS refuses.
func sameAttribute(a delivery.Attribute) types.MessageAttributeValue {
	if a.IsBinary() {
		return types.MessageAttributeValue{DataType: &a.DataType, BinaryValue: a.Binary}
	}
	return types.MessageAttributeValue{DataType: &a.DataType, StringValue: &a.Text}
}

// copyAttributes returns the attributes of a copy, with room for one more. Ours
// come first, because a redriven message cannot be read without them. A reason
// of before gives way to the new one.
func copyAttributes(attributes map[string]delivery.Attribute) map[string]types.MessageAttributeValue {
	ours := []string{
		delivery.AttrSvixID, delivery.AttrSvixTimestamp, delivery.AttrEventType,
		delivery.AttrReceivedAt, delivery.AttrVersion, delivery.AttrEncoding, delivery.AttrPosition,
	}
	var names, others []string
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		switch {
		case name == delivery.AttrReason:
		case slices.Contains(ours, name):
			names = append(names, name)
		default:
			others = append(others, name)
		}
	}
	names = append(names, others...)
	copied := map[string]types.MessageAttributeValue{}
	for _, name := range names[:min(len(names), maxAttributes-1)] {
		copied[name] = sameAttribute(attributes[name])
	}
	return copied
}

// Acknowledge deletes records from the queue. Those that an error leaves there come
// again after their visibility timeout and become duplicates.
func (q *Queue) Acknowledge(ctx context.Context, records []delivery.Record) error {
	return inBatches("delete from the queue", records, func(part []delivery.Record) (failedEntries, error) {
		entries := make([]types.DeleteMessageBatchRequestEntry, len(part))
		for i, r := range part {
			entries[i] = types.DeleteMessageBatchRequestEntry{Id: entryID(i), ReceiptHandle: &r.Receipt}
		}
		out, err := q.client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &q.url, Entries: entries})
		if err != nil {
			return nil, err
		}
		return out.Failed, nil
	})
}

// Delay hides each record for its time, in whole seconds from now on. Those
// that an error leaves alone are handed out again after the visibility timeout
// of the queue.
func (q *Queue) Delay(ctx context.Context, delays []delivery.Delay) error {
	return inBatches("change visibility", delays, func(part []delivery.Delay) (failedEntries, error) {
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(part))
		for i, d := range part {
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
				Id: entryID(i), ReceiptHandle: &d.Record.Receipt, VisibilityTimeout: int32(d.For.Seconds()),
			}
		}
		out, err := q.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{
			QueueUrl: &q.url, Entries: entries,
		})
		if err != nil {
			return nil, err
		}
		return out.Failed, nil
	})
}

// maxBatch is SQS's limit for the entries of one call.
const maxBatch = 10

// failedEntries are those that SQS could not handle in a call that succeeded.
type failedEntries = []types.BatchResultErrorEntry

// entryID names an entry within one call.
func entryID(i int) *string { return aws.String(strconv.Itoa(i)) }

// inBatches makes one call for each batch of entries. A call or an entry that
// fails does not hold up the others. The error reports them all, without any
// receipt or body.
func inBatches[T any](operation string, all []T, call func(part []T) (failedEntries, error)) error {
	var errs []error
	for part := range slices.Chunk(all, maxBatch) {
		failed, err := call(part)
		if err == nil && len(failed) > 0 {
			err = fmt.Errorf("%d entries failed, the first with %s", len(failed), aws.ToString(failed[0].Code))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", operation, err))
		}
	}
	return errors.Join(errs...)
}
