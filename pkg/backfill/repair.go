package backfill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clerksync/clerksync/pkg/clerkapi"
)

// What a Repair does with a finding.
const (
	RepairWritten = "written"
	RepairDeleted = "deleted"
)

// Defaults of RepairOptions.
const (
	DefaultMinAge     = time.Hour
	DefaultSecondLook = 10 * time.Minute
)

// RepairOptions bound what a Repair deletes. Replicas of Clerk's that lag deny
// what they do not have yet: smaller times than the defaults are for tests.
type RepairOptions struct {
	MinAge         time.Duration // of a row that is deleted, since it was written
	SecondLook     time.Duration // between Clerk's first answer and the second
	AllowDeletions int           // of a kind, where the brake would stop it
	OnWait         func(until time.Time)
}

// Repair mends what a Run has found. What is missing or differs is asked for
// again and written, by the rules of a backfill. A row that is extra is deleted
// if Clerk denies its object twice, the second time after SecondLook, and the row
// is old and unchanged since before the first. Whatever was repaired is looked at
// a third time, and Left says of each finding whether it is still one.
//
// An error may be a *BrakeError: then the rest is repaired all the same.
func (d *Diff) Repair(ctx context.Context, r *Report, o RepairOptions) error {
	d.report = r
	defer d.sumUp()
	// Every difference counts as left until a look has shown that it is mended: so
	// a repair that ends early never claims more than it did.
	for _, f := range r.Findings {
		f.Left = f.isDrift()
	}
	// Parents come first: a child that is written looks for its parent, and a parent
	// that is deleted takes its children along.
	if err := d.forEach(ctx, MendStep, r.of(Missing, Different), d.mend); err != nil {
		return err
	}
	// What was missing is written by now, so the brake holds up deletions alone.
	extra, braked := d.deletable(r, o)
	if braked == nil && len(extra) > 0 {
		if o.OnWait != nil {
			o.OnWait(dueAt(extra, o.SecondLook))
		}
		err := d.forEach(ctx, DeleteStep, extra, func(ctx context.Context, f *Finding) error {
			return d.delete(ctx, f, o.SecondLook)
		})
		if err != nil {
			return err
		}
	}
	var repaired []*Finding
	for _, f := range r.Findings {
		if f.Repair != "" {
			repaired = append(repaired, f)
		}
	}
	if err := d.forEach(ctx, CheckStep, repaired, d.check); err != nil {
		return err
	}
	return braked
}

// isDrift says whether the finding counts as a difference.
func (f *Finding) isDrift() bool {
	return f.Class == Missing || f.Class == Different || f.Class == Extra
}

// of are the findings of some classes.
func (r *Report) of(classes ...Verdict) (list []*Finding) {
	for _, f := range r.Findings {
		for _, c := range classes {
			if f.Class == c {
				list = append(list, f)
			}
		}
	}
	return list
}

// forEach calls do for the findings, those of one kind at once, and says how far
// it is. An error that is about one object is its Reason.
func (d *Diff) forEach(
	ctx context.Context, step string, list []*Finding, do func(context.Context, *Finding) error,
) error {
	byKind, done := map[string][]*Finding{}, int64(0)
	for _, f := range list {
		byKind[f.Kind] = append(byKind[f.Kind], f)
	}
	for _, kind := range Kinds() {
		err := d.each(ctx, byKind[kind], func(ctx context.Context, f *Finding) error {
			err := do(ctx, f)
			if err != nil && !isGeneral(err) {
				f.Left, f.Reason, err = true, err.Error(), nil
			}
			d.mu.Lock()
			done++
			n := done
			d.mu.Unlock()
			d.progress(step, n, int64(len(list)))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// mend writes what is missing or differs, as it is at Clerk now. Since Run, a
// webhook may have come, or the object may have changed and its webhook be on its
// way: that one is not forestalled.
func (d *Diff) mend(ctx context.Context, f *Finding) error {
	object, err := d.get(ctx, f)
	if _, absent := errors.AsType[*clerkapi.AbsentError](err); absent {
		// Nothing is missing any more. A row that differs is now one that is extra.
		f.Left, f.Reason = f.Class == Different, "Clerk no longer has it"
		return nil
	}
	if err != nil {
		return err
	}
	decisions, err := d.dry.Write(ctx, []Object{object})
	if err == nil {
		// One that is pending now is not left: its webhook is on its way, or has just come.
		class := classify(d.Writer.Consumer.Now(), object.Data, decisions[0])
		if class != Missing && class != Different {
			f.Left, f.Reason = false, "it is "+string(class)+" now"
			return nil
		}
		decisions, err = d.Writer.Write(ctx, []Object{object})
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errTable, err)
	}
	switch decisions[0].Verdict {
	case Missing, Different:
		f.Repair = RepairWritten
	case Older:
		f.Reason = "the row is newer than what Clerk's API has"
	default: // another writer was first
		f.Left, f.Reason = false, "it is "+string(decisions[0].Verdict)+" now"
	}
	return nil
}

// get asks Clerk for the object of a finding. Unlike look it proves no absence.
func (d *Diff) get(ctx context.Context, f *Finding) (o Object, err error) {
	data, read, err := d.Client.Get(ctx, f.ref)
	if err != nil {
		return o, err //nolint:wrapcheck // the client names the object
	}
	if o, err = d.Writer.Object(f.Kind, data, read); err != nil {
		return o, fmt.Errorf("compare %s %s: %w", f.Kind, f.ID, err)
	}
	return o, nil
}
