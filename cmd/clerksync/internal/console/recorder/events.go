package recorder

import (
	"context"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// Step is one step of one message, as a line of `dev --json` has it. What is not
// known is empty.
type Step struct {
	Event     string `json:"event"` // always message
	Stage     string `json:"stage"` // an ingest.Stage or a consumer.Outcome
	SvixID    string `json:"svix_id,omitempty"`
	EventType string `json:"event_type,omitempty"`
	Entity    string `json:"entity,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// Kinds of events.
const (
	EventMessage = "message" // a step of a message
	EventRow     = "row"     // a row was written
	EventDead    = "dead"    // a message became a dead letter
	EventCleared = "cleared" // all was forgotten
)

// Event is something that happened.
type Event struct {
	Seq  uint64 // from 1, without gaps
	At   time.Time
	Kind string
	ID   string        // of the message; "" where none is behind it
	Step Step          // of EventMessage
	Key  directory.Key // of EventRow
}

// maxEvents is how many events are kept for readers that are behind.
const maxEvents = 2048

// events is a ring of the last ones.
type events struct {
	seq  uint64
	ring [maxEvents]Event
	// wake is closed at the next event; nil while nobody waits.
	wake chan struct{}
}

// publish wakes whoever waits, and waits for nobody: a reader that is too slow
// finds its events gone and is told how many. r.mu is held.
func (r *Recorder) publish(e Event) {
	r.events.seq++
	e.Seq, e.At, e.Step.Event = r.events.seq, r.now(), EventMessage
	r.events.ring[e.Seq%maxEvents] = e
	if r.events.wake != nil {
		close(r.events.wake)
		r.events.wake = nil
	}
}

// next is closed at the next event. r.mu is held.
func (r *Recorder) next() <-chan struct{} {
	if r.events.wake == nil {
		r.events.wake = make(chan struct{})
	}
	return r.events.wake
}

// Subscription reads events in their order. It holds nothing that must be closed.
type Subscription struct {
	recorder *Recorder
	after    uint64
}

// Subscribe reads what happens from now on.
func (r *Recorder) Subscribe() *Subscription {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &Subscription{r, r.events.seq}
}

// SubscribeAfter reads on after the event of that number, of this run.
func (r *Recorder) SubscribeAfter(seq uint64) *Subscription {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &Subscription{r, min(seq, r.events.seq)}
}

// After is the number of the last event that was read, or that was there before.
func (s *Subscription) After() uint64 { return s.after }

// Next waits until there are events, and returns them all. lost counts those
// before them that are no longer kept because the reader was too slow. The error
// is ctx's.
func (s *Subscription) Next(ctx context.Context) (list []Event, lost uint64, err error) {
	r := s.recorder
	for {
		r.mu.Lock()
		if oldest := r.events.seq - min(r.events.seq, maxEvents); s.after < oldest {
			lost, s.after = oldest-s.after, oldest
		}
		for s.after < r.events.seq {
			s.after++
			list = append(list, r.events.ring[s.after%maxEvents])
		}
		wake := r.next()
		r.mu.Unlock()
		if len(list) > 0 {
			return list, lost, nil
		}
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err() //nolint:wrapcheck // as documented
		case <-wake:
		}
	}
}

// WaitEnded is the outcome to wait for where any that is final will do.
const WaitEnded = "ended"

// Wait waits until the message has come out so, also where its id was not seen
// yet. The error is ctx's; m is then the message as it is, of which ok says
// whether it was seen.
func (r *Recorder) Wait(ctx context.Context, id, outcome string) (m Message, ok bool, err error) {
	for {
		r.mu.Lock()
		found := r.messages[id]
		if ok = found != nil; ok {
			m = found.snapshot()
		}
		wake := r.next()
		r.mu.Unlock()
		if ok && (m.Outcome == outcome || outcome == WaitEnded && m.Ended()) {
			return m, true, nil
		}
		select {
		case <-ctx.Done():
			return m, ok, ctx.Err() //nolint:wrapcheck // as documented
		case <-wake:
		}
	}
}
