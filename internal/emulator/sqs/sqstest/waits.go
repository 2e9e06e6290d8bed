package sqstest

import (
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func waitChecks() []check {
	twoSeconds := map[string]string{"VisibilityTimeout": "2"}
	longPoll := map[string]string{"ReceiveMessageWaitTimeSeconds": "1"}
	return []check{
		{name: "a long poll ends when a message is sent", run: pollEndsOnSend},
		{name: "a long poll ends when a message becomes visible", attributes: twoSeconds, run: pollEndsOnVisible},
		{name: "a long poll of an empty queue lasts its time", run: pollLasts},
		{name: "the queue's own wait makes receives long polls", attributes: longPoll, run: pollByQueue},
		{name: "a delayed message comes after its delay", run: delayed},
		{name: "many messages all come, at most ten at a time", run: manyCome},
	}
}

// wantPollEnds fails unless a long poll of 10 s comes back with the message
// well before that.
func wantPollEnds(t *testing.T, q *queue, what string) {
	t.Helper()
	began := time.Now()
	got := q.receive(t, 10, ofQueue)
	if took := time.Since(began); len(got) != 1 || took > 8*time.Second {
		t.Errorf("long poll of 10 s, %s = %d messages after %v", what, len(got), took)
	}
}

func pollEndsOnSend(t *testing.T, q *queue) {
	sent := make(chan error, 1)
	go func() {
		time.Sleep(700 * time.Millisecond)
		_, err := q.trySend(t, "m", nil)
		sent <- err
	}()
	wantPollEnds(t, q, "message sent after 0.7 s")
	if err := <-sent; err != nil {
		t.Errorf("send: %v", err)
	}
}

func pollEndsOnVisible(t *testing.T, q *queue) {
	q.sendOne(t, ofQueue)
	wantPollEnds(t, q, "message visible after 2 s")
}

func pollLasts(t *testing.T, q *queue) { wantPollLasts(t, q, 2, 1500*time.Millisecond) }

// pollByQueue asks for no wait, which leaves it to the queue.
func pollByQueue(t *testing.T, q *queue) { wantPollLasts(t, q, 0, 700*time.Millisecond) }

func wantPollLasts(t *testing.T, q *queue, wait int32, least time.Duration) {
	t.Helper()
	began := time.Now()
	q.wantNone(t, "in an empty queue", wait)
	if took := time.Since(began); took < least || took > least+5*time.Second {
		t.Errorf("receive from an empty queue took %v, want a little over %v", took, least)
	}
}

func delayed(t *testing.T, q *queue) {
	if err := q.sendDelayed(t, 3); err != nil {
		t.Fatalf("send with delay: %v", err)
	}
	q.wantNone(t, "within a delay of 3 s", 1)
	if got := q.one(t, 30).Attributes["ApproximateReceiveCount"]; got != "1" {
		t.Errorf("first receive of a delayed message = receive count %s, want 1", got)
	}
}

func manyCome(t *testing.T, q *queue) {
	for i := range 23 {
		q.send(t, "m"+strconv.Itoa(i), nil)
	}
	bodies := make(map[string]bool)
	eventually(t, "number of 23 messages", 20*time.Second, func() (got any, ok bool) {
		messages := q.receive(t, 1, 60)
		if len(messages) > 10 {
			t.Errorf("receive of at most 10 = %d messages", len(messages))
		}
		for _, m := range messages {
			bodies[aws.ToString(m.Body)] = true
		}
		return len(bodies), len(bodies) == 23
	})
}
