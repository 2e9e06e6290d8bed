package deployment

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
)

const adviceToStart = "Is `clerksync dev` running? --stack names a deployed stack"

// Advise adds to an error, where no server was reached and nothing but a `clerksync
// dev` can be meant, that this may not run.
func (d *Deployment) Advise(err error) error {
	if _, unreached := errors.AsType[*net.OpError](err); unreached && d.Local {
		return fmt.Errorf("%w\n%s", err, adviceToStart)
	}
	return err
}

// findQueues asks for the URLs of the queues that a `clerksync dev` makes, where
// no others are known.
func (d *Deployment) findQueues(ctx context.Context) (err error) {
	if d.QueueURL, err = d.findQueue(ctx, d.QueueURL, pipeline.QueueName); err != nil {
		return err
	}
	d.DeadLetterQueueURL, err = d.findQueue(ctx, d.DeadLetterQueueURL, pipeline.DeadLetterQueueName)
	return err
}

func (d *Deployment) findQueue(ctx context.Context, known, name string) (url string, err error) {
	if known != "" {
		return known, nil
	}
	out, err := sqs.NewFromConfig(d.AWS).GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return "", fmt.Errorf("find queue %s: %w\n%s", name, err, adviceToStart)
	}
	return aws.ToString(out.QueueUrl), nil
}

// QueueState is what SQS says of a queue. The numbers of messages are
// approximate.
type QueueState struct {
	Visible       int               `json:"visible"`
	InFlight      int               `json:"in_flight"`
	Delayed       int               `json:"delayed"`
	OldestSeconds *int              `json:"oldest_seconds,omitempty"` // where CloudWatch knows it
	Attributes    map[string]string `json:"-"`                        // all of the queue's
}

// Messages is how many there are.
func (q QueueState) Messages() int { return q.Visible + q.InFlight + q.Delayed }

// Retention is for how long the queue keeps a message, or the default where it
// does not say.
func (q QueueState) Retention(byDefault time.Duration) time.Duration {
	seconds, err := strconv.Atoi(q.Attributes[string(types.QueueAttributeNameMessageRetentionPeriod)])
	if err != nil {
		return byDefault
	}
	return time.Duration(seconds) * time.Second
}

// ReadQueue reads the attributes of a queue.
func (d *Deployment) ReadQueue(ctx context.Context, url string) (q QueueState, err error) {
	out, err := sqs.NewFromConfig(d.AWS).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		return q, fmt.Errorf("read queue %s: %w", url, err)
	}
	count := func(name types.QueueAttributeName) int {
		n, _ := strconv.Atoi(out.Attributes[string(name)]) // absent is 0
		return n
	}
	return QueueState{
		Visible:    count(types.QueueAttributeNameApproximateNumberOfMessages),
		InFlight:   count(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible),
		Delayed:    count(types.QueueAttributeNameApproximateNumberOfMessagesDelayed),
		Attributes: out.Attributes,
	}, nil
}
