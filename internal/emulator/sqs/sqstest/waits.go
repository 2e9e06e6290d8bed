package sqstest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func waitChecks() []Check {
	return []Check{
		{"a long poll ends when a message is sent", withQueue(nil, pollEndsOnSend)},
		{"a long poll ends when a message becomes visible", withQueue(map[string]string{"VisibilityTimeout": "2"}, pollEndsOnVisible)},
		{"a long poll of an empty queue lasts its time", withQueue(nil, pollLasts)},
		{"the queue's own wait makes receives long polls", withQueue(map[string]string{"ReceiveMessageWaitTimeSeconds": "1"}, pollByQueue)},
		{"a delayed message comes after its delay", withQueue(nil, delayed)},
		{"many messages all come, at most ten at a time", withQueue(nil, manyCome)},
	}
}

func pollEndsOnSend(ctx context.Context, q *queue) error {
	sent := make(chan error, 1)
	began := time.Now()
	go func() {
		sleep(ctx, 700*time.Millisecond)
		_, err := q.send(ctx, "m", nil)
		sent <- err
	}()
	got, err := q.receive(ctx, 10, -1)
	took := time.Since(began)
	if err := errors.Join(err, <-sent); err != nil {
		return err
	}
	if len(got) != 1 || took > 6*time.Second {
		return fmt.Errorf("long poll of 10 s, message sent after 0.7 s = %d messages after %v", len(got), took)
	}
	return nil
}

func pollEndsOnVisible(ctx context.Context, q *queue) error {
	if _, err := q.send(ctx, "m", nil); err != nil {
		return err
	}
	if _, err := q.one(ctx, -1); err != nil {
		return err
	}
	began := time.Now()
	got, err := q.receive(ctx, 10, -1)
	if err != nil {
		return err
	}
	if took := time.Since(began); len(got) != 1 || took > 8*time.Second {
		return fmt.Errorf("long poll of 10 s, message visible after 2 s = %d messages after %v", len(got), took)
	}
	return nil
}

func pollLasts(ctx context.Context, q *queue) error {
	return lasts(ctx, q, 2, 1500*time.Millisecond)
}

// pollByQueue asks for no wait, which leaves it to the queue.
func pollByQueue(ctx context.Context, q *queue) error {
	return lasts(ctx, q, 0, 700*time.Millisecond)
}

func lasts(ctx context.Context, q *queue, wait int32, least time.Duration) error {
	began := time.Now()
	if err := q.none(ctx, wait); err != nil {
		return err
	}
	if took := time.Since(began); took < least || took > least+5*time.Second {
		return fmt.Errorf("receive from an empty queue took %v, want a little over %v", took, least)
	}
	return nil
}

func delayed(ctx context.Context, q *queue) error {
	_, err := q.c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String("later"), DelaySeconds: 3})
	if err != nil {
		return fmt.Errorf("send with delay: %w", err)
	}
	if err := q.none(ctx, 1); err != nil {
		return fmt.Errorf("within a delay of 3 s: %w", err)
	}
	m, err := q.one(ctx, 30)
	if err == nil && count(m) != 1 {
		err = fmt.Errorf("first receive of a delayed message = receive count %d, want 1", count(m))
	}
	return err
}

func manyCome(ctx context.Context, q *queue) error {
	for i := range 23 {
		if _, err := q.send(ctx, "m"+strconv.Itoa(i), nil); err != nil {
			return err
		}
	}
	bodies := make(map[string]bool)
	for end := time.Now().Add(20 * time.Second); len(bodies) < 23; {
		got, err := q.receive(ctx, 1, 60)
		if err != nil {
			return err
		}
		if len(got) > 10 {
			return fmt.Errorf("receive of at most 10 = %d messages", len(got))
		}
		for _, m := range got {
			bodies[aws.ToString(m.Body)] = true
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d of 23 messages came in 20 s", len(bodies))
		}
	}
	return nil
}
