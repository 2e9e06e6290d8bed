package sqstest

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
)

func batchChecks() []check {
	twoSeconds := map[string]string{"VisibilityTimeout": "2"}
	return []check{
		{name: "every entry of a batch is sent, attributes included", run: (*queue).batchIsSent},
		{name: "a bad entry of a batch does not hold back the others", run: (*queue).batchIsPartial},
		{name: "batches of the wrong shape are refused by type", run: (*queue).batchShapes},
		{name: "a batch over one mebibyte is refused", run: (*queue).batchTooLong},
		{name: "a delete batch reports entry by entry", attributes: twoSeconds, run: (*queue).deleteBatch},
		{name: "a visibility batch reports entry by entry", run: (*queue).visibilityBatch},
	}
}

func entry(id, body string) types.SendMessageBatchRequestEntry {
	return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body}
}

// sendBatch returns what SQS says of each entry.
func (q *queue) sendBatch(entries ...types.SendMessageBatchRequestEntry) (*sqs.SendMessageBatchOutput, error) {
	q.t.Helper()
	return q.c.SendMessageBatch(q.t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries})
}

// batchIsSent: each entry becomes a message of its own, with its attributes,
// and its id is found by the id of the entry.
func (q *queue) batchIsSent() {
	var entries []types.SendMessageBatchRequestEntry
	for i := range 10 {
		e := entry("e"+strconv.Itoa(i), "body "+strconv.Itoa(i))
		e.MessageAttributes = attrs{"n": text(strconv.Itoa(i))}
		entries = append(entries, e)
	}
	out, err := q.sendBatch(entries...)
	if err != nil || len(out.Successful) != 10 || len(out.Failed) != 0 {
		q.t.Fatalf("send batch of 10 = %+v, %v, want 10 successful", out, err)
	}
	received := q.collect(10, 60)
	for _, s := range out.Successful {
		m := received[aws.ToString(s.MessageId)]
		n := strings.TrimPrefix(aws.ToString(s.Id), "e")
		body, attribute := aws.ToString(m.Body), aws.ToString(m.MessageAttributes["n"].StringValue)
		if body != "body "+n || attribute != n {
			q.t.Errorf("receive of entry e%s = body %q, attribute %q", n, body, attribute)
		}
	}
}

// batchIsPartial: a refused entry is reported as well as those that were accepted,
// as the sender must send just that one again.
func (q *queue) batchIsPartial() {
	empty := entry("value", "b")
	empty.MessageAttributes = attrs{"a": text("")}
	out, err := q.sendBatch(entry("good-1", "g"), entry("character", "\ufffe"), empty, entry("good_2", "g"))
	q.noError("send batch with two bad entries of four", err)
	q.wantFailed(out.Failed, "character", "value")
	if len(out.Successful) != 2 {
		q.t.Errorf("send batch with two bad entries of four = %d successful, want 2", len(out.Successful))
	}
	q.collect(2, 60)
	q.wantNone("after the two good ones", 1)
}

// wantFailed fails unless just the named entries failed, by the sender's fault
// and with a code.
func (q *queue) wantFailed(failed []types.BatchResultErrorEntry, ids ...string) {
	q.t.Helper()
	var got []string
	for _, f := range failed {
		if aws.ToString(f.Code) == "" || !f.SenderFault {
			q.t.Errorf("failed entry %s = code %q, sender fault %v, want a code and true",
				aws.ToString(f.Id), aws.ToString(f.Code), f.SenderFault)
		}
		got = append(got, aws.ToString(f.Id))
	}
	slices.Sort(got)
	if !slices.Equal(got, ids) {
		q.t.Errorf("failed entries = %v, want %v", got, ids)
	}
}

// batchShapes: a batch that is wrong as a whole is refused with an error type
// of its own, and nothing of it is sent.
func (q *queue) batchShapes() {
	var eleven []types.SendMessageBatchRequestEntry
	for i := range 11 {
		eleven = append(eleven, entry(strconv.Itoa(i), "m"))
	}
	send := func(entries ...types.SendMessageBatchRequestEntry) error {
		_, err := q.sendBatch(entries...)
		return err
	}
	_, emptyDelete := q.c.DeleteMessageBatch(q.t.Context(), &sqs.DeleteMessageBatchInput{
		QueueUrl: &q.url, Entries: []types.DeleteMessageBatchRequestEntry{},
	})
	none, long := []types.SendMessageBatchRequestEntry{}, strings.Repeat("a", 81)
	emulatortest.WantType[*types.EmptyBatchRequest](q.t, "send batch of none", send(none...))
	emulatortest.WantType[*types.EmptyBatchRequest](q.t, "delete batch of none", emptyDelete)
	emulatortest.WantType[*types.TooManyEntriesInBatchRequest](q.t, "send batch of eleven", send(eleven...))
	twice := send(entry("a", "m"), entry("a", "m"))
	emulatortest.WantType[*types.BatchEntryIdsNotDistinct](q.t, "send batch with an id twice", twice)
	emulatortest.WantType[*types.InvalidBatchEntryId](q.t, "send batch with id a:b", send(entry("a:b", "m")))
	tooLong := send(entry(long, "m"))
	emulatortest.WantType[*types.InvalidBatchEntryId](q.t, "send batch with an id of 81 characters", tooLong)
	q.wantNone("after refused batches", 1)
}

// batchTooLong: the limit of a batch is that of one message.
func (q *queue) batchTooLong() {
	half := strings.Repeat("a", 1<<19)
	if _, err := q.sendBatch(entry("a", half), entry("b", half)); err != nil {
		q.t.Errorf("send batch of just 1 MiB: %v", err)
	}
	_, err := q.sendBatch(entry("a", half), entry("b", half+"a"))
	emulatortest.WantType[*types.BatchRequestTooLong](q.t, "send batch of a byte over 1 MiB", err)
}

// deleteBatch: sync acknowledges with batches, and must learn of each message
// whether it is deleted.
func (q *queue) deleteBatch() {
	m := q.sendOne(ofQueue)
	out, err := q.c.DeleteMessageBatch(q.t.Context(), &sqs.DeleteMessageBatchInput{
		QueueUrl: &q.url, Entries: []types.DeleteMessageBatchRequestEntry{
			{Id: aws.String("bad"), ReceiptHandle: aws.String("made-up")},
			{Id: aws.String("good"), ReceiptHandle: m.ReceiptHandle},
		},
	})
	if err != nil || len(out.Successful) != 1 || aws.ToString(out.Successful[0].Id) != "good" {
		q.t.Fatalf("delete batch with one bad entry of two = %+v, %v, want good alone successful", out, err)
	}
	q.wantFailed(out.Failed, "bad")
	time.Sleep(2 * time.Second)
	q.wantNone("after delete batch", 1)
}

// visibilityBatch: sync delays failed messages with batches.
func (q *queue) visibilityBatch() {
	m := q.sendOne(ofQueue)
	out, err := q.c.ChangeMessageVisibilityBatch(q.t.Context(), &sqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: &q.url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			{Id: aws.String("bad"), ReceiptHandle: aws.String("made-up"), VisibilityTimeout: 0},
			{Id: aws.String("good"), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0},
		},
	})
	if err != nil || len(out.Successful) != 1 || aws.ToString(out.Successful[0].Id) != "good" {
		q.t.Fatalf("visibility batch with one bad entry of two = %+v, %v, want good alone successful", out, err)
	}
	q.wantFailed(out.Failed, "bad")
	q.one(ofQueue)
}
