package deployment

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
)

// DeadLetters reads the dead-letter queue. SQS cannot browse a queue: each
// message is received, which hides it from others, looked at, and shown again
// at the end (walk.go).
type DeadLetters struct {
	deployment *Deployment
	client     *sqs.Client
	redriven   map[string]time.Time // by content: when SQS first took it
	hidden     hidden               // what could not be shown again
}

// hidden are dead letters that a walk could not show again.
type hidden struct {
	until time.Time
	err   error
}

// Hidden says until when dead letters stay hidden that a walk received and could not
// show again, and why. err is nil where there are none.
func (d *DeadLetters) Hidden() (until time.Time, err error) { return d.hidden.until, d.hidden.err }

// DeadLetters opens the dead-letter queue for reading and deleting.
func (d *Deployment) DeadLetters(ctx context.Context) (*DeadLetters, error) {
	if err := d.findQueues(ctx); err != nil {
		return nil, err
	}
	return &DeadLetters{
		deployment: d, client: sqs.NewFromConfig(d.AWS), redriven: map[string]time.Time{},
	}, nil
}

// RedrivableDeadLetters opens the dead-letter queue for Redrive, too.
func (d *Deployment) RedrivableDeadLetters(ctx context.Context) (*DeadLetters, error) {
	return d.AsRedriver().DeadLetters(ctx)
}

// AsRedriver returns the deployment with other rights: the queue of a stack takes
// messages from its functions and from one role of the stack alone, and that role
// is assumed.
func (d *Deployment) AsRedriver() *Deployment {
	assumed := *d
	if d.Stack != nil {
		role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(d.AWS), d.Stack.Outputs[outputRedriveRole])
		assumed.AWS.Credentials = aws.NewCredentialsCache(role)
	}
	return &assumed
}

// DeadLetter is a message in the dead-letter queue.
type DeadLetter struct {
	MessageID string `json:"message_id"`
	SvixID    string `json:"svix_id,omitempty"`
	EventType string `json:"event_type,omitempty"`
	Reason    string `json:"reason"`
	Received  string `json:"received_at,omitempty"` // by ingest
	// QueuedAt is SQS's time of the message: when sync sent it here, but when ingest
	// queued it where SQS itself moved it, for a move leaves that time as it is:
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
	QueuedAt string `json:"queued_at"`
	Expires  string `json:"expires_at"` // when SQS deletes it, counted from QueuedAt
	message  types.Message
	queued   time.Time
}

// noReason is for messages that SQS itself moved: it does not say why.
const noReason = "received 60 times without success: see the log for what failed each time"

func newDeadLetter(m types.Message, retention time.Duration) DeadLetter {
	text := func(name string) string { return aws.ToString(m.MessageAttributes[name].StringValue) }
	l := DeadLetter{
		MessageID: aws.ToString(m.MessageId), message: m,
		SvixID: text(delivery.AttrSvixID), EventType: text(delivery.AttrEventType),
		Reason: cmp.Or(text(delivery.AttrReason), noReason), Received: text(delivery.AttrReceivedAt),
	}
	if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
		l.queued = time.UnixMilli(ms)
		l.QueuedAt, l.Expires = FormatTime(l.queued), FormatTime(l.queued.Add(retention))
	}
	return l
}

// Body is the message's body as it is on the queue.
func (l DeadLetter) Body() string { return aws.ToString(l.message.Body) }

// Delivery is what the message brought to the queue. The error is that of
// delivery.Record.Delivery: a message that was put there by hand may be none.
func (l DeadLetter) Delivery() (delivery.Delivery, error) {
	r := delivery.Record{MessageID: l.MessageID, Body: l.Body(), Attributes: map[string]delivery.Attribute{}}
	for name, a := range l.message.MessageAttributes {
		r.Attributes[name] = delivery.Attribute{
			DataType: aws.ToString(a.DataType), Text: aws.ToString(a.StringValue), Binary: a.BinaryValue,
		}
	}
	return r.Delivery() //nolint:wrapcheck // it says what is wrong
}

// content is the same for a message that becomes a dead letter again, with
// another message id.
func (l DeadLetter) content() string { return l.SvixID + " " + aws.ToString(l.message.MD5OfBody) }

// HasID says whether the id, of Svix or of SQS, is the dead letter's.
func (l DeadLetter) HasID(id string) bool { return id == l.SvixID || id == l.MessageID }

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
	at, known := awsmiddleware.GetServerTime(out.ResultMetadata)
	if !known {
		at = time.Now()
	}
	if _, before := d.redriven[l.content()]; !before { // the first time decides: see CameBack
		d.redriven[l.content()] = at
	}
	return nil
}

// CameBack says whether the dead letter was put back on the queue before and
// has died again: it is younger than that, by SQS's clock alone. One that is as
// old as its like and was there twice from the start has not come back.
func (d *DeadLetters) CameBack(l DeadLetter) bool {
	at, redriven := d.redriven[l.content()]
	return redriven && !l.queued.Before(at)
}
