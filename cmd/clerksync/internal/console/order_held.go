package console

import (
	"fmt"
	"slices"
	"sync"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/order"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/clerk"
)

// Bounds of what is held of each kind: as many messages as three of the longest
// orders have, or a page of dead letters, and a few of the largest bodies. They are
// the newest, in memory alone.
const (
	maxPasted    = 3 * order.MaxMessages
	maxHeldBytes = 16 << 20
)

// held are messages for the Order page that did not come through a pipeline of this
// process, so that their order can be in a link as that of others is: events that
// people pasted, and dead letters that they looked at.
type held struct {
	limit int

	mu       sync.Mutex
	made     int // ids that were given to events without one
	bytes    int // of the bodies
	messages []order.Message
}

// keep holds a message in place of one of the same id. The oldest ones go.
func (h *held) keep(m order.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keepLocked(m)
}

func (h *held) keepLocked(m order.Message) {
	drop := func(i int) {
		h.bytes -= len(h.messages[i].Body)
		h.messages = slices.Delete(h.messages, i, i+1)
	}
	if i := h.index(m.SvixID); i >= 0 {
		drop(i)
	}
	h.messages, h.bytes = append(h.messages, m), h.bytes+len(m.Body)
	for len(h.messages) > h.limit || h.bytes > maxHeldBytes {
		drop(0)
	}
}

// add keeps events and returns the ids that they were given, which grow from message
// to message as Svix's do.
func (h *held) add(bodies [][]byte) (ids []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, body := range bodies {
		h.made++
		id := fmt.Sprintf("msg_pasted_%06d", h.made)
		h.keepLocked(order.Message{SvixID: id, EventType: webhook.EventType(body), Body: body})
		ids = append(ids, id)
	}
	return ids
}

func (h *held) index(id string) int {
	return slices.IndexFunc(h.messages, func(m order.Message) bool { return m.SvixID == id })
}

func (h *held) find(id string) (order.Message, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.index(id)
	if i < 0 {
		return order.Message{}, false
	}
	return h.messages[i], true
}

// messageOfLetter is a dead letter as a message of an order. ok is false for what the
// consumer could not even read, and for a type of which no rows are kept: such a body
// may hold a code that lets people in.
func messageOfLetter(l deployment.DeadLetter) (m order.Message, ok bool) {
	d, err := l.Delivery()
	if err != nil {
		return m, false
	}
	m = order.Message{SvixID: d.SvixID, EventType: webhook.EventType(d.Body), Body: d.Body}
	return m, clerk.KnowledgeOf(m.EventType) == clerk.Kept
}

// deadLetter finds the dead letter of that svix id. Where a look leaves the queue as
// it is, it is looked for there; elsewhere it is one of those that somebody had
// looked at before: nobody's way to the Order page touches the queue.
func (c *Console) deadLetter(id string) (m order.Message, ok bool) {
	if !c.embedded() {
		return c.letters.find(id)
	}
	letters, _ := c.options.Dev.DeadLetters() // the page of dead letters says what is wrong
	for _, l := range letters {
		if l.SvixID != id {
			continue
		}
		if m, ok = messageOfLetter(l); ok {
			return m, true
		}
	}
	return m, false
}
