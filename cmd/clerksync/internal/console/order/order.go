// Package order shows that the order of webhooks does not matter: it runs some
// messages in one order or in all of them, each time through the real consumer
// over fresh embedded tables, one message at a time, and says what each came to
// and what the tables hold in the end. Beside it run two handlers as people write
// them first, for which the order does matter.
//
// The files: order.go runs one order, compare.go all of them, known.go keeps what
// that came to, tables.go makes the tables, digest.go says what of them is compared,
// naive.go has the two other handlers, stories.go messages to begin with, queue.go
// the queue of one message.
package order

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/settings"
)

// Message is a webhook as Clerk signed it.
type Message struct {
	SvixID    string
	EventType string
	Body      []byte // the signed bytes
}

// Outcome is what one message of an order came to.
type Outcome struct {
	SvixID    string           `json:"svix_id"`
	EventType string           `json:"event_type"`
	Entity    string           `json:"entity,omitempty"` // e.g. user/<id>
	Outcome   consumer.Outcome `json:"outcome"`
	Reason    string           `json:"reason,omitempty"` // why it is not applied, for people
}

// Result is what one order came to.
type Result struct {
	Outcomes []Outcome       // in the order of the messages
	Rows     []directory.Row // of the Directory table, sorted by their keys
	Digest   string          // as Digest makes it
}

// MaxMessages is how many messages an order has at most, and maxBytes how many
// bytes their bodies: a comparison runs them hundreds of times.
const (
	MaxMessages = 30
	maxBytes    = 4 << 20
)

// PageLimit is for how long a page waits for a comparison.
const PageLimit = 20 * time.Second

// ErrUnfit says that there are no messages, or too many.
var ErrUnfit = errors.New("want 1 to 30 messages, of at most 4 MB together")

// maxRuns is how many runs may be on their way at once, of all users of the
// page: each may take every processor, which the pipeline needs, too.
const maxRuns = 2

// Runner runs orders. It is safe for concurrent use.
type Runner struct {
	policy    consumer.DeletionPolicy
	retention time.Duration
	projector *projector.Projector
	limit     time.Duration // of one comparison
	runs      chan struct{} // one element for each run that is on its way
	known     comparisons
	begun     begun
}

// New makes a runner. The rows are those that a deployment with this storage has.
// A comparison ends after the limit, with those orders that there was time for: a
// page waits for it.
func New(s settings.Storage, limit time.Duration) *Runner {
	return &Runner{
		limit:  limit,
		policy: consumer.DeletionPolicy(s.DeletionPolicy), retention: s.Retention,
		projector: projector.New(projector.ObjectStorage(s.ObjectStorage)),
		runs:      make(chan struct{}, maxRuns),
	}
}

// begin waits for its turn. The caller must call end, unless there is an error:
// ErrUnfit, or that of ctx.
func (r *Runner) begin(ctx context.Context, messages []Message) (end func(), err error) {
	size := 0
	for _, m := range messages {
		size += len(m.Body)
	}
	if len(messages) == 0 || len(messages) > MaxMessages || size > maxBytes {
		return nil, ErrUnfit
	}
	select {
	case r.runs <- struct{}{}:
		return func() { <-r.runs }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for other orders: %w", ctx.Err())
	}
}

// Run runs the messages in the order in which they are given. A message may be
// among them twice: the second is then a duplicate. The error is ErrUnfit, that of
// ctx, or one of the embedded tables.
func (r *Runner) Run(ctx context.Context, messages []Message) (Result, error) {
	end, err := r.begin(ctx, messages)
	if err != nil {
		return Result{}, err
	}
	defer end()
	return r.run(ctx, messages)
}

// at is the time at which every message is received and handled. With a clock of
// its own each order would differ from the next in more than the order.
var at = time.UnixMilli(1772323200000).UTC() //nolint:gochecknoglobals // a constant that Go cannot write

func (r *Runner) run(ctx context.Context, messages []Message) (result Result, err error) {
	ctx, cancel := withoutDeadline(ctx)
	defer cancel()
	t, err := newTables(ctx)
	if err != nil {
		return result, err
	}
	for _, m := range messages {
		outcome, err := r.handle(ctx, t, m)
		if err != nil {
			return result, err
		}
		result.Outcomes = append(result.Outcomes, outcome)
	}
	if result.Rows, err = t.allRows(ctx); err != nil {
		return result, err
	}
	result.Digest = Digest(result.Rows)
	return result, nil
}

// handle gives one message to the real consumer, and goes on with what that puts
// on the queue again. The error is that of ctx; all else is the message's outcome.
func (r *Runner) handle(ctx context.Context, t tables, m Message) (Outcome, error) {
	var report consumer.Report // the last one: there is one message at a time
	queue := &Queue{}
	_ = queue.Send(ctx, m.encode()) // it has no errors
	c := consumer.New(consumer.Config{
		Table: t, Queue: queue, Projector: r.projector, Policy: r.policy, Retention: r.retention,
		Now: func() time.Time { return at }, Random: func() float64 { return 0 },
		Observe: func(_ context.Context, got consumer.Report) { report = got },
		Warn:    func(context.Context, string, error) {}, // it warns of acknowledgements, which the queue takes
	})
	queue.Drain(ctx, c)
	if err := ctx.Err(); err != nil {
		return Outcome{}, fmt.Errorf("run messages in an order: %w", err)
	}
	return outcomeOf(m, report), nil
}

// withoutDeadline ends with ctx, but hides when that will be: the consumer stops
// some seconds before a deadline, as in Lambda, and an order would come out as
// failed that has only come late.
func withoutDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	bare, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	return bare, func() {
		stop()
		cancel()
	}
}

func outcomeOf(m Message, r consumer.Report) Outcome {
	o := Outcome{SvixID: m.SvixID, EventType: m.EventType, Entity: r.Entity, Outcome: r.Outcome, Reason: r.Reason}
	if r.Err != nil {
		o.Reason = r.Err.Error() // never holds Clerk's data
	}
	return o
}

// encode is the message as ingest puts it on the queue.
func (m Message) encode() delivery.Message {
	return delivery.Delivery{
		SvixID: m.SvixID, SvixTimestamp: strconv.FormatInt(at.Unix(), 10), EventType: m.EventType, ReceivedAt: at,
		Body: m.Body,
	}.Encode()
}
