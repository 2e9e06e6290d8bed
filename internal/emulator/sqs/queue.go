package sqs

import (
	"container/heap"
	"container/list"
	"time"
)

// queue holds one queue's messages, each either ready or waiting. Every method
// is called with the service locked and takes the time at which it happens.
type queue struct {
	name, arn         string
	attributes        map[string]string // as set, without the computed ones
	settings          settings          // the same, read
	created, modified time.Time
	purged            time.Time

	messages   map[string]*message // by id
	ready      *list.List          // of *message; the front has waited longest
	waiting    waitHeap            // delayed or in flight, soonest first
	delayed    int                 // how many of waiting are delayed
	nextExpiry time.Time           // no message is past its retention before this
	changed    chan struct{}       // closed when long polls have to look again
}

func newQueue(name string, now time.Time) *queue {
	q := &queue{
		name: name, arn: queueARN(name),
		created: now, modified: now,
		changed: make(chan struct{}),
	}
	q.clear()
	return q
}

func queueARN(name string) string { return "arn:aws:sqs:" + region + ":" + account + ":" + name }

// clear drops all messages.
func (q *queue) clear() {
	q.messages = make(map[string]*message)
	q.ready = list.New()
	q.waiting = nil
	q.delayed = 0
	q.nextExpiry = time.Time{}
}

// wakePolls makes all long polls of this queue look again.
func (q *queue) wakePolls() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// add puts a message in, to be received after the delay.
func (q *queue) add(m *message, now time.Time, delay time.Duration) {
	q.messages[m.id] = m
	expiry := m.sent.Add(q.settings.retention)
	if len(q.messages) == 1 || expiry.Before(q.nextExpiry) {
		q.nextExpiry = expiry
	}
	if delay > 0 {
		m.delayed = true
		q.delayed++
		q.makeWait(m, now.Add(delay))
		return
	}
	q.makeReady(m)
}

// makeReady puts a detached message at the end of those that can be received, so
// that one that comes again does not overtake those that never came.
func (q *queue) makeReady(m *message) {
	m.element = q.ready.PushBack(m)
	q.wakePolls()
}

// makeWait keeps a detached message from being received until a time. Long polls
// look again, as this may now be the soonest.
func (q *queue) makeWait(m *message, until time.Time) {
	m.visibleAt = until
	heap.Push(&q.waiting, m)
	q.wakePolls()
}

// detach takes a message out of the ready or the waiting ones; the caller puts
// it back, or forgets it.
func (q *queue) detach(m *message) {
	if m.element != nil {
		q.ready.Remove(m.element)
		m.element = nil
		return
	}
	heap.Remove(&q.waiting, m.index)
	if m.delayed {
		m.delayed = false
		q.delayed--
	}
}

// remove deletes a message for good.
func (q *queue) remove(m *message) {
	q.detach(m)
	delete(q.messages, m.id)
}

// advance makes ready what has become visible, and drops what is past its
// retention. All messages are looked at only when one of them may be past
// it, so that a queue of many costs no more at each request.
func (q *queue) advance(now time.Time) {
	for len(q.waiting) > 0 && !q.waiting[0].visibleAt.After(now) {
		m := q.waiting[0]
		q.detach(m)
		m.element = q.ready.PushBack(m)
	}
	if len(q.messages) == 0 || now.Before(q.nextExpiry) {
		return
	}
	first := true
	for _, m := range q.messages {
		expiry := m.sent.Add(q.settings.retention)
		if !now.Before(expiry) {
			q.remove(m)
			continue
		}
		if first || expiry.Before(q.nextExpiry) {
			q.nextExpiry, first = expiry, false
		}
	}
}

func (q *queue) inFlight() int { return len(q.waiting) - q.delayed }

// isInFlight says whether the message was received and its visibility timeout
// runs.
func (m *message) isInFlight() bool { return m.element == nil && !m.delayed }

// waitHeap orders messages by when they become visible.
type waitHeap []*message

func (h waitHeap) Len() int           { return len(h) }
func (h waitHeap) Less(i, j int) bool { return h[i].visibleAt.Before(h[j].visibleAt) }

func (h waitHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *waitHeap) Push(x any) {
	m := x.(*message) //nolint:forcetypeassert // only messages are pushed
	m.index = len(*h)
	*h = append(*h, m)
}

func (h *waitHeap) Pop() any {
	old := *h
	m := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return m
}
