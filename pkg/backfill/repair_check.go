package backfill

import (
	"context"
	"fmt"

	"github.com/clerksync/clerksync/pkg/directory"
)

// check is the third look, at what was repaired.
func (d *Diff) check(ctx context.Context, f *Finding) error {
	if f.Repair == RepairDeleted {
		return d.checkDeleted(ctx, f)
	}
	// Clerk is asked anew: the object that was written says nothing of a change that
	// came meanwhile.
	object, err := d.get(ctx, f)
	if err != nil {
		return err
	}
	decisions, err := d.dry.Write(ctx, []Object{object})
	if err != nil {
		return fmt.Errorf("%w: %w", errTable, err)
	}
	switch decisions[0].Verdict {
	case Missing, Different, Older:
		// The row was written just now, so its own age says nothing.
		if f.Left = !isYoungObject(d.Writer.Consumer.Now(), object.Data); f.Left {
			f.Reason = "it is " + string(decisions[0].Verdict) + " again"
		}
	default: // equal but perhaps for activity, or deleted by an event since
		f.Left = false
	}
	return nil
}

// checkDeleted holds that the row is still deleted, and Clerk's denial stands. A
// row that went with its parent is as right as that one.
func (d *Diff) checkDeleted(ctx context.Context, f *Finding) error {
	row, err := d.readRow(ctx, f.key)
	if err != nil {
		return err
	}
	// An event that came meanwhile, or another backfill, may have brought it back.
	if f.Left = row.Live(); f.Left {
		f.Reason = "the row is there again"
		return nil
	}
	// By an event, it is final: Clerk need not be asked.
	if f.denied || row.Text(directory.AttrDeletedBy) != directory.Absence {
		return nil
	}
	l, err := d.look(ctx, f)
	if err == nil && !l.absent {
		f.Left, f.Reason = true, "Clerk has it after all: clerksync backfill brings it back"
	}
	return err
}

// sumUp counts what was repaired and what is left.
//
// It runs at every end, so that the counts are those of the findings.
func (d *Diff) sumUp() {
	for _, c := range d.report.Counts { // of an earlier repair of the same report
		c.Repaired, c.Left = 0, 0
	}
	for _, f := range d.report.Findings {
		d.count(f.Kind, func(c *DiffCounts) {
			if f.Repair != "" {
				c.Repaired++
			}
			if f.Left {
				c.Left++
			}
		})
	}
}
