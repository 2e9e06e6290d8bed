package sqstest

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func visibilityChecks() []check {
	oneSecond, fourSeconds := map[string]string{"VisibilityTimeout": "1"}, map[string]string{"VisibilityTimeout": "4"}
	return []check{
		{name: "a received message is hidden, then comes again", attributes: fourSeconds, run: hiddenThenAgain},
		{name: "the receive count rises with each receive", attributes: oneSecond, run: countRises},
		{name: "a receive can ask for its own visibility", attributes: oneSecond, run: ownVisibility},
		{name: "changed visibility extends the hiding", attributes: oneSecond, run: visibilityExtends},
		{name: "changed visibility of 0 shows a message at once", run: visibilityZero},
		{name: "changed visibility is refused where nothing is in flight", run: visibilityRefused},
	}
}

// hiddenThenAgain leaves room for the second to which SQS rounds, and for a
// machine that is busy with all checks at once.
func hiddenThenAgain(t *testing.T, q *queue) {
	first := q.sendOne(t, ofQueue)
	q.wantNone(t, "within a visibility timeout of 4 s", 1)
	again := q.one(t, ofQueue)
	if aws.ToString(again.MessageId) != aws.ToString(first.MessageId) {
		t.Error("second receive = another message id, want the same")
	}
	if aws.ToString(again.ReceiptHandle) == aws.ToString(first.ReceiptHandle) {
		t.Error("second receive = the same receipt handle, want a new one")
	}
}

func countRises(t *testing.T, q *queue) {
	first := q.sendOne(t, ofQueue)
	m := first
	for _, want := range []string{"1", "2", "3"} {
		if want != "1" {
			m = q.one(t, ofQueue)
		}
		if got := m.Attributes["ApproximateReceiveCount"]; got != want {
			t.Errorf("receive %s = ApproximateReceiveCount %q", want, got)
		}
		for _, name := range []string{"SentTimestamp", "ApproximateFirstReceiveTimestamp"} {
			if got := m.Attributes[name]; got != first.Attributes[name] {
				t.Errorf("receive %s = %s %q, want %q as at first", want, name, got, first.Attributes[name])
			}
		}
	}
}

func ownVisibility(t *testing.T, q *queue) {
	q.sendOne(t, 20)
	time.Sleep(aWhile)
	q.wantNone(t, "2 s after a receive with visibility 20 on a queue with 1", 1)
}

func visibilityExtends(t *testing.T, q *queue) {
	m := q.sendOne(t, 2)
	q.setVisibility(t, m, 5)
	time.Sleep(2500 * time.Millisecond)
	q.wantNone(t, "3 s after visibility was changed from 2 to 5", 1)
	q.one(t, ofQueue)
}

func visibilityZero(t *testing.T, q *queue) {
	q.setVisibility(t, q.sendOne(t, ofQueue), 0)
	began := time.Now()
	again := q.one(t, ofQueue)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("receive after visibility 0 took %v, want at once", took)
	}
	if got := again.Attributes["ApproximateReceiveCount"]; got != "2" {
		t.Errorf("receive after visibility 0 = receive count %s, want 2", got)
	}
}

func visibilityRefused(t *testing.T, q *queue) {
	m := q.sendOne(t, ofQueue)
	handle := aws.ToString(m.ReceiptHandle)
	wantCode(t, "change of visibility to 43,201", q.tryVisibility(t, handle, 43_201), invalidValue)
	madeUp := q.tryVisibility(t, "made-up", 1)
	wantType[*types.ReceiptHandleIsInvalid](t, "change of visibility with a made-up handle", madeUp)
	q.delete(t, m)
	wantCode(t, "change of visibility of a deleted message", q.tryVisibility(t, handle, 1),
		invalidValue, "AWS.SimpleQueueService.MessageNotInflight", "MessageNotInflight")
}
