package backfill

import (
	"context"
	"fmt"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// deletable are the rows that a second look may delete. The brake is asked before
// it, so that nobody waits for what will not be done.
func (d *Diff) deletable(r *Report, o RepairOptions) (list []*Finding, err error) {
	deletions, live := map[string]int{}, map[string]int{}
	for kind, c := range r.Counts {
		live[kind] = c.Rows
	}
	for _, f := range r.of(Extra) {
		// A replica of Clerk's may not have an object yet that its event has just
		// brought. An hour is more than any replica lags.
		if age := d.Writer.Consumer.Now().Sub(f.syncedAt); age < o.MinAge {
			f.Reason = "the row was written less than " + o.MinAge.String() + " ago"
			continue
		}
		deletions[f.Kind]++
		list = append(list, f)
	}
	if err := brake(deletions, live, o.AllowDeletions); err != nil {
		for _, f := range list {
			f.Reason = "too many rows would be deleted"
		}
		return nil, err
	}
	return list, nil
}

// dueAt is when the last of the findings may be looked at again.
func dueAt(list []*Finding, wait time.Duration) (due time.Time) {
	for _, f := range list {
		if t := f.firstLook.Add(wait); t.After(due) {
			due = t
		}
	}
	return due
}

// delete looks a second time, and deletes the row by absence if it is still the
// one that Clerk was first asked about.
func (d *Diff) delete(ctx context.Context, f *Finding, wait time.Duration) error {
	if err := d.sleepUntil(ctx, f.firstLook.Add(wait)); err != nil {
		return err
	}
	// The row is read before Clerk is asked: an event that comes afterwards changes
	// its revision, and then DeleteAbsent leaves the row as it is.
	row, err := d.readRow(ctx, f.key)
	if err != nil {
		return err
	}
	switch {
	case row.Text(directory.AttrDeletedBy) == directory.Absence:
		f.Repair = RepairDeleted // with its parent, just now
		return nil
	case row == nil || row.Gone():
		f.Left, f.Reason = false, "its event has come"
		return nil
	case row.Revision() != f.revision:
		f.Reason = "the row has changed since Clerk was asked"
		return nil
	case f.denied: // Clerk was asked for its parent alone, which is still there
		f.Reason = "it was to be deleted with its parent: run it again"
		return nil
	}
	l, err := d.look(ctx, f)
	if err != nil {
		return err
	}
	// The first denial was that of a replica that lagged, or the object was created
	// anew: in both cases the row is right, or an event is about to make it so.
	if !l.absent {
		f.Reason = "Clerk has it now"
		return nil
	}
	// To try this again is safe: a lost answer is found as the tombstone that it wrote.
	// Its time is not bounded here, for an organization may have more members than can
	// be deleted in that.
	var done bool
	err = d.Writer.persist(ctx, func(context.Context) (err error) {
		done, err = d.Writer.Consumer.DeleteAbsent(ctx, row, f.firstLook)
		return err
	})
	if err != nil {
		return fmt.Errorf("%w: delete %s %s: %w", errTable, f.Kind, f.ID, err)
	}
	if done {
		f.Repair = RepairDeleted
	} else {
		f.Reason = "the row has changed since Clerk was asked"
	}
	return nil
}

// sleepUntil waits by the consumer's clock, which the looks are timed by.
func (d *Diff) sleepUntil(ctx context.Context, t time.Time) error {
	wait := t.Sub(d.Writer.Consumer.Now())
	if wait <= 0 {
		return ctx.Err() //nolint:wrapcheck // a signal's end needs no words
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // as above
	case <-timer.C:
		return nil
	}
}
