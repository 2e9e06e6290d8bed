package consumer

import (
	"context"
	"errors"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Read is Table's Read, tried again after what a second call heals.
func (c *Consumer) Read(ctx context.Context, keys ...directory.Key) (rows []directory.Row, err error) {
	err = c.retryInPlace(ctx, func() (err error) {
		rows, err = c.Table.Read(ctx, keys...)
		return err
	})
	return rows, err
}

// PutRead writes an object that was read from Clerk's API. decide says, of the
// row that exists (nil for none), what the row shall be, or nil to leave it as it
// is; it is asked again where another writer was first. existing is the row as it
// was last read, nil where there was none. written is the new row, nil where
// decide left the row.
//
// There is no message and so no ledger entry: what a read object means depends on
// the row that exists, and a second read of the same object finds it equal. What
// follows from the write is DeleteOrphans, which is left to the caller: it reads
// the parents of many rows at once.
func (c *Consumer) PutRead(
	ctx context.Context, change projector.Change, existing directory.Row,
	decide func(existing directory.Row) directory.Row,
) (written directory.Row, err error) {
	// A lost answer may hide that the row was written. The next try then finds it
	// changed and asks decide again, of the row that is there.
	err = c.retryInPlace(ctx, func() (err error) {
		written, err = c.replace(ctx, change.Key, existing, true,
			func(existing directory.Row) (directory.Write, bool) {
				row := decide(existing)
				if row == nil {
					return directory.Write{}, false
				}
				put := change
				put.Row = row
				return c.writeOf(put, existing), true
			})
		return err
	})
	return written, err
}

// DeleteAbsent deletes a live row whose object Clerk's API denied, and its
// children as every deletion does. row is the row as it was when the proof
// began: if it has changed since, the proof is not about it, and the row stays. So
// does a row that is newer than the first look.
// firstLook is when Clerk first denied the object. It may be called again after
// an error, with the same arguments.
//
// It needs no deadline, and takes as long as its children do: it ends with an error
// where the table takes nothing for half a minute.
//
// The tombstone is not terminal: it is as new as the first look, so that any
// later change of the object brings it back, and an event that deletes it wins.
func (c *Consumer) DeleteAbsent(ctx context.Context, row directory.Row, firstLook time.Time) (done bool, err error) {
	tombstone := c.tombstoneOfAbsence(row, firstLook)
	first, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	err = c.retryInPlace(first, func() error {
		written, err := c.replace(first, row.Key(), row, true, func(existing directory.Row) (directory.Write, bool) {
			// A row whose answer was lost is found as its own tombstone.
			done = existing.Revision() == tombstone.Revision()
			w := directory.Write{Row: tombstone}
			if k, ok := directory.PointerKey(row); ok {
				w.Drop = []directory.Key{k}
			}
			// A row that is newer than the first look, by Clerk's time or a clock of
			// ours that is wrong, is proof of its object; and revisions only grow.
			isOlder := row.Revision() < tombstone.Revision()
			return w, isOlder && existing.Revision() == row.Revision() && existing.Live()
		})
		done = done || written != nil
		return err
	})
	if err != nil || !done {
		return false, err
	}
	change := projector.Change{Key: row.Key(), Children: c.Projector.ChildrenOf(row.Text(directory.AttrKind))}
	if change.Children == projector.NoChildren {
		return true, nil
	}
	return true, c.deleteAllChildren(ctx, change, tombstone)
}

// roundTime bounds the write of a tombstone by absence, and then each round of
// deleteAllChildren.
const roundTime = 30 * time.Second

// deleteAllChildren is deleteChildren for a caller without a deadline. There, a
// table that refuses every request would be tried for ever: so it works in
// rounds, and a round that gets nowhere is the last.
func (c *Consumer) deleteAllChildren(ctx context.Context, change projector.Change, parent directory.Row) error {
	for position := ""; ; {
		round, cancel := context.WithTimeout(ctx, roundTime)
		err := c.deleteChildren(round, change, parent, position)
		cancel()
		more, ok := errors.AsType[outOfTimeError](err)
		if !ok || ctx.Err() != nil {
			return err
		}
		position = more.position
	}
}
