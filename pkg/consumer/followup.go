package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Two errors are no fault of the message: it comes again at once.
var (
	// errOutOfTime says that a cascade got on and was stopped by the deadline.
	errOutOfTime = errors.New("consumer: the deletion's children are not all ended yet")
	// errNotTried says that the invocation's time was over before its turn.
	errNotTried = errors.New("consumer: the invocation's time was over")
)

// ending bounds how many children are ended at once.
const ending = 24

// followUp does what belongs to the message beside its own row, for applied,
// stale and duplicate ones alike: whoever came first may have died before.
// written is the row that this message wrote just now, nil where it did not.
func (c *Consumer) followUp(ctx context.Context, ch projector.Change, written directory.Row) error {
	switch {
	case ch.Children != projector.NoChildren:
		return c.endChildren(ctx, ch, written)
	case len(ch.Parents) > 0:
		return c.endOrphan(ctx, ch, written)
	}
	return nil
}

// endOrphan reads the parents after the child's own write is acknowledged and
// ends the child if one of them is gone.
func (c *Consumer) endOrphan(ctx context.Context, ch projector.Change, written directory.Row) error {
	var parents []directory.Row
	err := c.retry(ctx, inPlaceTries, func() (err error) {
		parents, err = c.Table.Read(ctx, ch.Parents...)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the parents: %w", err)
	}
	for _, p := range parents {
		if p.Gone() {
			return c.end(ctx, ch.Key, written, p)
		}
	}
	return nil
}

// endChildren ends what hangs on a deleted row, page by page.
func (c *Consumer) endChildren(ctx context.Context, ch projector.Change, written directory.Row) error {
	parent := written
	if parent == nil {
		err := c.retry(ctx, inPlaceTries, func() error {
			rows, err := c.Table.Read(ctx, ch.Key)
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
		return nil // removed by hand since: nothing is known to be deleted
	}
	prefix := ""
	if ch.Children == projector.MembershipsOfUser {
		prefix = directory.PrefixMembership
	}
	var ended atomic.Int64
	for after, more := "", true; more; more = after != "" {
		var page []directory.Row
		err := c.retry(ctx, untilTheEnd, func() error {
			rows, next, err := c.Table.Live(ctx, ch.Key.PK, prefix, after)
			if err == nil { // a page that failed is asked for again, not the first
				page, after = rows, next
			}
			return err
		})
		if err == nil {
			err = c.endAll(ctx, page, parent, &ended)
		}
		if err != nil {
			if ended.Load() > 0 && ctx.Err() != nil {
				return errOutOfTime
			}
			return fmt.Errorf("end the children: %w", err)
		}
	}
	return nil
}

// endAll ends the children on one page of a listing.
func (c *Consumer) endAll(ctx context.Context, page []directory.Row, parent directory.Row, ended *atomic.Int64) error {
	var g errgroup.Group
	g.SetLimit(ending)
	for _, r := range page {
		key, row, ok := child(r)
		if !ok {
			continue
		}
		g.Go(func() (err error) {
			defer func() {
				if p := recover(); p != nil {
					err = panicked(p)
				}
			}()
			if err = c.end(ctx, key, row, parent); err == nil {
				ended.Add(1)
			}
			return err
		})
	}
	return g.Wait()
}

// child is what a listed row stands for: itself, or the row behind a pointer,
// which is not known yet.
func child(r directory.Row) (directory.Key, directory.Row, bool) {
	switch r.Text(directory.AttrKind) {
	case directory.KindMembership, directory.KindInvitation:
		return r.Key(), r, true
	case directory.KindMembershipOf:
		return directory.MembershipKey(r.Text("org_id"), r.Text("user_id")), nil, true
	case directory.KindDomainOf:
		return directory.DomainKey(r.Text("id")), nil, true
	}
	return directory.Key{}, nil, false
}

// end makes a tombstone of the live child at key, in one transaction with its
// pointer, on the condition that it is as it was read; else it is read again.
// row is the child as last known, nil to read it.
func (c *Consumer) end(ctx context.Context, key directory.Key, row, parent directory.Row) error {
	return c.retry(ctx, untilTheEnd, func() error {
		for ; ; row = nil {
			if row == nil {
				rows, err := c.Table.Read(ctx, key)
				if err != nil {
					return err
				}
				row = rows[0]
			}
			if !row.Live() || !belongs(row, parent) {
				return nil
			}
			result, err := c.Table.Write(ctx, c.ending(row, parent))
			if err != nil || result == directory.Written {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	})
}

// belongs says whether the parent is still the child's: a domain may have
// moved to another organization.
func belongs(row, parent directory.Row) bool {
	return row.Text(directory.AttrKind) != directory.KindDomain ||
		directory.OrganizationKey(row.Text("org_id")) == parent.Key()
}

func (c *Consumer) ending(row, parent directory.Row) directory.Write {
	r := c.ended(row)
	r[directory.AttrRev] = string(row.Revision().EndedBy(parent.Revision()))
	r[directory.AttrDeletedAt] = parent[directory.AttrDeletedAt]
	delete(r, directory.AttrSvixID)
	r.SetText(directory.AttrSvixID, parent.Text(directory.AttrSvixID))
	r.Fit()
	w := directory.Write{Row: r, If: directory.IfUnchanged(row.Revision())}
	if k, ok := directory.PointerKey(row); ok {
		w.Drop = []directory.Key{k}
	}
	return w
}
