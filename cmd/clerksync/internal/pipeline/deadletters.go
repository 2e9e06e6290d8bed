package pipeline

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Embedded says whether tables and queues are in this process: they are this
// user's alone, and end with it.
func (p *Pipeline) Embedded() bool { return p.aws != nil }

// BrowseDeadLetters returns the messages of the embedded dead-letter queue, the
// oldest first, in the form in which SQS hands them out, but without a receipt:
// nobody has received them, so none is hidden from others or counts another
// receive. Only where the engines are embedded can a queue be looked at like that.
func (p *Pipeline) BrowseDeadLetters() (messages []sqstypes.Message, err error) {
	if !p.Embedded() {
		return nil, errors.New("browse the dead letters: their queue is not in this process")
	}
	stored, err := p.queues.Messages(p.DeadLetterQueueURL)
	if err != nil {
		return nil, fmt.Errorf("browse the dead letters: %w", err)
	}
	for _, m := range stored {
		attributes := make(map[string]sqstypes.MessageAttributeValue, len(m.Attributes))
		for name, text := range m.Attributes {
			attributes[name] = sqstypes.MessageAttributeValue{DataType: aws.String("String"), StringValue: &text}
		}
		const (
			sent     = string(sqstypes.MessageSystemAttributeNameSentTimestamp)
			receives = string(sqstypes.MessageSystemAttributeNameApproximateReceiveCount)
		)
		messages = append(messages, sqstypes.Message{
			MessageId: &m.ID, Body: &m.Body, MD5OfBody: &m.MD5, MessageAttributes: attributes,
			Attributes: map[string]string{
				sent: strconv.FormatInt(m.Sent.UnixMilli(), 10), receives: strconv.Itoa(m.Receives),
			},
		})
	}
	return messages, nil
}

// RetryWaiting makes the messages of the embedded queue visible at once that wait
// for another attempt, and returns how many.
func (p *Pipeline) RetryWaiting() (n int, err error) {
	if !p.Embedded() {
		return 0, errors.New("try what waits: the queue is not in this process")
	}
	if n, err = p.queues.ShowWaiting(p.QueueURL); err != nil {
		return 0, fmt.Errorf("try what waits: %w", err)
	}
	return n, nil
}
