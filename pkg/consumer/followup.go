package consumer

import (
	"context"
	"fmt"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// followUp keeps what belongs together: no child outlives its parent. written
// is the row that this message has just written, nil if it has not.
//
// Parent and child may be written at the same time by two consumers. Both look
// for the other after their own write is acknowledged, by consistent reads: so
// at least one of them sees the other (docs/design.md has the proof), and the
// child is deleted. A parent that is gone stays gone, so nothing that should
// live is deleted, however often this runs.
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
// row if one of them is gone. A parent without a row does not count: its
// message may be on its way.
func (c *Consumer) deleteIfOrphan(ctx context.Context, change projector.Change, written directory.Row) error {
	var parents []directory.Row
	err := c.retryInPlace(ctx, func() (err error) {
		parents, err = c.Table.Read(ctx, change.Parents...)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the parents: %w", err)
	}
	for _, parent := range parents {
		if parent.Gone() {
			return c.deleteChild(ctx, change.Key, written, parent)
		}
	}
	return nil
}

// deleteChildrenAgain is for a copy that is stale or a duplicate. The row may be
// the tombstone of another deletion: the children get the revision and the time
// of the tombstone in the table.
func (c *Consumer) deleteChildrenAgain(ctx context.Context, change projector.Change, position string) error {
	var parent directory.Row
	err := c.retryInPlace(ctx, func() error {
		rows, err := c.Table.Read(ctx, change.Key)
		if err == nil {
			parent = rows[0]
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read the tombstone: %w", err)
	}
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
		for ; ; child = nil {
			if child == nil {
				rows, err := c.Table.Read(ctx, key)
				if err != nil {
					return err
				}
				child = rows[0]
			}
			if !child.Live() || !belongsTo(child, parent) {
				return nil
			}
			// The tombstone is made of the child as it was read, so it is written
			// only if that is unchanged. If it lost, the child is read again: it
			// may be another incarnation now, or gone, or in another organization.
			w := directory.Write{Row: c.tombstoneOfChild(child, parent), If: unchangedSince(child)}
			if k, ok := directory.PointerKey(child); ok {
				w.Drop = []directory.Key{k}
			}
			result, err := c.Table.Write(ctx, w)
			if err != nil || result == directory.Written {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	})
}

// belongsTo says whether the parent is still the child's: a domain may have
// moved to another organization.
func belongsTo(child, parent directory.Row) bool {
	return child.Text(directory.AttrKind) != directory.KindDomain ||
		directory.OrganizationKey(child.Text("org_id")) == parent.Key()
}
