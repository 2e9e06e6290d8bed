package sqstest

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func batchSettleChecks() []Check {
	return []Check{
		{"a delete batch reports entry by entry", withQueue(map[string]string{"VisibilityTimeout": "2"}, deleteBatch)},
		{"a visibility batch reports entry by entry", withQueue(nil, visibilityBatch)},
	}
}

func deleteBatch(ctx context.Context, q *queue) error {
	m, err := q.sendAndReceive(ctx)
	if err != nil {
		return err
	}
	out, err := q.c.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{
		QueueUrl: &q.url, Entries: []types.DeleteMessageBatchRequestEntry{
			{Id: aws.String("bad"), ReceiptHandle: aws.String("made-up")},
			{Id: aws.String("good"), ReceiptHandle: m.ReceiptHandle},
		},
	})
	if err != nil {
		return fmt.Errorf("delete batch with one bad entry of two: %w", err)
	}
	if err := wantFailed(out.Failed, "bad"); err != nil {
		return err
	}
	if len(out.Successful) != 1 || aws.ToString(out.Successful[0].Id) != "good" {
		return fmt.Errorf("delete batch = %d successful, want good alone", len(out.Successful))
	}
	sleep(ctx, 2*time.Second)
	if err := q.none(ctx, 1); err != nil {
		return fmt.Errorf("after delete batch: %w", err)
	}
	return nil
}

func visibilityBatch(ctx context.Context, q *queue) error {
	m, err := q.sendAndReceive(ctx)
	if err != nil {
		return err
	}
	out, err := q.c.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: &q.url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			{Id: aws.String("bad"), ReceiptHandle: aws.String("made-up"), VisibilityTimeout: 0},
			{Id: aws.String("good"), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0},
		},
	})
	if err != nil {
		return fmt.Errorf("visibility batch with one bad entry of two: %w", err)
	}
	if err := wantFailed(out.Failed, "bad"); err != nil {
		return err
	}
	if len(out.Successful) != 1 || aws.ToString(out.Successful[0].Id) != "good" {
		return fmt.Errorf("visibility batch = %d successful, want good alone", len(out.Successful))
	}
	if _, err := q.one(ctx, -1); err != nil {
		return fmt.Errorf("after a visibility batch to 0: %w", err)
	}
	return nil
}

func (q *queue) sendAndReceive(ctx context.Context) (types.Message, error) {
	if _, err := q.send(ctx, "m", nil); err != nil {
		return types.Message{}, err
	}
	return q.one(ctx, -1)
}
