// Package consumer brings deliveries from the queue into the tables: one
// transaction for each on the normal path, each message for itself.
//
// Whatever happens - a crash between any two steps, a lost response, the same
// message in two consumers at once - the message is acknowledged only when its
// effect and its follow-ups are done, and doing them again changes nothing.
package consumer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// DeletionPolicy is what a deletion leaves.
type DeletionPolicy string

// Soft keeps a deleted row's attributes, out of the indexes; Hard leaves a
// tombstone without them.
const (
	Soft DeletionPolicy = "soft"
	Hard DeletionPolicy = "hard"
)

// Queue is what the consumer asks of the queue beside receiving.
type Queue interface {
	// DeadLetter puts the record into the dead letters, as it was, with the
	// attribute `reason`.
	DeadLetter(ctx context.Context, r delivery.Record, reason string) error
	// Acknowledge deletes records from the queue.
	Acknowledge(ctx context.Context, records []delivery.Record) error
	// Delay hides a record until it is tried again.
	Delay(ctx context.Context, delays []delivery.Delay) error
}

// Outcome is how one receive of a message came out.
type Outcome string

// The outcomes. Losing is not failing: Stale and Duplicate are
// outcomes of messages that are done.
const (
	Applied   Outcome = "applied"   // its effect is in the table, in one transaction with its Deliveries row
	Stale     Outcome = "stale"     // something newer was there; recorded
	Duplicate Outcome = "duplicate" // this very message was recorded before
	Failed    Outcome = "failed"    // we do not know; it is retried
	Dead      Outcome = "dead"      // it can never work; moved to the dead letters
)

// Report is what became of one message in one receive.
type Report struct {
	MessageID  string
	SvixID     string
	EventType  string
	Entity     string
	Outcome    Outcome
	Attempt    int       // receives, this one included
	ReceivedAt time.Time // by ingest; zero where not known
	ChangedAt  time.Time // Clerk's envelope time; zero where not known
	EndedAt    time.Time // now
	Known      bool      // EventType is a type that Clerk documents
	Deletion   bool
	Err        error // why it failed or is dead; never holds Clerk's data
}

// Config is what a Consumer is made of. All of it is needed.
type Config struct {
	Table     directory.Table
	Queue     Queue
	Projector *projector.Projector
	Policy    DeletionPolicy
	Retention time.Duration // of rows in the Deliveries table
	Now       func() time.Time
	Random    func() float64                // in [0,1), for jitter and the order of suspects
	Observe   func(context.Context, Report) // called from several goroutines
	Warn      func(ctx context.Context, operation string, err error)
}

// Consumer handles batches. It is safe for concurrent use.
type Consumer struct{ Config }

// New makes a consumer.
func New(c Config) *Consumer { return &Consumer{c} }

// task is a record on its way through one batch.
type task struct {
	record   delivery.Record
	delivery delivery.Delivery
	change   projector.Change
	err      error // of reading the record: hopeless or unknown
}

// read decodes a record and projects its event. It is pure.
func (c *Consumer) read(r delivery.Record) (t *task) {
	t = &task{record: r}
	defer func() {
		if p := recover(); p != nil {
			t.err = panicked(p)
		}
	}()
	if t.delivery, t.err = r.Delivery(); t.err != nil {
		return t
	}
	var e clerk.Event
	if e, t.err = clerk.Decode(t.delivery.Body); t.err != nil {
		return t
	}
	t.delivery.EventType = e.Type // the signed bytes decide
	t.change, t.err = c.Projector.Project(e, t.delivery.SvixID)
	return t
}

// process takes one message all the way and says what became of it. The
// error of Failed and Dead says why.
func (c *Consumer) process(ctx context.Context, t *task) (outcome Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			outcome, err = Failed, panicked(p)
		}
	}()
	if err = t.err; err == nil {
		if outcome, err = c.apply(ctx, t); err == nil {
			return outcome, nil
		}
	}
	if !hopeless(err) {
		return Failed, err
	}
	if sendErr := c.Queue.DeadLetter(ctx, t.record, reason(err)); sendErr != nil {
		return Failed, fmt.Errorf("move to the dead letters: %w", sendErr)
	}
	return Dead, err
}

// apply makes the change and its follow-ups, each tried again in place while
// the deadline allows.
func (c *Consumer) apply(ctx context.Context, t *task) (outcome Outcome, err error) {
	var written directory.Row
	err = c.retry(ctx, inPlaceTries, func() (err error) {
		outcome, written, err = c.commit(ctx, t)
		return err
	})
	if err != nil {
		return Failed, err
	}
	if err := c.followUp(ctx, t.change, written); err != nil {
		return Failed, err
	}
	return outcome, nil
}

// hopeless tells what can never work from what we do not know.
func hopeless(err error) bool {
	for _, never := range []error{delivery.ErrPermanent, clerk.ErrInvalidPayload, projector.ErrPermanent, directory.ErrWriteRejected} {
		if errors.Is(err, never) {
			return true
		}
	}
	return false
}

// maxReason is how long a dead letter's reason may be, in bytes.
const maxReason = 1024

func reason(err error) string {
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), maxReason)], "")
}

// panicError hides the panic's value, which may hold Clerk's data.
type panicError struct{ stack []byte }

func (e *panicError) Error() string { return "panic\n" + string(e.stack) }

func panicked(any) error { return &panicError{debug.Stack()} }

// jitter is between half of d and d.
func (c *Consumer) jitter(d time.Duration) time.Duration {
	return d/2 + time.Duration(c.Random()*float64(d/2))
}

// In place a message is tried that often, at growing distances.
const (
	inPlaceTries = 4
	firstWait    = 50 * time.Millisecond
	longestWait  = 2 * time.Second
	untilTheEnd  = 1 << 30
)

// retry calls f until it succeeds, can never succeed, was called often enough
// or ctx ends; it then returns f's last error.
func (c *Consumer) retry(ctx context.Context, tries int, f func() error) error {
	for try, wait := 1, firstWait; ; try, wait = try+1, min(2*wait, longestWait) {
		err := f()
		if err == nil || hopeless(err) || try >= tries {
			return err
		}
		t := time.NewTimer(c.jitter(wait))
		select {
		case <-ctx.Done():
			t.Stop()
			return err
		case <-t.C:
		}
	}
}
