package backfill

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Writer brings objects of one instance into the table, by the consumer's own
// way of writing a row. It is safe for concurrent use.
type Writer struct {
	Consumer   *consumer.Consumer // needs Table, Projector, Policy, Now and Random alone
	InstanceID string
	DryRun     bool // decide, and write nothing
	// Concurrency is how many rows are written at once, of all batches together.
	Concurrency int

	once  sync.Once
	slots chan struct{} // one for each row that is being written
}

// Object makes an Object of what was read. Its error says that the object can
// have no row; it names members, never their values.
func (w *Writer) Object(kind string, data clerk.Object, read clerkapi.Read) (Object, error) {
	change, err := w.Consumer.Projector.ProjectRead(projector.Read{
		Kind: kind, Object: data, InstanceID: w.InstanceID, Began: read.Began, Earliest: read.Earliest(),
	})
	return Object{Kind: kind, Data: data, Began: read.Began, change: change}, err
}

// Key is the key of the object's row.
func (o Object) Key() directory.Key { return o.change.Key }

// BatchSize is how many objects one BatchGetItem reads the rows of.
const BatchSize = 100

// Write decides on objects, in batches of BatchSize, and writes what is missing
// or differs: decisions has one for each object, in their order, as they came out
// in the end. After an error some of them may be written; to write all again is
// safe.
func (w *Writer) Write(ctx context.Context, objects []Object) (decisions []Decision, err error) {
	for len(objects) > 0 {
		n := min(len(objects), BatchSize)
		batch, err := w.writeBatch(ctx, objects[:n])
		if err != nil {
			return decisions, err
		}
		decisions, objects = append(decisions, batch...), objects[n:]
	}
	return decisions, nil
}

// writeBatch is Write of at most BatchSize objects: it reads their rows by one
// request for each 100 keys, writes those that are missing or differ, and looks for
// parents that were deleted meanwhile. In this order each step sees what the one
// before has done, so none of them can be left out or take place earlier.
func (w *Writer) writeBatch(ctx context.Context, objects []Object) ([]Decision, error) {
	w.once.Do(func() { w.slots = make(chan struct{}, max(1, w.Concurrency)) })
	// The rows may change after this. Every write asks that its row is as it was read
	// here, so that what was decided of it still holds.
	existing, err := w.read(ctx, objects)
	if err != nil {
		return nil, err
	}
	decisions, rows := make([]Decision, len(objects)), make([]directory.Row, len(objects))
	differing := make(chan int, len(objects)) // objects to be written
	for i, o := range objects {
		rows[i] = existing[i].Row
		decisions[i] = o.decide(existing[i], w.Consumer.Projector.KeptObject)
		decisions[i].existing = existing[i].Row
		if decisions[i].Row != nil && !w.DryRun {
			differing <- i
		}
	}
	close(differing)
	if w.DryRun {
		return decisions, nil
	}
	g, writing := errgroup.WithContext(ctx)
	// Each goroutine writes many rows: a write goes so deep into the SDK that to grow
	// a new stack for each would be a tenth of a backfill's work.
	for range min(len(differing), cap(w.slots)) {
		g.Go(func() (err error) {
			for i := range differing {
				w.slots <- struct{}{}
				decisions[i], rows[i], err = w.put(writing, objects[i], existing[i], decisions[i])
				<-w.slots
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	// After an error nobody looks for the parents of what was written: the page does
	// not count as done, and whoever writes it again looks for the parents of all.
	if err := g.Wait(); err != nil {
		return decisions, err //nolint:wrapcheck // put names the object
	}
	return decisions, w.deleteOrphans(ctx, objects, rows)
}

// read reads the row and the pointer of each object. An object may be in a
// batch twice; its second write then finds the first.
func (w *Writer) read(ctx context.Context, objects []Object) ([]Existing, error) {
	// All rows stand before all pointers, of which not every object has one.
	var keys []directory.Key
	for _, o := range objects {
		keys = append(keys, o.change.Key)
	}
	for _, o := range objects {
		if k, ok := directory.PointerKey(o.change.Row); ok {
			keys = append(keys, k)
		}
	}
	var rows []directory.Row
	err := w.persist(ctx, func(ctx context.Context) (err error) {
		rows, err = w.Consumer.Read(ctx, keys...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the rows: %w", err)
	}
	existing, pointers := make([]Existing, len(objects)), rows[len(objects):]
	for i, o := range objects {
		existing[i].Row = rows[i]
		if _, ok := directory.PointerKey(o.change.Row); ok {
			existing[i].Pointer, pointers = pointers[0], pointers[1:]
		}
	}
	return existing, nil
}

// put writes one object as was decided. Where another writer was first, it is
// decided anew, of the row that is there now: its pointer was written with it.
func (w *Writer) put(
	ctx context.Context, o Object, e Existing, d Decision,
) (_ Decision, row directory.Row, err error) {
	row = e.Row
	decide := func(existing directory.Row) directory.Row {
		switch {
		case existing.Revision() == o.change.Revision:
			// A try whose answer was lost wrote it, or another reader of the same
			// object. The decision stands, for it was carried out.
			row = existing
			return nil
		case existing.Revision() != e.Row.Revision() || (existing == nil) != (e.Row == nil):
			e = Existing{Row: existing, Pointer: pointerOf(existing)}
			d = o.decide(e, w.Consumer.Projector.KeptObject)
		}
		row = existing
		return d.Row
	}
	err = w.persist(ctx, func(ctx context.Context) error {
		written, err := w.Consumer.PutRead(ctx, o.change, e.Row, decide)
		if written != nil {
			row = written
		}
		return err
	})
	if err != nil {
		return d, nil, fmt.Errorf("write %s: %w", o.change.Entity, err)
	}
	return d, row, nil
}

// pointerOf is the pointer that was written in the transaction of a row.
func pointerOf(row directory.Row) directory.Row {
	if !row.Live() {
		return nil
	}
	return directory.Pointer(row)
}

// deleteOrphans looks for the parents of every row that is live, not only of
// those that were written just now: whoever wrote the others may have been killed
// before he looked.
func (w *Writer) deleteOrphans(ctx context.Context, objects []Object, rows []directory.Row) error {
	var children []consumer.Child
	for i, o := range objects {
		if rows[i].Live() && len(o.change.Parents) > 0 {
			children = append(children, consumer.Child{Change: o.change, Row: rows[i]})
		}
	}
	err := w.persist(ctx, func(ctx context.Context) error { return w.Consumer.DeleteOrphans(ctx, children) })
	if err != nil {
		return fmt.Errorf("delete what has no parent: %w", err)
	}
	return nil
}

const (
	// maxTried bounds how long an operation on the table is tried, as long as a
	// request to Clerk: a new table throttles for seconds until it has grown.
	maxTried  = 30 * time.Second
	firstWait = 250 * time.Millisecond
	maxWait   = 4 * time.Second
)

// persist calls f until it succeeds or maxTried is over. f is safe to repeat. A
// queue gives a message another receive; what was read from Clerk has this.
func (w *Writer) persist(ctx context.Context, f func(ctx context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, maxTried)
	defer cancel()
	for wait := firstWait; ; wait = min(2*wait, maxWait) {
		err := f(limited)
		if err == nil || errors.Is(err, directory.ErrWriteRefused) {
			return err
		}
		t := time.NewTimer(wait/2 + time.Duration(w.Consumer.Random()*float64(wait/2)))
		select {
		case <-limited.Done():
			t.Stop()
			return err
		case <-t.C:
		}
	}
}
