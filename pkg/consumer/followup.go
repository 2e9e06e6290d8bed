package consumer

import (
	"context"
	"fmt"
	"slices"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// followUp keeps what belongs together: no child outlives its parent. written
// is the row that this message has just written, nil if it has not.
//
// Parent and child may be written at the same time by two consumers. Both look
// for the other after their own write is acknowledged, by consistent reads: so
// at least one of them sees the other (docs/design.md has the proof), and the
// child is deleted. A parent that an event deleted stays gone, so nothing that
// should live is deleted, however often this runs. One that was deleted by
// absence may come back; its children's tombstones then give way as its own does.
func (c *Consumer) followUp(ctx context.Context, m *message, written directory.Row) error {
	change := m.change
	switch {
	case change.Children != projector.NoChildren && written != nil:
		// The tombstone is new, so a position in the record belongs to an older one.
		return c.deleteChildren(ctx, change, written, "")
	case change.Children != projector.NoChildren:
		return c.deleteChildrenAgain(ctx, change, m.record.Position())
	case len(change.Parents) > 0:
		return c.deleteIfOrphan(ctx, change, written)
	}
	return nil
}

// deleteIfOrphan reads the parents of a row that was written and deletes the
// row if one of them is gone.
func (c *Consumer) deleteIfOrphan(ctx context.Context, change projector.Change, written directory.Row) error {
	return c.DeleteOrphans(ctx, []Child{{change, written}})
}

// Child is a change whose row has parents. Row is the row as it was last known,
// nil where it is not known.
type Child struct {
	Change projector.Change
	Row    directory.Row
}

// DeleteOrphans reads the parents of rows and deletes each row one of whose
// parents is gone. A parent without a row does not count: its message may be on
// its way. Rows of one listing often have the same parents, which are read once.
func (c *Consumer) DeleteOrphans(ctx context.Context, children []Child) error {
	var keys []directory.Key
	for _, child := range children {
		keys = append(keys, child.Change.Parents...)
	}
	if len(keys) == 0 {
		return nil
	}
	// A tombstone's state is all that its children get of it.
	var parents []directory.Row
	err := c.retryInPlace(ctx, func() (err error) {
		parents, err = directory.ReadStates(ctx, c.Table, keys...)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the parents: %w", err)
	}
	for _, child := range children {
		own := parents[:len(child.Change.Parents)]
		parents = parents[len(own):]
		if i := slices.IndexFunc(own, directory.Row.Gone); i >= 0 {
			if err := c.deleteChild(ctx, child.Change.Key, child.Row, own[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// deleteChildrenAgain is for a copy that is stale or a duplicate. The row may be
// the tombstone of another deletion: the children get the revision and the time
// of the tombstone in the table.
func (c *Consumer) deleteChildrenAgain(ctx context.Context, change projector.Change, position string) error {
	rows, err := c.Read(ctx, change.Key)
	if err != nil {
		return fmt.Errorf("read the tombstone: %w", err)
	}
	parent := rows[0]
	if !parent.Gone() {
		return nil // it was removed or put back by hand since: nothing says that it is deleted
	}
	return c.deleteChildren(ctx, change, parent, position)
}

// deleteChild replaces the live child at key by a tombstone, and deletes its
// pointer in the same transaction. child is the row as last known, nil to read
// it first; parent is the parent's tombstone.
func (c *Consumer) deleteChild(ctx context.Context, key directory.Key, child, parent directory.Row) error {
	return c.retryUntilDeadline(ctx, func() error {
		existing := child
		child = nil // an error may hide that it changed, so the next try reads it
		_, err := c.replace(ctx, key, existing, existing != nil, func(child directory.Row) (directory.Write, bool) {
			// If the child changed, it may be another incarnation now, or gone, or in
			// another organization.
			if !child.Live() || !belongsTo(child, parent) {
				return directory.Write{}, false
			}
			w := directory.Write{Row: c.tombstoneOfChild(child, parent)}
			if k, ok := directory.PointerKey(child); ok {
				w.Drop = []directory.Key{k}
			}
			return w, true
		})
		return err
	})
}

// replace makes a write of the row that exists and commits it on the condition
// that the row is unchanged since it was read; else it reads the row and makes
// another. existing is the row as last read, if it was read. written is the new
// row, nil where replacement's last word was not to write.
func (c *Consumer) replace(
	ctx context.Context, key directory.Key, existing directory.Row, wasRead bool,
	replacement func(existing directory.Row) (w directory.Write, ok bool),
) (written directory.Row, err error) {
	for ; ; wasRead = false {
		if !wasRead {
			rows, err := c.Table.Read(ctx, key)
			if err != nil {
				return nil, err
			}
			existing = rows[0]
		}
		w, ok := replacement(existing)
		if !ok {
			return nil, nil
		}
		w.If = unchangedSince(existing)
		result, err := c.Table.Write(ctx, w)
		switch {
		case err != nil:
			return nil, err
		case result == directory.Written:
			return w.Row, nil
		}
		// Another writer was first, so the loop ends without a counter; the deadline
		// stops it in any case.
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// belongsTo says whether the parent is still the child's: a domain may have
// moved to another organization.
func belongsTo(child, parent directory.Row) bool {
	return child.Text(directory.AttrKind) != directory.KindDomain ||
		directory.OrganizationKey(child.Text("org_id")) == parent.Key()
}
