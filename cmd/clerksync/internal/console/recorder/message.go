package recorder

import (
	"net/http"
	"slices"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// OutcomeQueued is the outcome of a message that no attempt has finished yet. The
// others are those of consumer.Outcome, `ignored` and `rejected`.
const OutcomeQueued = string(ingest.Queued)

// Message is what is known of one svix id: a copy, but for bodies and rows, which
// nobody may change.
type Message struct {
	Seq       uint64 // grows from message to message: the cursor of pages
	ID        string // the svix id; req_N or sqs_... where there is none that can be used
	Proven    bool   // false where it is known by rejected requests alone
	EventType string // as the body says where it is not proven; may be empty
	Entity    string // e.g. user/<id>; "" before it is projected
	Outcome   string
	Reason    string // of the outcome: a code of ingest's, or words
	At        time.Time
	EndedAt   time.Time // when the outcome came
	Body      []byte    // of its first genuine request; nil where it is not kept
	Size      int       // of the body, in bytes, kept or not

	Requests []Request
	Attempts []Attempt
	Writes   []Write
	// More... count what is left out beyond those.
	MoreRequests, MoreAttempts, MoreWrites int
}

// Request is one POST.
type Request struct {
	At         time.Time // when its first byte came
	DecidedAt  time.Time
	AnsweredAt time.Time // zero while it is not answered
	Method     string
	Path       string // without query
	Header     http.Header
	Hidden     []string // names of headers whose values are not kept
	Body       []byte   // nil where it is not kept
	Size       int      // of the body as far as it was read, in bytes
	Stage      string   // ingest.Stage
	Reason     string
	Proven     bool   // its signature is right
	Err        string // why the queue did not take it
	Status     int    // of the answer
	Answer     string // its body
}

// Attempt is one receive from the queue.
type Attempt struct {
	At        time.Time // of its first call of the table, else its end
	EndedAt   time.Time
	Number    int // receives, this one included
	MessageID string
	Outcome   string
	Reason    string
	Lag       time.Duration // from receipt by ingest; 0 where not known
}

// What is kept of one message. More is counted: a busy redelivery would otherwise
// grow without end.
const (
	maxRequests = 20
	maxAttempts = 64 // a message is received 60 times at most
	maxWrites   = 100
)

// message is a Message that grows.
type message struct {
	Message
	requests     []*Request
	moreRequests int
	writes       []*Write
	bodyBytes    int           // of all its requests, each body once
	started      time.Time     // of the attempt that goes on
	lost         directory.Row // what it wanted to write, while that is on its way to its record
	lostEarly    bool          // it lost when its body, which says what it wanted, was not known yet
	nameless     bool
}

// snapshot copies the message.
func (m *message) snapshot() Message {
	c := m.Message
	c.MoreRequests = m.moreRequests
	for _, q := range m.requests {
		c.Requests = append(c.Requests, *q)
	}
	for _, w := range m.writes {
		c.Writes = append(c.Writes, *w)
	}
	c.Attempts = slices.Clone(m.Attempts)
	return c
}

func (m *message) addRequest(q *Request) {
	if len(m.requests) >= maxRequests {
		m.moreRequests++
		q.Body, q.Header = nil, nil // it is only on its way to its answer
		return
	}
	m.requests = append(m.requests, q)
}

func (m *message) addAttempt(a Attempt) {
	if len(m.Attempts) >= maxAttempts {
		m.MoreAttempts++
		return
	}
	m.Attempts = append(m.Attempts, a)
}

func (m *message) addWrite(w *Write) {
	if len(m.writes) >= maxWrites {
		m.MoreWrites++
		return
	}
	m.writes = append(m.writes, w)
}

// decide sets the outcome that a genuine request has, unless the message has one
// of its own: a copy that comes later changes nothing. One whose message is dead
// is on its way again.
func (m *message) decide(q *Request) {
	switch m.Outcome {
	case "", OutcomeQueued, string(ingest.Rejected), string(consumer.Dead):
	default:
		return
	}
	if m.Outcome == string(consumer.Dead) && q.Stage != OutcomeQueued {
		return
	}
	// A message on the queue stays there though a second copy is refused.
	if m.Outcome == OutcomeQueued && q.Stage == string(ingest.Rejected) {
		for _, other := range m.requests {
			if other.Stage == OutcomeQueued {
				return
			}
		}
	}
	m.Outcome, m.Reason, m.EndedAt = q.Stage, q.Reason, time.Time{}
	if q.Stage != OutcomeQueued {
		m.EndedAt = q.DecidedAt
	}
}

// end sets the outcome of an attempt. Applied and stale say what became of the
// message, so nothing but each other replaces them: copies of it end as
// duplicates, or fail, and that is no news of the message.
func (m *message) end(a Attempt) {
	outcome := consumer.Outcome(a.Outcome)
	has := consumer.Outcome(m.Outcome)
	effect := func(o consumer.Outcome) bool { return o == consumer.Applied || o == consumer.Stale }
	if effect(has) && !effect(outcome) || has == consumer.Duplicate && outcome == consumer.Failed {
		return
	}
	m.Outcome, m.Reason, m.EndedAt = a.Outcome, a.Reason, a.EndedAt
	if outcome != consumer.Duplicate {
		return
	}
	// An attempt may have its effect and fail after that, or not hear of it. The next
	// one is a duplicate of it, but the message is no copy of another.
	for _, w := range m.writes {
		if !w.Child && w.Outcome != WriteFailed {
			m.Outcome, m.Reason = w.Outcome, w.Reason
		}
	}
}

// Ended says whether the message has come out: nothing but a copy or a redrive
// changes it. One that failed will come again, and so has not.
func (m Message) Ended() bool {
	return m.Outcome != OutcomeQueued && m.Outcome != string(consumer.Failed)
}
