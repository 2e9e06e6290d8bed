package sqstest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
)

// aWhile is more than the visibility timeout of one second of these queues.
const aWhile = 1500 * time.Millisecond

func deleteChecks() []check {
	oneSecond := map[string]string{"VisibilityTimeout": "1"}
	return []check{
		{name: "a deleted message stays away", attributes: oneSecond, run: (*queue).deletedStaysAway},
		{name: "the latest of several handles deletes", attributes: oneSecond, run: (*queue).latestHandleDeletes},
		{name: "handles of no or another queue are refused", run: (*queue).foreignHandles},
		{name: "a purged queue is empty", run: (*queue).purgeEmpties},
	}
}

// deletedStaysAway: a deletion is the acknowledgement; the message must not
// come after its visibility timeout.
func (q *queue) deletedStaysAway() {
	m := q.sendOne(ofQueue)
	// Deleting twice is no error: consumers do after a lost answer.
	q.delete(m)
	q.delete(m)
	time.Sleep(aWhile)
	q.wantNone("after delete", 1)
}

// latestHandleDeletes: of a message that was received twice, the receiver with
// the latest handle acknowledges.
func (q *queue) latestHandleDeletes() {
	old := q.sendOne(ofQueue)
	q.one(ofQueue)
	// With an older handle the request succeeds, whether or not it deletes.
	q.delete(old)
	time.Sleep(aWhile)
	for _, m := range q.receive(1, ofQueue) {
		q.delete(m)
	}
	time.Sleep(aWhile)
	q.wantNone("after delete with the latest handle", 1)
}

// foreignHandles: a handle that cannot be of this queue is a mistake of the
// caller, and never deletes anything.
func (q *queue) foreignHandles() {
	m := newQueue(q.t, q.c, nil).sendOne(ofQueue)
	for what, handle := range map[string]string{
		"made-up": "made-up", "another queue's": aws.ToString(m.ReceiptHandle),
	} {
		err := q.tryDelete(handle)
		emulatortest.WantType[*types.ReceiptHandleIsInvalid](q.t, "delete with a handle that is "+what, err)
	}
}

// purgeEmpties gives the purge the 60 seconds that SQS takes.
func (q *queue) purgeEmpties() {
	for range 3 {
		q.send("m", nil)
	}
	q.one(shownAgain)
	if _, err := q.c.PurgeQueue(q.t.Context(), &sqs.PurgeQueueInput{QueueUrl: &q.url}); err != nil {
		q.t.Fatalf("purge: %v", err)
	}
	q.eventually("messages after purge", 60*time.Second, func() (got any, ok bool) {
		messages := q.receive(2, shownAgain)
		return len(messages), len(messages) == 0
	})
}
