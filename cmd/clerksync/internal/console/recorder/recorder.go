// Package recorder keeps what passed through a pipeline of this process, bounded
// and in memory, for the console.
//
// It hooks on from outside and changes nothing of what it sees. The pipeline gets
//
//	Handler    round the webhook: bytes, headers and answer of each request
//	OnRequest  how ingest decided a request
//	Table      round the directory's table: what was read and written, and by whom
//	OnMessage  how a receive of a message came out
//
// and readers get copies, at any time and from any goroutine:
//
//	Message, Messages  one message; a page of them, newest first, by a Filter
//	History            the writes of one row, those that lost included
//	Counts             totals, the last minute by second, lags
//	Subscribe, Wait    what happens from now on; until a message has come out
//	Mask               a body as it may be shown
//	Clear              forgets all
//
// A message is what has one svix id: below it are its requests (each POST), its
// attempts (each receive) and its writes. A request that is not genuine never
// claims an id: where the id is of a genuine message it is shown there as not
// proven and changes nothing else, and where a genuine message comes later under
// its id, that message takes the id over.
//
// The signing secret never comes here. Of an ignored event nothing is kept but its
// type and size, for e-mails and sessions hold codes that let people in; the same
// goes for a body whose type cannot be read. Of a request's headers the values are
// kept of those alone that KeepsHeader names.
package recorder

import (
	"strconv"
	"sync"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Options are what a Recorder is made of.
type Options struct {
	Now func() time.Time
	// Projector tells what a message wanted that lost without having tried to
	// write. Nil leaves it unknown.
	Projector *projector.Projector
	Limits    Limits // DefaultLimits where zero
}

// Limits bound what is kept. The oldest goes first.
type Limits struct {
	Messages    int // genuine ones
	BodyBytes   int // of all of these
	Rejected    int // messages that are known by rejected requests alone
	RejectBytes int // of the body of a rejected request: a longer one is not kept
	Writes      int // in all histories
	RowBytes    int // of the rows in these, as DynamoDB counts them
	KnownRows   int // rows whose last state is remembered, for the next write's before
	KnownBytes  int
}

// DefaultLimits are those of `clerksync dev`.
func DefaultLimits() Limits {
	return Limits{
		Messages: 1000, BodyBytes: 64 << 20, Rejected: 200, RejectBytes: 16 << 10,
		Writes: 2000, RowBytes: 24 << 20, KnownRows: 1000, KnownBytes: 8 << 20,
	}
}

// Recorder keeps what passed. It is safe for concurrent use.
type Recorder struct {
	now       func() time.Time
	projector *projector.Projector
	limits    Limits
	run       string

	mu       sync.Mutex
	messages map[string]*message // all of kept and rejected, by id
	kept     []*message          // oldest first
	rejected []*message          // likewise
	bodies   int                 // bytes of the bodies of kept
	seq      uint64              // of the last message
	nameless int                 // requests without usable id
	rows     rows
	reader   directory.Table // nil for the one that is recorded
	events   events
	counts   counts
}

// New makes an empty Recorder.
func New(o Options) *Recorder {
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits()
	}
	started := o.Now()
	r := &Recorder{
		now: o.Now, projector: o.Projector, limits: o.Limits,
		run:      strconv.FormatInt(started.UnixMilli(), 36),
		messages: map[string]*message{},
		rows:     newRows(o.Limits),
	}
	r.counts.reset(started)
	return r
}

// Run tells this recorder from those of other runs of the process: what a page
// remembers of another run is not here.
func (r *Recorder) Run() string { return r.run }

// Clear forgets all that passed, counts included. What is on its way is recorded
// from here on.
func (r *Recorder) Clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages, r.kept, r.rejected, r.bodies = map[string]*message{}, nil, nil, 0
	r.rows = newRows(r.limits)
	r.counts.reset(r.now())
	r.publish(Event{Kind: EventCleared})
}

// genuine is the genuine message of that id, which is made where there is none.
// An entry that only rejected requests have made under the id becomes its own:
// these stay in sight, and nothing that they say of the message does.
func (r *Recorder) genuine(id string, at time.Time) *message {
	m := r.messages[id]
	switch {
	case m != nil && m.Proven:
		return m
	case m != nil && m.nameless:
		// The entry is named like an id, but nobody sent that id with it.
		r.drop(&r.rejected, m)
		m = nil
	case m != nil:
		r.drop(&r.rejected, m)
		m = &message{Message: Message{ID: id, At: at}, requests: m.requests, moreRequests: m.moreRequests}
	}
	if m == nil {
		m = &message{Message: Message{ID: id, At: at}}
	}
	m.Proven, m.Outcome = true, OutcomeQueued
	r.insert(&r.kept, m)
	for len(r.kept) > r.limits.Messages {
		r.evict()
	}
	return m
}

// evict drops the oldest genuine message.
func (r *Recorder) evict() {
	r.bodies -= r.kept[0].bodyBytes
	r.drop(&r.kept, r.kept[0])
	r.counts.gone++
}

// unproven is the entry for a rejected request, of a message of that id where one
// is known. Without a usable id, each request has an entry of its own.
func (r *Recorder) unproven(id string, at time.Time) *message {
	if m := r.messages[id]; m != nil && id != "" {
		return m
	}
	m := &message{Message: Message{ID: id, At: at}, nameless: id == ""}
	for id == "" {
		r.nameless++
		m.ID = "req_" + strconv.Itoa(r.nameless)
		if r.messages[m.ID] == nil { // a sender may name a message like this
			break
		}
	}
	r.insert(&r.rejected, m)
	if len(r.rejected) > r.limits.Rejected {
		r.drop(&r.rejected, r.rejected[0])
		r.counts.goneRejected++
	}
	return m
}

func (r *Recorder) insert(list *[]*message, m *message) {
	r.seq++
	m.Seq = r.seq
	r.messages[m.ID] = m
	*list = append(*list, m)
}

// drop removes a message from its list, most often the first.
func (r *Recorder) drop(list *[]*message, m *message) {
	delete(r.messages, m.ID)
	for i, o := range *list {
		if o != m {
			continue
		}
		if i == 0 {
			(*list)[0] = nil // the array behind the list must not hold it
			*list = (*list)[1:]
			return
		}
		*list = append((*list)[:i], (*list)[i+1:]...)
		return
	}
}
