package sqstest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func visibilityChecks() []Check {
	oneSecond := map[string]string{"VisibilityTimeout": "1"}
	return []Check{
		{"a received message is hidden, then comes again", withQueue(map[string]string{"VisibilityTimeout": "4"}, hiddenThenAgain)},
		{"the receive count rises with each receive", withQueue(oneSecond, countRises)},
		{"a receive can ask for its own visibility", withQueue(oneSecond, ownVisibility)},
		{"changed visibility extends the hiding", withQueue(oneSecond, visibilityExtends)},
		{"changed visibility of 0 shows a message at once", withQueue(nil, visibilityZero)},
		{"changed visibility is refused where nothing is in flight", withQueue(nil, visibilityRefused)},
	}
}

// hiddenThenAgain leaves room for the second to which SQS rounds, and for a
// machine that is busy with all checks at once.
func hiddenThenAgain(ctx context.Context, q *queue) error {
	if _, err := q.send(ctx, "m", nil); err != nil {
		return err
	}
	first, err := q.one(ctx, -1)
	if err != nil {
		return err
	}
	if err := q.none(ctx, 1); err != nil {
		return fmt.Errorf("within a visibility timeout of 4 s: %w", err)
	}
	again, err := q.one(ctx, -1)
	if err != nil {
		return fmt.Errorf("after the visibility timeout: %w", err)
	}
	if aws.ToString(again.MessageId) != aws.ToString(first.MessageId) || aws.ToString(again.ReceiptHandle) == aws.ToString(first.ReceiptHandle) {
		return errors.New("second receive = another message id or the same receipt handle, want the same id and a new handle")
	}
	return nil
}

func countRises(ctx context.Context, q *queue) error {
	if _, err := q.send(ctx, "m", nil); err != nil {
		return err
	}
	var first types.Message
	for want := 1; want <= 3; want++ {
		m, err := q.one(ctx, -1)
		if err != nil {
			return err
		}
		if count(m) != want {
			return fmt.Errorf("receive %d = ApproximateReceiveCount %q, want %d", want, m.Attributes["ApproximateReceiveCount"], want)
		}
		if want == 1 {
			first = m
		}
		for _, name := range []string{"SentTimestamp", "ApproximateFirstReceiveTimestamp"} {
			if m.Attributes[name] != first.Attributes[name] {
				return fmt.Errorf("receive %d = %s %q, want %q as at first", want, name, m.Attributes[name], first.Attributes[name])
			}
		}
	}
	return nil
}

func ownVisibility(ctx context.Context, q *queue) error {
	if _, err := q.send(ctx, "m", nil); err != nil {
		return err
	}
	if _, err := q.one(ctx, 20); err != nil {
		return err
	}
	sleep(ctx, 1500*time.Millisecond)
	if err := q.none(ctx, 1); err != nil {
		return fmt.Errorf("2 s after a receive with visibility 20 on a queue with 1: %w", err)
	}
	return nil
}

func visibilityExtends(ctx context.Context, q *queue) error {
	if _, err := q.send(ctx, "m", nil); err != nil {
		return err
	}
	m, err := q.one(ctx, 2)
	if err != nil {
		return err
	}
	if err := q.setVisibility(ctx, m, 5); err != nil {
		return err
	}
	sleep(ctx, 2500*time.Millisecond)
	if err := q.none(ctx, 1); err != nil {
		return fmt.Errorf("3 s after visibility was changed from 2 to 5: %w", err)
	}
	if _, err = q.one(ctx, -1); err != nil {
		return fmt.Errorf("after a changed visibility of 5 s: %w", err)
	}
	return nil
}

func visibilityZero(ctx context.Context, q *queue) error {
	if _, err := q.send(ctx, "m", nil); err != nil {
		return err
	}
	m, err := q.one(ctx, -1)
	if err != nil {
		return err
	}
	if err := q.setVisibility(ctx, m, 0); err != nil {
		return err
	}
	began := time.Now()
	again, err := q.one(ctx, -1)
	if err != nil || time.Since(began) > 10*time.Second {
		return fmt.Errorf("receive after visibility 0 took %v, want at once: %w", time.Since(began), orNone(err))
	}
	if count(again) != 2 {
		return fmt.Errorf("receive after visibility 0 = receive count %d, want 2", count(again))
	}
	return nil
}

func visibilityRefused(ctx context.Context, q *queue) error {
	if _, err := q.send(ctx, "m", nil); err != nil {
		return err
	}
	m, err := q.one(ctx, -1)
	if err != nil {
		return err
	}
	change := func(handle string, seconds int32) error {
		_, err := q.c.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &q.url, ReceiptHandle: &handle, VisibilityTimeout: seconds})
		return err
	}
	handle := aws.ToString(m.ReceiptHandle)
	if err := wantCode("change of visibility to 43,201", change(handle, 43_201), invalidValue); err != nil {
		return err
	}
	if err := wantType[*types.ReceiptHandleIsInvalid]("change of visibility with a made-up handle", change("made-up", 1)); err != nil {
		return err
	}
	if err := q.remove(ctx, m); err != nil {
		return err
	}
	return wantCode("change of visibility of a deleted message", change(handle, 1), invalidValue, "AWS.SimpleQueueService.MessageNotInflight", "MessageNotInflight")
}
