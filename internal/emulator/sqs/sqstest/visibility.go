package sqstest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
)

func visibilityChecks() []check {
	oneSecond, longer := map[string]string{"VisibilityTimeout": "1"}, map[string]string{"VisibilityTimeout": "4"}
	return []check{
		{name: "a received message is hidden, then comes again", attributes: longer, run: (*queue).hiddenThenAgain},
		{name: "the receive count rises with each receive", attributes: oneSecond, run: (*queue).countRises},
		{name: "a receive can ask for its own visibility", attributes: oneSecond, run: (*queue).ownVisibility},
		{name: "changed visibility extends the hiding", attributes: oneSecond, run: (*queue).visibilityExtends},
		{name: "changed visibility of 0 shows a message at once", run: (*queue).visibilityZero},
		{name: "changed visibility is refused where nothing is in flight", run: (*queue).visibilityRefused},
	}
}

// hiddenThenAgain leaves room for the second to which SQS rounds, and for a
// machine that is busy with all checks at once.
func (q *queue) hiddenThenAgain() {
	first := q.sendOne(ofQueue)
	q.wantNone("within a visibility timeout of 4 s", 1)
	again := q.one(ofQueue)
	if aws.ToString(again.MessageId) != aws.ToString(first.MessageId) {
		q.t.Error("second receive = another message id, want the same")
	}
	if aws.ToString(again.ReceiptHandle) == aws.ToString(first.ReceiptHandle) {
		q.t.Error("second receive = the same receipt handle, want a new one")
	}
}

// countRises: the receive count makes a message a suspect, and its first times
// stay.
func (q *queue) countRises() {
	first := q.sendOne(ofQueue)
	m := first
	for _, want := range []string{"1", "2", "3"} {
		if want != "1" {
			m = q.one(ofQueue)
		}
		if got := m.Attributes["ApproximateReceiveCount"]; got != want {
			q.t.Errorf("receive %s = ApproximateReceiveCount %q", want, got)
		}
		for _, name := range []string{"SentTimestamp", "ApproximateFirstReceiveTimestamp"} {
			if got := m.Attributes[name]; got != first.Attributes[name] {
				q.t.Errorf("receive %s = %s %q, want %q as at first", want, name, got, first.Attributes[name])
			}
		}
	}
}

// ownVisibility: a receive's own timeout goes before the queue's.
func (q *queue) ownVisibility() {
	q.sendOne(20)
	time.Sleep(aWhile)
	q.wantNone("2 s after a receive with visibility 20 on a queue with 1", 1)
}

// visibilityExtends: a receiver that needs longer keeps the message hidden. The
// machine may be busy for some seconds meanwhile.
func (q *queue) visibilityExtends() {
	m := q.sendOne(4)
	q.setVisibility(m, 8)
	time.Sleep(4500 * time.Millisecond)
	q.wantNone("5 s after visibility was changed from 4 to 8", 1)
	q.one(ofQueue)
}

// visibilityZero: a receiver that gives a message up makes it visible for
// others at once.
func (q *queue) visibilityZero() {
	q.setVisibility(q.sendOne(ofQueue), 0)
	began := time.Now()
	again := q.one(ofQueue)
	if took := time.Since(began); took > 10*time.Second {
		q.t.Errorf("receive after visibility 0 took %v, want at once", took)
	}
	if got := again.Attributes["ApproximateReceiveCount"]; got != "2" {
		q.t.Errorf("receive after visibility 0 = receive count %s, want 2", got)
	}
}

// visibilityRefused: a timeout of a message that is not in flight, or beyond
// the limit, is an error.
func (q *queue) visibilityRefused() {
	m := q.sendOne(ofQueue)
	handle := aws.ToString(m.ReceiptHandle)
	q.wantCode("change of visibility to 43,201", q.tryVisibility(handle, 43_201), invalidValue)
	madeUp := q.tryVisibility("made-up", 1)
	emulatortest.WantType[*types.ReceiptHandleIsInvalid](q.t, "change of visibility with a made-up handle", madeUp)
	q.delete(m)
	q.wantCode("change of visibility of a deleted message", q.tryVisibility(handle, 1),
		invalidValue, "AWS.SimpleQueueService.MessageNotInflight", "MessageNotInflight")
}
