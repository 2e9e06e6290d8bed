package sqs_test

import (
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/internal/emulator"
)

// clock is moved by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// queue is one queue of a server whose clock the test moves.
type queue struct {
	t   *testing.T
	c   *sqs.Client
	url string
}

func newQueue(t *testing.T, c *sqs.Client, name string, attributes map[string]string) queue {
	t.Helper()
	out, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatalf("CreateQueue(%s) = %v", name, err)
	}
	return queue{t, c, *out.QueueUrl}
}

func (q queue) send(body string) string {
	q.t.Helper()
	out, err := q.c.SendMessage(q.t.Context(), &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: &body})
	if err != nil {
		q.t.Fatalf("SendMessage(%s) = %v", body, err)
	}
	return *out.MessageId
}

func (q queue) receive(most int32) []types.Message {
	q.t.Helper()
	out, err := q.c.ReceiveMessage(q.t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: most,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	})
	if err != nil {
		q.t.Fatalf("ReceiveMessage = %v", err)
	}
	return out.Messages
}

func (q queue) wantBodies(when string, want ...string) []types.Message {
	q.t.Helper()
	got := q.receive(10)
	bodies := []string{}
	for _, m := range got {
		bodies = append(bodies, *m.Body)
	}
	if len(bodies) != len(want) {
		q.t.Fatalf("receive %s = %v, want %v", when, bodies, want)
	}
	for i := range want {
		if bodies[i] != want[i] {
			q.t.Fatalf("receive %s = %v, want %v", when, bodies, want)
		}
	}
	return got
}

func TestVisibilityFollowsTheClock(t *testing.T) {
	at := newClock()
	q := newQueue(t, client(t, emulator.New(emulator.Options{Now: at.Now})), "q", nil)
	q.send("a")
	q.wantBodies("at first", "a")
	at.forward(30*time.Second - 1)
	q.wantBodies("just before 30 s")
	at.forward(1)
	q.wantBodies("at 30 s", "a")
}

func TestRetentionEndsMessages(t *testing.T) {
	at := newClock()
	q := newQueue(t, client(t, emulator.New(emulator.Options{Now: at.Now})), "q", map[string]string{"MessageRetentionPeriod": "60"})
	q.send("old")
	at.forward(20 * time.Second)
	q.send("young")
	q.wantBodies("at first", "old", "young")
	at.forward(40 * time.Second)
	q.wantBodies("after 60 s, one of two past its retention", "young")
	at.forward(time.Hour)
	q.wantBodies("after an hour")
}

func TestWaitedLongestFirst(t *testing.T) {
	at := newClock()
	q := newQueue(t, client(t, emulator.New(emulator.Options{Now: at.Now})), "q", map[string]string{"VisibilityTimeout": "1"})
	q.send("a")
	q.send("b")
	if got := q.receive(1); *got[0].Body != "a" {
		t.Fatalf("first receive = %s, want a", *got[0].Body)
	}
	at.forward(time.Second)
	q.wantBodies("after a came again", "b", "a")
}

func TestDeadLettersOfDeadLetters(t *testing.T) {
	at := newClock()
	c := client(t, emulator.New(emulator.Options{Now: at.Now}))
	policy := func(name string) map[string]string {
		return map[string]string{
			"RedrivePolicy":          `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:` + name + `","maxReceiveCount":1}`,
			"MessageRetentionPeriod": "120",
		}
	}
	last := newQueue(t, c, "last", nil)
	dead := newQueue(t, c, "dead", policy("last"))
	source := newQueue(t, c, "source", policy("dead"))
	source.send("m")
	source.wantBodies("first", "m")
	at.forward(30 * time.Second)
	source.wantBodies("second")
	// SQS goes on counting in the dead letter queue, whose own maximum starts anew.
	if m := dead.wantBodies("from dead letters", "m")[0]; m.Attributes["ApproximateReceiveCount"] != "2" {
		t.Errorf("dead letter = receive count %s, want 2", m.Attributes["ApproximateReceiveCount"])
	}
	at.forward(30 * time.Second)
	dead.wantBodies("from dead letters again")
	last.wantBodies("from the last queue", "m")
}

func TestDeadLettersAgeFromTheirSending(t *testing.T) {
	at := newClock()
	c := client(t, emulator.New(emulator.Options{Now: at.Now}))
	dead := newQueue(t, c, "dead", map[string]string{"MessageRetentionPeriod": "120"})
	source := newQueue(t, c, "source", map[string]string{
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}`,
	})
	source.send("m")
	source.wantBodies("first", "m")
	at.forward(100 * time.Second)
	source.wantBodies("second")
	at.forward(20 * time.Second)
	dead.wantBodies("120 s after it was sent, 20 s after it died")
}
