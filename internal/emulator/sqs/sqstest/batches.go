package sqstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func batchChecks() []Check {
	return []Check{
		{"a batch is sent whole, attributes included", withQueue(nil, batchIsSent)},
		{"a bad entry of a batch does not hold back the others", withQueue(nil, batchIsPartial)},
		{"batches of the wrong shape are refused by type", withQueue(nil, batchShapes)},
		{"a batch over one mebibyte is refused", withQueue(nil, batchTooLong)},
	}
}

func entry(id, body string) types.SendMessageBatchRequestEntry {
	return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body}
}

func (q *queue) sendBatch(ctx context.Context, entries ...types.SendMessageBatchRequestEntry) (*sqs.SendMessageBatchOutput, error) {
	return q.c.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries})
}

func batchIsSent(ctx context.Context, q *queue) error {
	var entries []types.SendMessageBatchRequestEntry
	for i := range 10 {
		e := entry("e"+strconv.Itoa(i), "body "+strconv.Itoa(i))
		e.MessageAttributes = attrs{"n": text(strconv.Itoa(i))}
		entries = append(entries, e)
	}
	out, err := q.sendBatch(ctx, entries...)
	if err != nil || len(out.Successful) != 10 || len(out.Failed) != 0 {
		return fmt.Errorf("send batch of 10 = %+v, %w, want 10 successful", out, orNone(err))
	}
	got, err := q.collect(ctx, 10, 60)
	if err != nil {
		return err
	}
	for _, s := range out.Successful {
		m := got[aws.ToString(s.MessageId)]
		n := strings.TrimPrefix(aws.ToString(s.Id), "e")
		if aws.ToString(m.Body) != "body "+n || aws.ToString(m.MessageAttributes["n"].StringValue) != n {
			return fmt.Errorf("receive of entry %s = body %q, attributes %v", aws.ToString(s.Id), aws.ToString(m.Body), m.MessageAttributes)
		}
	}
	return nil
}

func batchIsPartial(ctx context.Context, q *queue) error {
	empty := entry("value", "b")
	empty.MessageAttributes = attrs{"a": text("")}
	out, err := q.sendBatch(ctx, entry("good-1", "g"), entry("character", "\ufffe"), empty, entry("good_2", "g"))
	if err != nil {
		return fmt.Errorf("send batch with two bad entries of four: %w", err)
	}
	if err := wantFailed(out.Failed, "character", "value"); err != nil {
		return err
	}
	if len(out.Successful) != 2 {
		return fmt.Errorf("send batch with two bad entries of four = %d successful, want 2", len(out.Successful))
	}
	if _, err := q.collect(ctx, 2, 60); err != nil {
		return err
	}
	return q.none(ctx, 1)
}

// wantFailed fails unless just the named entries failed, by the sender's fault
// and with a code.
func wantFailed(failed []types.BatchResultErrorEntry, ids ...string) error {
	var got []string
	for _, f := range failed {
		if aws.ToString(f.Code) == "" || !f.SenderFault {
			return fmt.Errorf("failed entry %s = code %q, sender fault %v, want a code and true", aws.ToString(f.Id), aws.ToString(f.Code), f.SenderFault)
		}
		got = append(got, aws.ToString(f.Id))
	}
	slices.Sort(got)
	if !slices.Equal(got, ids) {
		return fmt.Errorf("failed entries = %v, want %v", got, ids)
	}
	return nil
}

func batchShapes(ctx context.Context, q *queue) error {
	var eleven []types.SendMessageBatchRequestEntry
	for i := range 11 {
		eleven = append(eleven, entry(strconv.Itoa(i), "m"))
	}
	send := func(entries ...types.SendMessageBatchRequestEntry) error {
		_, err := q.sendBatch(ctx, entries...)
		return err
	}
	_, emptyDelete := q.c.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &q.url, Entries: []types.DeleteMessageBatchRequestEntry{}})
	return errors.Join(
		wantType[*types.EmptyBatchRequest]("send batch of none", send([]types.SendMessageBatchRequestEntry{}...)),
		wantType[*types.EmptyBatchRequest]("delete batch of none", emptyDelete),
		wantType[*types.TooManyEntriesInBatchRequest]("send batch of eleven", send(eleven...)),
		wantType[*types.BatchEntryIdsNotDistinct]("send batch with an id twice", send(entry("a", "m"), entry("a", "m"))),
		wantType[*types.InvalidBatchEntryId]("send batch with id a:b", send(entry("a:b", "m"))),
		wantType[*types.InvalidBatchEntryId]("send batch with an id of 81 characters", send(entry(strings.Repeat("a", 81), "m"))),
		q.none(ctx, 1),
	)
}

func batchTooLong(ctx context.Context, q *queue) error {
	half := strings.Repeat("a", 1<<19)
	if _, err := q.sendBatch(ctx, entry("a", half), entry("b", half)); err != nil {
		return fmt.Errorf("send batch of just 1 MiB: %w", err)
	}
	_, err := q.sendBatch(ctx, entry("a", half), entry("b", half+"a"))
	return wantType[*types.BatchRequestTooLong]("send batch of a byte over 1 MiB", err)
}
