package sqstest

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// aWhile is more than the visibility timeout of one second of these queues.
const aWhile = 1500 * time.Millisecond

func deleteChecks() []check {
	oneSecond := map[string]string{"VisibilityTimeout": "1"}
	return []check{
		{name: "a deleted message stays away", attributes: oneSecond, run: deletedStaysAway},
		{name: "the latest of several handles deletes", attributes: oneSecond, run: latestHandleDeletes},
		{name: "handles of no or another queue are refused", run: foreignHandles},
		{name: "a purged queue is empty", run: purgeEmpties},
	}
}

func deletedStaysAway(t *testing.T, q *queue) {
	m := q.sendOne(t, ofQueue)
	// Deleting twice is no error: consumers do after a lost answer.
	q.delete(t, m)
	q.delete(t, m)
	time.Sleep(aWhile)
	q.wantNone(t, "after delete", 1)
}

func latestHandleDeletes(t *testing.T, q *queue) {
	old := q.sendOne(t, ofQueue)
	q.one(t, ofQueue)
	// With an older handle the request succeeds, whether or not it deletes.
	q.delete(t, old)
	time.Sleep(aWhile)
	for _, m := range q.receive(t, 1, ofQueue) {
		q.delete(t, m)
	}
	time.Sleep(aWhile)
	q.wantNone(t, "after delete with the latest handle", 1)
}

func foreignHandles(t *testing.T, q *queue) {
	m := newQueue(t, q.c, nil).sendOne(t, ofQueue)
	for what, handle := range map[string]string{"made-up": "made-up", "another queue's": aws.ToString(m.ReceiptHandle)} {
		wantType[*types.ReceiptHandleIsInvalid](t, "delete with a handle that is "+what, q.tryDelete(t, handle))
	}
}

// purgeEmpties gives the purge the 60 seconds that SQS takes.
func purgeEmpties(t *testing.T, q *queue) {
	for range 3 {
		q.send(t, "m", nil)
	}
	q.one(t, shownAgain)
	if _, err := q.c.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &q.url}); err != nil {
		t.Fatalf("purge: %v", err)
	}
	eventually(t, "messages after purge", 60*time.Second, func() (got any, ok bool) {
		messages := q.receive(t, 2, shownAgain)
		return len(messages), len(messages) == 0
	})
}
