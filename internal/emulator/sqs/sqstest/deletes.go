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

func deleteChecks() []Check {
	return []Check{
		{"a deleted message stays away", withQueue(map[string]string{"VisibilityTimeout": "1"}, deletedStaysAway)},
		{"the latest of several handles deletes", withQueue(map[string]string{"VisibilityTimeout": "1"}, latestHandleDeletes)},
		{"handles of no or another queue are refused", withQueue(nil, foreignHandles)},
		{"a purged queue is empty", withQueue(nil, purgeEmpties)},
	}
}

func deletedStaysAway(ctx context.Context, q *queue) error {
	if _, err := q.send(ctx, "m", nil); err != nil {
		return err
	}
	m, err := q.one(ctx, -1)
	if err != nil {
		return err
	}
	// Deleting twice is no error: consumers do after a lost answer.
	if err := errors.Join(q.remove(ctx, m), q.remove(ctx, m)); err != nil {
		return err
	}
	sleep(ctx, 1500*time.Millisecond)
	if err := q.none(ctx, 1); err != nil {
		return fmt.Errorf("after delete: %w", err)
	}
	return nil
}

func latestHandleDeletes(ctx context.Context, q *queue) error {
	if _, err := q.send(ctx, "m", nil); err != nil {
		return err
	}
	old, err := q.one(ctx, -1)
	if err != nil {
		return err
	}
	if _, err = q.one(ctx, -1); err != nil {
		return err
	}
	// With an older handle the request succeeds, whether or not it deletes.
	if err := q.remove(ctx, old); err != nil {
		return fmt.Errorf("with an older handle: %w", err)
	}
	sleep(ctx, 1500*time.Millisecond)
	left, err := q.receive(ctx, 1, -1)
	for _, m := range left {
		err = errors.Join(err, q.remove(ctx, m))
	}
	if err != nil {
		return err
	}
	sleep(ctx, 1500*time.Millisecond)
	if err := q.none(ctx, 1); err != nil {
		return fmt.Errorf("after delete with the latest handle: %w", err)
	}
	return nil
}

func foreignHandles(ctx context.Context, q *queue) error {
	return withQueue(nil, func(ctx context.Context, other *queue) error {
		if _, err := other.send(ctx, "m", nil); err != nil {
			return err
		}
		m, err := other.one(ctx, -1)
		if err != nil {
			return err
		}
		for what, handle := range map[string]string{"made-up": "made-up", "another queue's": aws.ToString(m.ReceiptHandle)} {
			_, err := q.c.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: &handle})
			if err := wantType[*types.ReceiptHandleIsInvalid]("delete with a handle that is "+what, err); err != nil {
				return err
			}
		}
		return nil
	})(ctx, q.c)
}

// purgeEmpties gives the purge the 60 seconds that SQS takes.
func purgeEmpties(ctx context.Context, q *queue) error {
	for range 3 {
		if _, err := q.send(ctx, "m", nil); err != nil {
			return err
		}
	}
	if _, err := q.one(ctx, 0); err != nil {
		return err
	}
	if _, err := q.c.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: &q.url}); err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	for end := time.Now().Add(60 * time.Second); ; {
		got, err := q.receive(ctx, 2, 0)
		if err != nil {
			return fmt.Errorf("after purge: %w", err)
		}
		if len(got) == 0 {
			return nil
		}
		if time.Now().After(end) {
			return errors.New("messages still come 60 s after purge")
		}
		sleep(ctx, time.Second)
	}
}
