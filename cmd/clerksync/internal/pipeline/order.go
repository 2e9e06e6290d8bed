package pipeline

import (
	"context"
	"sync"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// order makes the report that a message is queued come before those of what
// follows. Sync may be done with a message before ingest has heard that the queue
// took it, so what sync reports waits for ingest's report.
type order struct {
	next ingest.Queue

	mu      sync.Mutex
	sending map[string]*sending // by svix id
}

// sending is one message, or several with one id, on the way into the queue.
type sending struct {
	requests int
	reported chan struct{} // closed when requests is 0 again
}

func newOrder(next ingest.Queue) *order { return &order{next: next, sending: map[string]*sending{}} }

// Send queues the message. Ingest makes its report after that, whatever Send
// returns: an answer may be lost of a message that is on the queue.
func (o *order) Send(ctx context.Context, m delivery.Message) error {
	id := m.Attributes[delivery.AttrSvixID]
	o.mu.Lock()
	s := o.sending[id]
	if s == nil {
		s = &sending{reported: make(chan struct{})}
		o.sending[id] = s
	}
	s.requests++
	o.mu.Unlock()
	return o.next.Send(ctx, m) //nolint:wrapcheck // the queue's own error
}

// reported says that ingest has made its report of a request that came as far as
// Send. A forged request never does, so it releases nothing.
func (o *order) reported(r ingest.Report) {
	if r.Stage != ingest.Queued && r.Reason != ingest.ReasonUnavailable {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.sending[r.SvixID]
	if s == nil {
		return
	}
	if s.requests--; s.requests == 0 {
		close(s.reported)
		delete(o.sending, r.SvixID)
	}
}

// wait returns once ingest has reported what it is sending under the id. It waits
// for no message that another process put on the queue.
func (o *order) wait(id string) {
	o.mu.Lock()
	s := o.sending[id]
	o.mu.Unlock()
	if s != nil {
		<-s.reported
	}
}
