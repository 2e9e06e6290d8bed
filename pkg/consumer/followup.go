package consumer

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// maxConcurrentDeletes bounds how many children are deleted at once.
const maxConcurrentDeletes = 24

// followUp keeps what belongs together: no child outlives its parent. written
// is the row that this message has just written, nil if it has not.
//
// Parent and child may be written at the same time by two consumers. Both look
// for the other after their own write is acknowledged, by consistent reads: so
// at least one of them sees the other (docs/design.md has the proof), and the
// child is deleted. A parent that is gone stays gone, so nothing that should
// live is deleted, however often this runs.
func (c *Consumer) followUp(ctx context.Context, change projector.Change, written directory.Row) error {
	switch {
	case change.Children != projector.NoChildren:
		return c.deleteChildren(ctx, change, written)
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

// deleteChildren deletes the children of a row that was deleted.
func (c *Consumer) deleteChildren(ctx context.Context, change projector.Change, written directory.Row) error {
	parent := written
	if parent == nil {
		// This copy is stale or a duplicate. The row may be the tombstone of
		// another deletion: the children take over what the table has.
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
	}
	if !parent.Gone() {
		return nil // it was removed or put back by hand since: nothing says that it is deleted
	}
	var deleted atomic.Int64
	err := c.deleteBelow(ctx, parent, change.Children, &deleted)
	switch {
	case err == nil:
		return nil
	case deleted.Load() > 0 && ctx.Err() != nil:
		// The next receive lists live children alone, so it goes on from here.
		return errOutOfTime
	}
	return fmt.Errorf("delete the children: %w", err)
}

// deleteBelow lists the live rows below the parent, page by page, and deletes
// those that are its children. It counts in deleted also where it fails.
func (c *Consumer) deleteBelow(
	ctx context.Context, parent directory.Row, children projector.Children, deleted *atomic.Int64,
) error {
	prefix := ""
	if children == projector.MembershipsOfUser {
		prefix = directory.PrefixMembership
	}
	for after := ""; ; {
		var page []directory.Row
		err := c.retryUntilDeadline(ctx, func() error {
			rows, next, err := c.Table.Live(ctx, parent.Key().PK, prefix, after)
			if err == nil { // a page that failed is asked for again, not the first
				page, after = rows, next
			}
			return err
		})
		if err == nil {
			err = c.deletePage(ctx, page, parent, deleted)
		}
		if err != nil || after == "" {
			return err
		}
	}
}

// deletePage deletes the children on one page of a listing, and waits for all.
func (c *Consumer) deletePage(
	ctx context.Context, page []directory.Row, parent directory.Row, deleted *atomic.Int64,
) error {
	var g errgroup.Group
	g.SetLimit(maxConcurrentDeletes)
	for _, listed := range page {
		key, child, ok := childOf(listed)
		if !ok {
			continue
		}
		g.Go(func() error {
			err := catchPanic(func() error { return c.deleteChild(ctx, key, child, parent) })
			if err == nil {
				deleted.Add(1)
			}
			return err
		})
	}
	return g.Wait()
}

// childOf is the child that a listed row stands for: the row itself, or the
// one that a pointer points to, which is not read yet and so nil.
func childOf(listed directory.Row) (key directory.Key, child directory.Row, ok bool) {
	switch listed.Text(directory.AttrKind) {
	case directory.KindMembership, directory.KindInvitation:
		return listed.Key(), listed, true
	case directory.KindMembershipOf:
		return directory.MembershipKey(listed.Text("org_id"), listed.Text("user_id")), nil, true
	case directory.KindDomainOf:
		return directory.DomainKey(listed.Text("id")), nil, true
	}
	return directory.Key{}, nil, false
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
