package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
)

// deadLetters looks through a dead-letter queue. SQS has no way to browse, so
// each message is received, looked at, and shown again when the walk is over.
type deadLetters struct {
	client     *sqs.Client
	url        string
	queueURL   string
	batchSize  int32
	visibility time.Duration
}

func newDeadLetters(client *sqs.Client, url, queueURL string) *deadLetters {
	return &deadLetters{client, url, queueURL, 10, 15 * time.Second}
}

// letter is one dead letter, and what is known of it.
type letter struct {
	MessageID string `json:"message_id"`
	SvixID    string `json:"svix_id,omitempty"`
	EventType string `json:"event_type,omitempty"`
	Reason    string `json:"reason"`
	Received  string `json:"received_at,omitempty"` // by ingest
	DeadSince string `json:"dead_since"`
	message   types.Message
}

// noReason is what SQS's own move to the dead letters leaves unsaid.
const noReason = "received 60 times without success: see the log for what failed each time"

func newLetter(m types.Message) letter {
	text := func(name string) string { return aws.ToString(m.MessageAttributes[name].StringValue) }
	l := letter{
		MessageID: aws.ToString(m.MessageId), SvixID: text(delivery.AttrSvixID), EventType: text(delivery.AttrEventType),
		Reason: text(delivery.AttrReason), Received: text(delivery.AttrReceivedAt), message: m,
	}
	if l.Reason == "" {
		l.Reason = noReason
	}
	if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
		l.DeadSince = time.UnixMilli(ms).UTC().Format(directory.TimeFormat)
	}
	return l
}

// content is the same for a message that comes to the dead letters again.
func (l letter) content() string { return l.SvixID + " " + aws.ToString(l.message.MD5OfBody) }

func (l letter) is(id string) bool { return id == l.SvixID || id == l.MessageID }

// walk calls see with each dead letter once. Those for which it returns true
// are gone from the queue afterwards; the others show again.
func (d *deadLetters) walk(ctx context.Context, see func(letter) (done bool, err error)) error {
	seen, gone := map[string]bool{}, 0
	var waited time.Time // since when only others' letters have been left
	var keep []types.Message
	defer func() { d.release(context.WithoutCancel(ctx), keep) }()
	for {
		out, err := d.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &d.url, MaxNumberOfMessages: d.batchSize, WaitTimeSeconds: 1,
			VisibilityTimeout:           int32(d.visibility.Seconds()),
			MessageAttributeNames:       []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			return fmt.Errorf("receive dead letters: %w", err)
		}
		fresh := false
		for _, m := range out.Messages {
			l := newLetter(m)
			if seen[l.MessageID] {
				keep = append(keep, m)
				continue
			}
			seen[l.MessageID], fresh = true, true
			done, err := see(l)
			if done {
				gone++
				_, err = d.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &d.url, ReceiptHandle: m.ReceiptHandle})
			} else {
				keep = append(keep, m)
			}
			if err != nil {
				return fmt.Errorf("dead letter %s: %w", l.MessageID, err)
			}
		}
		if fresh {
			waited = time.Time{}
			continue
		}
		if waited.IsZero() {
			waited = time.Now()
		}
		if d.hidden(ctx) <= len(seen)-gone || time.Since(waited) > d.visibility {
			return nil
		}
	}
}

// hidden is how many letters are in somebody's hands, ours included: another
// walk's, or those of a receive whose answer was lost. They show again within
// the visibility timeout.
func (d *deadLetters) hidden(ctx context.Context) int {
	const name = types.QueueAttributeNameApproximateNumberOfMessagesNotVisible
	out, err := d.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &d.url, AttributeNames: []types.QueueAttributeName{name}})
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(out.Attributes[string(name)]) // 0 where it does not tell
	return n
}

// release shows messages again at once rather than after the visibility
// timeout, which takes its place where that fails.
func (d *deadLetters) release(ctx context.Context, messages []types.Message) {
	for part := range slices.Chunk(messages, int(d.batchSize)) {
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(part))
		for i, m := range part {
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle}
		}
		_, _ = d.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &d.url, Entries: entries})
	}
}

// redrive puts a letter back on the queue as it was, less its reason. It is
// deleted after that: a crash in between leaves a copy, which is a duplicate.
func (d *deadLetters) redrive(ctx context.Context, l letter) error {
	attributes := maps.Clone(l.message.MessageAttributes)
	delete(attributes, delivery.AttrReason)
	for name, a := range attributes { // what was received also says what was not there
		attributes[name] = types.MessageAttributeValue{DataType: a.DataType, StringValue: a.StringValue, BinaryValue: a.BinaryValue}
	}
	out, err := d.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &d.queueURL, MessageBody: l.message.Body, MessageAttributes: attributes})
	if err := sqsqueue.ConfirmSend(out, err); err != nil {
		return fmt.Errorf("put %s back on the queue: %w", l.MessageID, err)
	}
	return nil
}
