package sqstest

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func moveTaskChecks() []Check {
	return []Check{
		{"a move task takes dead letters back to their source", withPair("1", moveBack)},
		{"a move task takes dead letters to another queue", withPair("1", moveElsewhere)},
		{"a move task can be slowed down and cancelled", withPair("1", moveSlowly)},
		{"a move task needs a dead letter queue", withQueue(nil, moveNeedsDeadLetters)},
	}
}

func (q *queue) startMove(ctx context.Context, in sqs.StartMessageMoveTaskInput) (handle string, err error) {
	in.SourceArn = &q.arn
	out, err := q.c.StartMessageMoveTask(ctx, &in)
	if err != nil {
		return "", fmt.Errorf("start move task: %w", err)
	}
	return aws.ToString(out.TaskHandle), nil
}

// task waits for the queue's latest move task to have a status.
func (q *queue) task(ctx context.Context, status string) (types.ListMessageMoveTasksResultEntry, error) {
	for end := time.Now().Add(60 * time.Second); ; sleep(ctx, 500*time.Millisecond) {
		out, err := q.c.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: &q.arn})
		if err != nil {
			return types.ListMessageMoveTasksResultEntry{}, fmt.Errorf("list move tasks: %w", err)
		}
		if len(out.Results) == 1 && aws.ToString(out.Results[0].Status) == status {
			return out.Results[0], nil
		}
		if time.Now().After(end) {
			return types.ListMessageMoveTasksResultEntry{}, fmt.Errorf("list move tasks = %+v, want one that is %s", out.Results, status)
		}
	}
}

func moveBack(ctx context.Context, source, dead *queue) error {
	if _, err := source.send(ctx, "poison", attrs{"svix-id": text("msg_a1")}); err != nil {
		return err
	}
	letter, _, err := die(ctx, source, dead)
	if err != nil {
		return err
	}
	if err := dead.setVisibility(ctx, letter, 0); err != nil {
		return err
	}
	if _, err := dead.startMove(ctx, sqs.StartMessageMoveTaskInput{}); err != nil {
		return err
	}
	m, err := source.one(ctx, 60)
	if err != nil {
		return fmt.Errorf("after a move task: %w", err)
	}
	if aws.ToString(m.Body) != "poison" || aws.ToString(m.MessageAttributes["svix-id"].StringValue) != "msg_a1" || count(m) != 1 {
		return fmt.Errorf("moved message = body %q, attributes %v, receive count %d, want it as it was and received once", aws.ToString(m.Body), m.MessageAttributes, count(m))
	}
	done, err := dead.task(ctx, "COMPLETED")
	if err != nil {
		return err
	}
	if done.ApproximateNumberOfMessagesMoved != 1 {
		return fmt.Errorf("completed task = %d moved, want 1", done.ApproximateNumberOfMessagesMoved)
	}
	return dead.none(ctx, 1)
}

func moveElsewhere(ctx context.Context, source, dead *queue) error {
	// Sent straight to the dead letters, as consumers do with what can't work.
	if _, err := dead.send(ctx, "by hand", nil); err != nil {
		return err
	}
	if _, err := dead.startMove(ctx, sqs.StartMessageMoveTaskInput{DestinationArn: &source.arn}); err != nil {
		return err
	}
	m, err := source.one(ctx, 60)
	if err != nil {
		return fmt.Errorf("after a move task with a destination: %w", err)
	}
	if aws.ToString(m.Body) != "by hand" || count(m) != 1 {
		return fmt.Errorf("moved message = body %q, receive count %d, want by hand, 1", aws.ToString(m.Body), count(m))
	}
	return nil
}

func moveSlowly(ctx context.Context, source, dead *queue) error {
	for range 10 {
		if _, err := dead.send(ctx, "m", nil); err != nil {
			return err
		}
	}
	slow := sqs.StartMessageMoveTaskInput{DestinationArn: &source.arn, MaxNumberOfMessagesPerSecond: aws.Int32(1)}
	handle, err := dead.startMove(ctx, slow)
	if err != nil {
		return err
	}
	_, err = dead.startMove(ctx, slow)
	if err := wantCode("a second task while one runs", err, invalidValue); err != nil {
		return err
	}
	if _, err := dead.task(ctx, "RUNNING"); err != nil {
		return err
	}
	if _, err := source.one(ctx, 60); err != nil {
		return err
	}
	if _, err := dead.c.CancelMessageMoveTask(ctx, &sqs.CancelMessageMoveTaskInput{TaskHandle: &handle}); err != nil {
		return fmt.Errorf("cancel move task: %w", err)
	}
	cancelled, err := dead.task(ctx, "CANCELLED")
	if err != nil {
		return err
	}
	if n := cancelled.ApproximateNumberOfMessagesMoved; n >= 10 {
		return fmt.Errorf("cancelled task = %d moved, want fewer than 10", n)
	}
	_, err = dead.one(ctx, 60)
	return err
}

func moveNeedsDeadLetters(ctx context.Context, q *queue) error {
	_, err := q.startMove(ctx, sqs.StartMessageMoveTaskInput{})
	if err := wantCode("move task of a queue that has no sources", err, invalidValue); err != nil {
		return err
	}
	missing := &queue{c: q.c, arn: q.arn + "-missing"}
	_, err = missing.startMove(ctx, sqs.StartMessageMoveTaskInput{})
	return wantType[*types.ResourceNotFoundException]("move task of a missing queue", err)
}
