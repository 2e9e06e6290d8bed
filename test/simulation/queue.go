package simulation

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/delivery/deliverytest"
)

// visibilityTimeout is how long a message that was received is hidden.
const visibilityTimeout = 3 * time.Minute

// mostReceives is how often a message may be received until the history is
// broken: SQS would then move it to the dead letters.
const mostReceives = 60

// queue is the model of SQS. It belongs to the scheduler's goroutine.
type queue struct {
	messages []*queued // in the order in which they came; index and id go together
	skipped  time.Duration
}

// queued is one copy of a message on the queue.
type queued struct {
	id       string
	message  *message
	visible  time.Time
	receives int // since it was sent or redriven
	total    int // receives, those before a redrive included
	holders  int // invocations that work on it
	deleted  bool
	position string // of a deletion that goes on
}

const queuedIDPrefix = "sqs-"

func (q *queue) add(m *message) *queued {
	c := &queued{id: queuedIDPrefix + strconv.Itoa(len(q.messages)), message: m, visible: q.now()}
	q.messages = append(q.messages, c)
	return c
}

func (q *queue) get(id string) *queued {
	n, _ := strconv.Atoi(strings.TrimPrefix(id, queuedIDPrefix)) // add made it
	return q.messages[n]
}

// now is the queue's clock. It is the consumers' clock, less the times in
// which nothing could happen: these are skipped.
func (q *queue) now() time.Time { return time.Now().Add(q.skipped) }

func (q *queue) hide(id string, d time.Duration) { q.get(id).visible = q.now().Add(d) }

// left are the messages that were not deleted.
func (q *queue) left() (list []*queued) {
	for _, c := range q.messages {
		if !c.deleted {
			list = append(list, c)
		}
	}
	return list
}

func (q *queue) visible() (list []*queued) {
	now := q.now()
	for _, c := range q.messages {
		if !c.deleted && !c.visible.After(now) {
			list = append(list, c)
		}
	}
	return list
}

// receive hands the message out once more and returns the record that a
// consumer gets.
func (q *queue) receive(c *queued) delivery.Record {
	c.holders++
	c.receives++
	c.total++
	c.visible = q.now().Add(visibilityTimeout)
	r := deliverytest.RecordOf(delivery.Delivery{
		SvixID:        c.message.svixID,
		SvixTimestamp: "1767225600",
		EventType:     c.message.eventType,
		ReceivedAt:    time.Now(),
		Body:          c.message.bodyAt(c.total),
	}.Encode())
	r.MessageID, r.Receives = c.id, c.receives
	if c.position != "" {
		r.Attributes[delivery.AttrPosition] = delivery.Attribute{
			DataType: "String", Text: delivery.EncodePosition(c.position),
		}
	}
	c.message.spoilAt(&r, c.total)
	return r
}

// drawDeliveries makes the deliveries of Svix: each message once or more, out
// of order. Some come once more, late: after all the rest is done.
func drawDeliveries(random *rand.Rand, messages []*message, disorder int) (inTime, late []*message) {
	type copied struct {
		message *message
		at      float64
	}
	var all []copied
	spread := []float64{2, 8, float64(4 * len(messages))}[disorder]
	for i, m := range messages {
		copies := 1
		for random.IntN(4) == 0 && copies < 4 {
			copies++
		}
		for range copies {
			all = append(all, copied{m, float64(i) + random.Float64()*spread})
		}
		if random.IntN(12) == 0 {
			late = append(late, m)
		}
	}
	slices.SortStableFunc(all, func(a, b copied) int { return cmp.Compare(a.at, b.at) })
	for _, c := range all {
		inTime = append(inTime, c.message)
	}
	random.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
	return inTime, late
}
