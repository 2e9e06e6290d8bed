package sqstest

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func waitChecks() []check {
	short := map[string]string{"VisibilityTimeout": "2"}
	longPoll := map[string]string{"ReceiveMessageWaitTimeSeconds": "1"}
	return []check{
		{name: "a long poll ends when a message is sent", run: (*queue).pollEndsOnSend},
		{name: "a long poll ends when a message becomes visible", attributes: short, run: (*queue).pollEndsOnVisible},
		{name: "a long poll of an empty queue lasts its time", run: (*queue).pollLasts},
		{name: "the queue's own wait makes receives long polls", attributes: longPoll, run: (*queue).pollByQueue},
		{name: "a delayed message comes after its delay", run: (*queue).delayed},
		{name: "many messages all come, at most ten at a time", run: (*queue).manyCome},
	}
}

// wantPollEnds fails unless a long poll of 10 s comes back with the message
// well before that.
func (q *queue) wantPollEnds(what string) {
	q.t.Helper()
	began := time.Now()
	got := q.receive(10, ofQueue)
	if took := time.Since(began); len(got) != 1 || took > 8*time.Second {
		q.t.Errorf("long poll of 10 s, %s = %d messages after %v", what, len(got), took)
	}
}

// pollEndsOnSend: a waiting receiver gets a message when it is sent, not when
// its wait ends.
func (q *queue) pollEndsOnSend() {
	sent := make(chan error, 1)
	go func() {
		time.Sleep(700 * time.Millisecond)
		_, err := q.trySend("m", nil)
		sent <- err
	}()
	q.wantPollEnds("message sent after 0.7 s")
	if err := <-sent; err != nil {
		q.t.Errorf("send: %v", err)
	}
}

// pollEndsOnVisible: the same for a message that becomes visible again.
func (q *queue) pollEndsOnVisible() {
	q.sendOne(ofQueue)
	q.wantPollEnds("message visible after 2 s")
}

// pollLasts: without messages a receive waits as long as it was asked to.
func (q *queue) pollLasts() { q.wantPollLasts(2, 1500*time.Millisecond) }

// pollByQueue asks for no wait, which leaves it to the queue.
func (q *queue) pollByQueue() { q.wantPollLasts(0, 700*time.Millisecond) }

func (q *queue) wantPollLasts(wait int32, least time.Duration) {
	q.t.Helper()
	began := time.Now()
	q.wantNone("in an empty queue", wait)
	if took := time.Since(began); took < least || took > least+5*time.Second {
		q.t.Errorf("receive from an empty queue took %v, want a little over %v", took, least)
	}
}

// delayed: a message that is sent with a delay is not received before it, and
// its receive count starts then.
func (q *queue) delayed() {
	q.noError("send with delay", q.sendDelayed(5))
	q.wantNone("within a delay of 5 s", 1)
	if got := q.one(30).Attributes["ApproximateReceiveCount"]; got != "1" {
		q.t.Errorf("first receive of a delayed message = receive count %s, want 1", got)
	}
}

// manyCome: a receive gives at most ten, and none of many is lost.
func (q *queue) manyCome() {
	for i := range 23 {
		q.send("m"+strconv.Itoa(i), nil)
	}
	bodies := make(map[string]bool)
	q.eventually("number of 23 messages", 20*time.Second, func() (got any, ok bool) {
		messages := q.receive(1, 60)
		if len(messages) > 10 {
			q.t.Errorf("receive of at most 10 = %d messages", len(messages))
		}
		for _, m := range messages {
			bodies[aws.ToString(m.Body)] = true
		}
		return len(bodies), len(bodies) == 23
	})
}
