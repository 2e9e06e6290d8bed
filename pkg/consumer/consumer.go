// Package consumer brings deliveries from the queue into the tables: one
// transaction for each on the normal path, each message for itself.
//
// Whatever happens - a crash between any two steps, a lost response, the same
// message in two consumers at once - a message is acknowledged only when its
// effect and its follow-ups are done, and doing them again changes nothing.
//
// The files in the order in which a batch goes through them:
//
//	batch.go      groups the messages by row, runs suspects last, acknowledges
//	message.go    reads one message, projects it, commits its change
//	tombstone.go  says what a deletion leaves of a row
//	followup.go   looks for deleted parents and for children of what is deleted
//	cascade.go    deletes children, page by page, over several receives if need be
//	retry.go      says which errors are retried, how often and until when
package consumer

import (
	"context"
	"time"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Outcome is how one receive of a message came out.
type Outcome string

// The outcomes. Losing is not failing: with Stale and Duplicate the message is
// done, as with Applied and Dead. Only Failed is retried.
const (
	Applied   Outcome = "applied"   // its effect is in the table, in one transaction with its ledger entry
	Stale     Outcome = "stale"     // the row was newer already; this is recorded in the ledger
	Duplicate Outcome = "duplicate" // this very message is in the ledger already
	Failed    Outcome = "failed"    // it is not known whether the effect took place, or a follow-up is not done
	Dead      Outcome = "dead"      // it can never work; it was moved to the dead-letter queue
)

// DeletionPolicy says what a deletion leaves.
type DeletionPolicy string

// Soft keeps a deleted row's attributes, out of the indexes; Hard leaves a
// tombstone without them.
const (
	Soft DeletionPolicy = "soft"
	Hard DeletionPolicy = "hard"
)

// Queue is what the consumer asks of the queue. Lambda itself receives the
// records and acknowledges those that Handle does not return.
type Queue interface {
	// DeadLetter sends the record to the dead-letter queue as it was, with the
	// attribute `reason`. It does not acknowledge it.
	DeadLetter(ctx context.Context, r delivery.Record, reason string) error
	// Requeue sends a copy of the record to the queue, with the attribute
	// `position`. It does not acknowledge the record.
	Requeue(ctx context.Context, r delivery.Record, position string) error
	// Acknowledge deletes records from the queue.
	Acknowledge(ctx context.Context, records []delivery.Record) error
	// Delay hides each record from now on for the time that it names.
	Delay(ctx context.Context, delays []delivery.Delay) error
}

// Report says how one receive of a message came out.
type Report struct {
	MessageID  string // given by SQS
	SvixID     string // empty where it is not a message id of Svix
	EventType  string
	Entity     string // e.g. user/<id>; empty where the message was not projected
	Outcome    Outcome
	Attempt    int       // receives, this one included
	ReceivedAt time.Time // by ingest; zero where not known
	ChangedAt  time.Time // Clerk's envelope time; zero where not known
	EndedAt    time.Time // when this receive came out
	Known      bool      // EventType is a type that Clerk documents
	Deletion   bool
	Err        error // why it is Failed or Dead; never holds Clerk's data
	// Reason says for people why it is Stale or Duplicate, in the words of package
	// directory; empty where the table does not show what was there.
	Reason string
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
	// Warn says that an operation failed that no message depends on.
	Warn func(ctx context.Context, operation string, err error)
}

// Consumer handles batches. It is safe for concurrent use.
type Consumer struct{ Config }

// New makes a consumer.
func New(c Config) *Consumer { return &Consumer{c} }
