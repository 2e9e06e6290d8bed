package consumer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// message is a record on its way through one batch.
type message struct {
	record   delivery.Record
	delivery delivery.Delivery
	change   projector.Change
	reason   string // why it is Stale or Duplicate
	err      error  // of decoding or projecting; nil if there is a change
}

// read turns a record into the change that it asks for. It is pure.
func (c *Consumer) read(r delivery.Record) *message {
	m := &message{record: r}
	m.err = catchPanic(func() (err error) {
		if m.delivery, err = r.Delivery(); err != nil {
			return err
		}
		e, err := clerk.Decode(m.delivery.Body)
		if err != nil {
			return err
		}
		m.delivery.EventType = e.Type // the signed bytes count, not the attribute
		m.change, err = c.Projector.Project(e, m.delivery.SvixID)
		return err
	})
	return m
}

// process takes one message all the way. The error says why it is Failed or
// Dead.
func (c *Consumer) process(ctx context.Context, m *message) (outcome Outcome, err error) {
	if err = m.err; err == nil {
		err = catchPanic(func() (err error) {
			outcome, err = c.apply(ctx, m)
			return err
		})
	}
	switch {
	case err == nil:
		return outcome, nil
	case !isDead(m.record, err):
		return Failed, err
	}
	// It can never work, so it must not come again. It is acknowledged only
	// because a copy is in the dead-letter queue; if the answer to that was
	// lost, it comes again and leaves a second copy, which is harmless.
	sendErr := catchPanic(func() error { return c.Queue.DeadLetter(ctx, m.record, reason(err)) })
	if sendErr != nil {
		return Failed, fmt.Errorf("move to the dead-letter queue: %w", sendErr)
	}
	return Dead, err
}

// maxReason is the greatest length of a dead letter's reason, in bytes.
const maxReason = 1024

func reason(err error) string {
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), maxReason)], "")
}

// apply commits the message's change and does what follows from it. Both
// belong to the message: it is done only when the follow-ups are, too. They
// also run for a stale or duplicate copy, for the process that wrote the row
// may have died before it got to them.
func (c *Consumer) apply(ctx context.Context, m *message) (Outcome, error) {
	entry := func(o Outcome) *directory.LedgerEntry { return c.ledgerEntry(m, o) }
	var done committed
	err := c.retryInPlace(ctx, func() (err error) {
		done, err = c.commit(ctx, m.change, entry)
		return err
	})
	if err == nil {
		err = c.followUp(ctx, m, done.written)
	}
	m.reason = done.reason
	return done.outcome, err
}

// committed is how a change came out in the table.
type committed struct {
	outcome Outcome       // Applied, Stale or Duplicate
	written directory.Row // the new row, nil unless Applied
	reason  string        // why it is Stale or Duplicate
}

// newEntry makes a message's ledger entry with the outcome that it records.
type newEntry func(Outcome) *directory.LedgerEntry

func (c *Consumer) ledgerEntry(m *message, outcome Outcome) *directory.LedgerEntry {
	now := c.Now()
	return &directory.LedgerEntry{
		SvixID:      m.delivery.SvixID,
		EventType:   m.delivery.EventType,
		Entity:      m.change.Entity,
		Outcome:     string(outcome),
		ReceivedAt:  m.delivery.ReceivedAt,
		ProcessedAt: now,
		ExpiresAt:   now.Add(c.Retention),
	}
}

// commit writes the change where it is newer than the row that exists, in one
// transaction with its ledger entry: the ledger says `applied` exactly when
// the effect took place.
func (c *Consumer) commit(ctx context.Context, change projector.Change, entry newEntry) (committed, error) {
	// What depends on the row that exists needs to read it: the attributes that
	// a soft tombstone keeps, the pointer of a domain that moved or of a role whose
	// key changed.
	readFirst := change.ReadFirst || change.Delete && c.Policy == Soft
	for {
		var existing directory.Row
		condition := directory.IfNewer(change.Revision)
		if readFirst {
			rows, err := c.Table.Read(ctx, change.Key)
			if err != nil {
				return committed{}, err
			}
			existing = rows[0]
			if existing != nil && existing.Revision() >= change.Revision {
				// A row's revision only grows, so the change has lost for good.
				return c.recordStale(ctx, change, existing.Revision(), entry)
			}
			condition = unchangedSince(existing)
		}
		w := c.writeOf(change, existing)
		var winner directory.Existing
		w.LedgerEntry, w.If, w.Existing = entry(Applied), condition, &winner
		result, err := c.Table.Write(ctx, w)
		switch {
		case err != nil:
			// The transaction may or may not have taken place. To try it again
			// is safe: if it did, the ledger entry makes the second a duplicate.
			return committed{}, err
		case result == directory.Written:
			return committed{outcome: Applied, written: w.Row}, nil
		case result == directory.AlreadyRecorded:
			return committed{outcome: Duplicate, reason: winner.WhyDuplicate()}, nil
		case !readFirst:
			// The condition was that no row exists or that it is older. Neither
			// holds, and a row's revision only grows: the change has lost for good.
			return c.recordStale(ctx, change, winner.Revision, entry)
		}
		// The condition was that the row is as it was read. That it is not says
		// nothing about which is newer: only the row that exists now does, so it
		// is read again. A round is lost only where another writer won, so the loop
		// ends without a counter; the deadline stops it in any case.
		if err := ctx.Err(); err != nil {
			return committed{}, err
		}
	}
}

// unchangedSince asks that the row is still as it was read.
func unchangedSince(read directory.Row) directory.Condition {
	if read == nil {
		return directory.IfAbsent()
	}
	return directory.IfUnchanged(read.Revision())
}

// recordStale records that the row was newer, whose revision is row. If the
// message is in the ledger already, it is a duplicate: that counts before stale,
// as in a transaction.
func (c *Consumer) recordStale(
	ctx context.Context, change projector.Change, row directory.Revision, entry newEntry,
) (committed, error) {
	var first directory.Existing
	result, err := c.Table.Write(ctx, directory.Write{LedgerEntry: entry(Stale), Existing: &first})
	switch {
	case err != nil:
		return committed{}, err
	case result == directory.AlreadyRecorded:
		return committed{outcome: Duplicate, reason: first.WhyDuplicate()}, nil
	}
	return committed{outcome: Stale, reason: directory.WhyStale(row, change.Revision)}, nil
}

// writeOf is the change as a write: the row as it shall be, and its pointer,
// which exists exactly while the row is live. existing is the row that was
// read, nil where none was.
func (c *Consumer) writeOf(change projector.Change, existing directory.Row) directory.Write {
	var w directory.Write
	if change.Delete {
		w.Row = c.tombstoneOf(change, existing)
	} else {
		w.Row = change.Row.Clone()
		w.Row[directory.AttrSyncedAt] = c.timestamp()
		w.Row.Fit() // before the pointer is made, which is a function of the row as it is kept
		if p := directory.Pointer(w.Row); p != nil {
			w.Put = []directory.Row{p}
		}
	}
	// The pointer of the row that exists is deleted, and the one that a deletion's
	// event names, unless this transaction puts the same pointer: a transaction
	// takes one operation for each item.
	for _, r := range []directory.Row{existing, change.Row} {
		k, ok := directory.PointerKey(r)
		if ok && !slices.Contains(w.Drop, k) && (w.Put == nil || w.Put[0].Key() != k) {
			w.Drop = append(w.Drop, k)
		}
	}
	return w
}

// timestamp is the present as rows hold it.
func (c *Consumer) timestamp() string { return c.Now().UTC().Format(directory.TimeFormat) }
