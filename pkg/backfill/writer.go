package backfill

import (
	"context"
	"fmt"

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
	// Concurrency is how many rows of one batch are written at once.
	Concurrency int
}

// Object makes an Object of what was read. Its error says that the object can
// have no row; it names members, never their values.
func (w *Writer) Object(kind string, data clerk.Object, read clerkapi.Read) (Object, error) {
	change, err := w.Consumer.Projector.ProjectRead(projector.Read{
		Kind: kind, Object: data, InstanceID: w.InstanceID, Began: read.Began, Earliest: read.Earliest(),
	})
	return Object{Kind: kind, Data: data, Began: read.Began, change: change}, err
}

// Entity names the object for people: user/<id>, membership/<org id>/<user id>.
func (o Object) Entity() string { return o.change.Entity }

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

func (w *Writer) writeBatch(ctx context.Context, objects []Object) ([]Decision, error) {
	existing, err := w.read(ctx, objects)
	if err != nil {
		return nil, err
	}
	decisions, rows := make([]Decision, len(objects)), make([]directory.Row, len(objects))
	g, writing := errgroup.WithContext(ctx)
	g.SetLimit(max(1, w.Concurrency))
	for i, o := range objects {
		rows[i] = existing[i].Row
		decisions[i] = o.decide(existing[i], w.Consumer.Projector.KeptObject)
		if decisions[i].Row == nil || w.DryRun {
			continue
		}
		g.Go(func() (err error) {
			decisions[i], rows[i], err = w.put(writing, o, existing[i])
			return err
		})
	}
	if err := g.Wait(); err != nil || w.DryRun {
		return decisions, err
	}
	return decisions, w.deleteOrphans(ctx, objects, rows)
}

// read reads the row and the pointer of each object. An object may be in a
// batch twice; its second write then finds the first.
func (w *Writer) read(ctx context.Context, objects []Object) ([]Existing, error) {
	var keys []directory.Key
	for _, o := range objects {
		keys = append(keys, o.change.Key)
	}
	for _, o := range objects {
		if k, ok := directory.PointerKey(o.change.Row); ok {
			keys = append(keys, k)
		}
	}
	rows, err := w.Consumer.Read(ctx, keys...)
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

// put writes one object. Where another writer was first, it is decided anew, of
// the row that is there now: its pointer was written with it.
func (w *Writer) put(ctx context.Context, o Object, e Existing) (d Decision, row directory.Row, err error) {
	written, err := w.Consumer.PutRead(ctx, o.change, e.Row, func(existing directory.Row) directory.Row {
		if existing.Revision() != e.Row.Revision() || (existing == nil) != (e.Row == nil) {
			e = Existing{Row: existing, Pointer: pointerOf(existing)}
		}
		d, row = o.decide(e, w.Consumer.Projector.KeptObject), existing
		return d.Row
	})
	if err != nil {
		return d, nil, fmt.Errorf("write %s: %w", o.change.Entity, err)
	}
	if written != nil {
		row = written
	}
	return d, row, nil
}

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
	return w.Consumer.DeleteOrphans(ctx, children)
}
