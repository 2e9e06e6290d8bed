package backfill

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

// maxBatches bounds how many batches of one page are in hand at once: while one
// reads its rows or their parents, the others write.
const maxBatches = 3

// reader reads one part of a kind's list.
type reader struct {
	*Backfill
	kind  string
	part  int   // its number in the state
	total int64 // of the kind's objects by Clerk's count, -1 where the pages tell it
}

// read reads the part from where its state says. The next page is read while one
// is written, and no further: memory does not grow where the table is slower than
// Clerk. The state moves on only when a page is whole in the table, for a process
// that goes on from there does not look back.
func (r reader) read(ctx context.Context, p part) error {
	// A failed write ends the reading of the page that nobody will write.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var writing chan error // of the page before, nil for none
	wait := func() (err error) {
		if writing != nil {
			err = <-writing
		}
		writing = nil
		return err
	}
	for page, err := range r.pages(ctx, p) {
		if written := wait(); written != nil {
			return written
		}
		if err != nil {
			return err
		}
		done := make(chan error, 1)
		writing = done
		go func() {
			err := r.writePage(ctx, page)
			if err != nil {
				cancel()
			}
			done <- err
		}()
	}
	if err := wait(); err != nil {
		return err
	}
	return r.State.finishPart(r.kind, r.part)
}

// pages are those that are not in the table yet, oldest first, so that an object
// that is created meanwhile comes at the end.
func (r reader) pages(ctx context.Context, p part) iter.Seq2[clerkapi.Page, error] {
	if r.kind == directory.KindUser {
		return r.Client.UserPages(ctx, p.Window, p.Next)
	}
	return r.Client.Pages(ctx, r.kind, p.Next)
}

// writePage writes a page, several batches at once, and records it as done.
func (r reader) writePage(ctx context.Context, page clerkapi.Page) error {
	objects := page.Objects
	if r.kind == directory.KindMembership {
		objects = spread(objects)
	}
	// The batches of one page have no object in common, so their order is free.
	var mu sync.Mutex
	var counts Counts
	g, writing := errgroup.WithContext(ctx)
	g.SetLimit(maxBatches)
	for batch := range slices.Chunk(objects, BatchSize) {
		g.Go(func() error {
			c, err := r.writeBatch(writing, batch, page.Read)
			mu.Lock()
			defer mu.Unlock()
			counts.add(c)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("write a page of kind %s: %w", r.kind, err)
	}
	// Only now, when every object has its row, is equal, or is counted as failed: a
	// process that is killed before this reads the page again, and finds what it has
	// written equal.
	if err := r.State.advance(r.kind, r.part, page.Next, counts); err != nil {
		return err
	}
	total := r.total
	if total < 0 {
		total = page.Total
	}
	r.reporting.Lock()
	defer r.reporting.Unlock()
	if c, ok := r.State.counts(r.kind); ok && r.OnPage != nil {
		r.OnPage(r.kind, c, total)
	}
	return nil
}

// writeBatch makes the rows of a batch only now, so that few are in memory.
func (r reader) writeBatch(ctx context.Context, batch []clerk.Object, read clerkapi.Read) (c Counts, err error) {
	objects := make([]Object, 0, len(batch))
	for _, data := range batch {
		o, err := r.Writer.Object(r.kind, data, read)
		if err != nil {
			// It would fail the next time, too, so it must not hold back the others.
			c.Read++
			c.Failed++
			r.report(Failure{Kind: r.kind, ID: data.Text("id"), Err: err})
			continue
		}
		objects = append(objects, o)
	}
	decisions, err := r.Writer.Write(ctx, objects)
	// After an error these are the batches that were written before it. The page is
	// not recorded then, so they are counted again, as equal, by whoever goes on.
	for i, d := range decisions {
		c.count(d.Verdict)
		if r.observe != nil {
			r.observe(objects[i], d)
		}
	}
	return c, err
}

// report calls OnFailure, one goroutine at a time as it promises.
func (r reader) report(f Failure) {
	r.reporting.Lock()
	defer r.reporting.Unlock()
	if r.OnFailure != nil {
		r.OnFailure(f)
	}
}

// spread brings the memberships of a page into an order in which those of one
// organization are far from each other: they have one partition, which takes
// 1,000 writes a second, and whoever imports an organization creates its
// memberships one after the other.
func spread(objects []clerk.Object) []clerk.Object {
	type placed struct {
		clerk.Object
		round int // how many of its organization stand before it
	}
	rounds := map[string]int{}
	all := make([]placed, len(objects))
	for i, o := range objects {
		org := o.Object("organization").Text("id")
		all[i] = placed{o, rounds[org]}
		rounds[org]++
	}
	slices.SortStableFunc(all, func(a, b placed) int { return a.round - b.round })
	spread := make([]clerk.Object, len(all))
	for i, p := range all {
		spread[i] = p.Object
	}
	return spread
}
