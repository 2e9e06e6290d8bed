package backfill

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/clerksync/clerksync/pkg/directory"
)

// maxAsking bounds how many single objects are asked for at once. The client's
// budget is what bounds them in time.
const maxAsking = 8

// askForAll asks for every row that was not listed, parents first: what belongs
// to an organization or a user that Clerk denies is denied with it.
func (d *Diff) askForAll(ctx context.Context, rows map[string][]*Finding) error {
	total, done := int64(0), int64(0)
	for _, list := range rows {
		total += int64(len(list))
	}
	for _, kind := range Kinds() {
		err := d.each(ctx, rows[kind], func(ctx context.Context, f *Finding) error {
			err := d.ask(ctx, f)
			d.mu.Lock()
			done++
			n := done
			d.mu.Unlock()
			d.progress(AskStep, n, total)
			return err
		})
		if err != nil {
			return err
		}
		for _, f := range rows[kind] { // not before, for a finding of one kind never depends on another of it
			if f.Class == Extra {
				d.denied[f.key] = true
			}
		}
	}
	return nil
}

// each calls do for several findings at once. The first error ends it.
func (d *Diff) each(ctx context.Context, list []*Finding, do func(context.Context, *Finding) error) error {
	g, asking := errgroup.WithContext(ctx)
	g.SetLimit(maxAsking) // it holds up the loop, so that after an error few are begun
	for _, f := range list {
		if asking.Err() != nil {
			break
		}
		g.Go(func() error { return do(asking, f) })
	}
	if err := g.Wait(); err != nil {
		return err //nolint:wrapcheck // do names what it did
	}
	return ctx.Err() //nolint:wrapcheck // a signal's end needs no words
}

// ask finds out what a row is that Clerk did not list. Its absence from a list
// proves nothing: it may be newer than the list, or a page may have been wrong.
func (d *Diff) ask(ctx context.Context, f *Finding) error {
	// What goes with its parent needs no proof of its own, and Clerk could give none:
	// the members of an organization that is gone cannot be asked for.
	if f.denied = d.deniedParent(f.subject); f.denied {
		f.Class = Extra
		d.setPending(f)
		d.add(f)
		return nil
	}
	l, err := d.look(ctx, f)
	switch {
	case err != nil:
		return d.failOrReturn(f, err)
	case l.absent:
		f.Class, f.firstLook = Extra, l.at
		d.setPending(f)
		d.add(f)
	default: // it was created after the list was read, or the list was wrong
		d.add(d.compare(l.object, l.decision))
	}
	return nil
}

// deniedParent says whether Clerk denied a parent of the row in this run.
func (d *Diff) deniedParent(f *subject) bool {
	return slices.ContainsFunc(f.parents(), func(k directory.Key) bool { return d.denied[k] })
}

// setPending makes a row that is extra one that a webhook may be about to delete.
func (d *Diff) setPending(f *Finding) {
	if isYoung(d.Writer.Consumer.Now(), f.syncedAt) {
		f.Class = Pending
	}
}
