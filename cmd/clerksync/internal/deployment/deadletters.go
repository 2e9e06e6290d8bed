package deployment

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
)

// DeadLetters reads the dead-letter queue. SQS cannot browse a queue: each
// message is received, which hides it from others, looked at, and shown again
// at the end.
type DeadLetters struct {
	deployment *Deployment
	client     *sqs.Client
}

const (
	maxBatch = 10 // messages of one request, as SQS has it
	// visibility is for how long a message that was received is hidden.
	visibility = 15 * time.Second
)

// DeadLetters opens the dead-letter queue for reading and deleting.
func (d *Deployment) DeadLetters(ctx context.Context) (*DeadLetters, error) {
	if err := d.FindQueues(ctx); err != nil {
		return nil, err
	}
	return &DeadLetters{d, sqs.NewFromConfig(d.AWS)}, nil
}

// RedrivableDeadLetters opens the dead-letter queue for Redrive, too. The queue
// of a stack takes messages from ingest and from one role of the stack alone:
// that role is assumed.
func (d *Deployment) RedrivableDeadLetters(ctx context.Context) (*DeadLetters, error) {
	assumed := *d
	if d.Stack != nil {
		role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(d.AWS), d.Stack.Outputs[outputRedriveRole])
		assumed.AWS.Credentials = aws.NewCredentialsCache(role)
	}
	return assumed.DeadLetters(ctx)
}

// DeadLetter is a message in the dead-letter queue.
type DeadLetter struct {
	MessageID string `json:"message_id"`
	SvixID    string `json:"svix_id,omitempty"`
	EventType string `json:"event_type,omitempty"`
	Reason    string `json:"reason"`
	Received  string `json:"received_at,omitempty"` // by ingest
	DeadSince string `json:"dead_since"`
	message   types.Message
}

// noReason is for messages that SQS itself moved: it does not say why.
const noReason = "received 60 times without success: see the log for what failed each time"

func newDeadLetter(m types.Message) DeadLetter {
	text := func(name string) string { return aws.ToString(m.MessageAttributes[name].StringValue) }
	l := DeadLetter{
		MessageID: aws.ToString(m.MessageId),
		SvixID:    text(delivery.AttrSvixID),
		EventType: text(delivery.AttrEventType),
		Reason:    text(delivery.AttrReason),
		Received:  text(delivery.AttrReceivedAt),
		message:   m,
	}
	if l.Reason == "" {
		l.Reason = noReason
	}
	if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
		l.DeadSince = FormatTime(time.UnixMilli(ms))
	}
	return l
}

// Body is the message's body as it is on the queue.
func (l DeadLetter) Body() string { return aws.ToString(l.message.Body) }

// Content is the same for a message that becomes a dead letter again, with
// another message id.
func (l DeadLetter) Content() string { return l.SvixID + " " + aws.ToString(l.message.MD5OfBody) }

// HasID says whether the id, of Svix or of SQS, is the dead letter's.
func (l DeadLetter) HasID(id string) bool { return id == l.SvixID || id == l.MessageID }

// Walk calls see with each dead letter once. Those for which it returns true
// are deleted from the queue; the others show again after the walk.
func (d *DeadLetters) Walk(ctx context.Context, see func(DeadLetter) (remove bool, err error)) error {
	seen, removed := map[string]bool{}, 0
	var idleSince time.Time // when a receive first brought nothing new
	var keep []types.Message
	defer func() { d.release(context.WithoutCancel(ctx), keep) }()
	for {
		messages, err := d.receive(ctx)
		if err != nil {
			return err
		}
		fresh := false
		for _, m := range messages {
			l := newDeadLetter(m)
			if seen[l.MessageID] {
				keep = append(keep, m)
				continue
			}
			seen[l.MessageID], fresh = true, true
			remove, err := see(l)
			if remove {
				removed++
				_, err = d.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{
					QueueUrl: &d.deployment.DeadLetterQueueURL, ReceiptHandle: m.ReceiptHandle,
				})
			} else {
				keep = append(keep, m)
			}
			if err != nil {
				return fmt.Errorf("dead letter %s: %w", l.MessageID, err)
			}
		}
		if fresh {
			idleSince = time.Time{}
			continue
		}
		if idleSince.IsZero() {
			idleSince = time.Now()
		}
		// More messages are hidden than we have seen: another walk has them, or the
		// response to a receive was lost. They show again within the visibility
		// timeout, so it is right to wait that long and no longer. Where the queue does
		// not say, nothing is waited for.
		q, err := d.deployment.ReadQueue(ctx, d.deployment.DeadLetterQueueURL)
		if err != nil || q.InFlight <= len(seen)-removed || time.Since(idleSince) > visibility {
			return nil
		}
	}
}

func (d *DeadLetters) receive(ctx context.Context) ([]types.Message, error) {
	out, err := d.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:                    &d.deployment.DeadLetterQueueURL,
		MaxNumberOfMessages:         maxBatch,
		WaitTimeSeconds:             1,
		VisibilityTimeout:           int32(visibility.Seconds()),
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		return nil, fmt.Errorf("receive dead letters: %w", err)
	}
	return out.Messages, nil
}

// release shows messages again at once. Where that fails they show again after
// the visibility timeout.
func (d *DeadLetters) release(ctx context.Context, messages []types.Message) {
	for part := range slices.Chunk(messages, maxBatch) {
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(part))
		for i, m := range part {
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle,
			}
		}
		_, _ = d.client.ChangeMessageVisibilityBatch(ctx,
			&sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &d.deployment.DeadLetterQueueURL, Entries: entries})
	}
}

// Redrive puts a dead letter back on the queue as it was, without its reason.
// The caller deletes it afterwards, never before: a crash in between leaves a
// second copy, which sync finds to be a duplicate, where the other order would
// lose the message.
func (d *DeadLetters) Redrive(ctx context.Context, l DeadLetter) error {
	attributes := maps.Clone(l.message.MessageAttributes)
	delete(attributes, delivery.AttrReason)
	for name, a := range attributes { // a received attribute may have lists, which cannot be sent
		attributes[name] = types.MessageAttributeValue{
			DataType: a.DataType, StringValue: a.StringValue, BinaryValue: a.BinaryValue,
		}
	}
	out, err := d.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &d.deployment.QueueURL, MessageBody: l.message.Body, MessageAttributes: attributes,
	})
	if err := sqsqueue.ConfirmSend(out, err); err != nil {
		return fmt.Errorf("put %s back on the queue: %w", l.MessageID, err)
	}
	return nil
}
