package sqstest

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func batchChecks() []check {
	twoSeconds := map[string]string{"VisibilityTimeout": "2"}
	return []check{
		{name: "a batch is sent whole, attributes included", run: batchIsSent},
		{name: "a bad entry of a batch does not hold back the others", run: batchIsPartial},
		{name: "batches of the wrong shape are refused by type", run: batchShapes},
		{name: "a batch over one mebibyte is refused", run: batchTooLong},
		{name: "a delete batch reports entry by entry", attributes: twoSeconds, run: deleteBatch},
		{name: "a visibility batch reports entry by entry", run: visibilityBatch},
	}
}

func entry(id, body string) types.SendMessageBatchRequestEntry {
	return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body}
}

func (q *queue) sendBatch(
	t *testing.T, entries ...types.SendMessageBatchRequestEntry,
) (*sqs.SendMessageBatchOutput, error) {
	t.Helper()
	return q.c.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries})
}

func batchIsSent(t *testing.T, q *queue) {
	var entries []types.SendMessageBatchRequestEntry
	for i := range 10 {
		e := entry("e"+strconv.Itoa(i), "body "+strconv.Itoa(i))
		e.MessageAttributes = attrs{"n": text(strconv.Itoa(i))}
		entries = append(entries, e)
	}
	out, err := q.sendBatch(t, entries...)
	if err != nil || len(out.Successful) != 10 || len(out.Failed) != 0 {
		t.Fatalf("send batch of 10 = %+v, %v, want 10 successful", out, err)
	}
	received := q.collect(t, 10, 60)
	for _, s := range out.Successful {
		m := received[aws.ToString(s.MessageId)]
		n := strings.TrimPrefix(aws.ToString(s.Id), "e")
		body, attribute := aws.ToString(m.Body), aws.ToString(m.MessageAttributes["n"].StringValue)
		if body != "body "+n || attribute != n {
			t.Errorf("receive of entry e%s = body %q, attribute %q", n, body, attribute)
		}
	}
}

func batchIsPartial(t *testing.T, q *queue) {
	empty := entry("value", "b")
	empty.MessageAttributes = attrs{"a": text("")}
	out, err := q.sendBatch(t, entry("good-1", "g"), entry("character", "\ufffe"), empty, entry("good_2", "g"))
	if err != nil {
		t.Fatalf("send batch with two bad entries of four: %v", err)
	}
	wantFailed(t, out.Failed, "character", "value")
	if len(out.Successful) != 2 {
		t.Errorf("send batch with two bad entries of four = %d successful, want 2", len(out.Successful))
	}
	q.collect(t, 2, 60)
	q.wantNone(t, "after the two good ones", 1)
}

// wantFailed fails unless just the named entries failed, by the sender's fault
// and with a code.
func wantFailed(t *testing.T, failed []types.BatchResultErrorEntry, ids ...string) {
	t.Helper()
	var got []string
	for _, f := range failed {
		if aws.ToString(f.Code) == "" || !f.SenderFault {
			t.Errorf("failed entry %s = code %q, sender fault %v, want a code and true",
				aws.ToString(f.Id), aws.ToString(f.Code), f.SenderFault)
		}
		got = append(got, aws.ToString(f.Id))
	}
	slices.Sort(got)
	if !slices.Equal(got, ids) {
		t.Errorf("failed entries = %v, want %v", got, ids)
	}
}

func batchShapes(t *testing.T, q *queue) {
	var eleven []types.SendMessageBatchRequestEntry
	for i := range 11 {
		eleven = append(eleven, entry(strconv.Itoa(i), "m"))
	}
	send := func(entries ...types.SendMessageBatchRequestEntry) error {
		_, err := q.sendBatch(t, entries...)
		return err
	}
	_, emptyDelete := q.c.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{
		QueueUrl: &q.url, Entries: []types.DeleteMessageBatchRequestEntry{},
	})
	none, long := []types.SendMessageBatchRequestEntry{}, strings.Repeat("a", 81)
	wantType[*types.EmptyBatchRequest](t, "send batch of none", send(none...))
	wantType[*types.EmptyBatchRequest](t, "delete batch of none", emptyDelete)
	wantType[*types.TooManyEntriesInBatchRequest](t, "send batch of eleven", send(eleven...))
	twice := send(entry("a", "m"), entry("a", "m"))
	wantType[*types.BatchEntryIdsNotDistinct](t, "send batch with an id twice", twice)
	wantType[*types.InvalidBatchEntryId](t, "send batch with id a:b", send(entry("a:b", "m")))
	wantType[*types.InvalidBatchEntryId](t, "send batch with an id of 81 characters", send(entry(long, "m")))
	q.wantNone(t, "after refused batches", 1)
}

func batchTooLong(t *testing.T, q *queue) {
	half := strings.Repeat("a", 1<<19)
	if _, err := q.sendBatch(t, entry("a", half), entry("b", half)); err != nil {
		t.Errorf("send batch of just 1 MiB: %v", err)
	}
	_, err := q.sendBatch(t, entry("a", half), entry("b", half+"a"))
	wantType[*types.BatchRequestTooLong](t, "send batch of a byte over 1 MiB", err)
}

func deleteBatch(t *testing.T, q *queue) {
	m := q.sendOne(t, ofQueue)
	out, err := q.c.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{
		QueueUrl: &q.url, Entries: []types.DeleteMessageBatchRequestEntry{
			{Id: aws.String("bad"), ReceiptHandle: aws.String("made-up")},
			{Id: aws.String("good"), ReceiptHandle: m.ReceiptHandle},
		},
	})
	if err != nil || len(out.Successful) != 1 || aws.ToString(out.Successful[0].Id) != "good" {
		t.Fatalf("delete batch with one bad entry of two = %+v, %v, want good alone successful", out, err)
	}
	wantFailed(t, out.Failed, "bad")
	time.Sleep(2 * time.Second)
	q.wantNone(t, "after delete batch", 1)
}

func visibilityBatch(t *testing.T, q *queue) {
	m := q.sendOne(t, ofQueue)
	out, err := q.c.ChangeMessageVisibilityBatch(t.Context(), &sqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: &q.url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			{Id: aws.String("bad"), ReceiptHandle: aws.String("made-up"), VisibilityTimeout: 0},
			{Id: aws.String("good"), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0},
		},
	})
	if err != nil || len(out.Successful) != 1 || aws.ToString(out.Successful[0].Id) != "good" {
		t.Fatalf("visibility batch with one bad entry of two = %+v, %v, want good alone successful", out, err)
	}
	wantFailed(t, out.Failed, "bad")
	q.one(t, ofQueue)
}
