package consumer

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// maxConcurrentDeletes bounds how many children are deleted at once.
const maxConcurrentDeletes = 24

// cascade is the deletion of the children of one deleted row.
type cascade struct {
	consumer *Consumer
	parent   directory.Row // its tombstone
	prefix   string        // of the children's sort keys
	// position is a sort key: under this tombstone every page up to it was listed,
	// and all the children on these pages were deleted. What was written there
	// since is deleted by its own writer, which reads the tombstone after its write
	// (docs/design.md). So no receive lists these pages again.
	position string
	deleted  atomic.Int64
}

// deleteChildren deletes the children of a row that was deleted, from the
// position on.
//
// The members of an organization can be more than one invocation can delete.
// Where the deadline stops the cascade, its error is an outOfTimeError if it
// made progress, so that the deletion goes on from there, at once, and for as long as it
// takes: each receive either moves the position or deletes children.
func (c *Consumer) deleteChildren(
	ctx context.Context, change projector.Change, parent directory.Row, position string,
) error {
	d := &cascade{consumer: c, parent: parent}
	if change.Children == projector.MembershipsOfUser {
		d.prefix = directory.PrefixMembership
	}
	// A position that is not one of this listing was put on the queue by hand.
	if strings.HasPrefix(position, d.prefix) && len(position) <= directory.MaxSK {
		d.position = position
	}
	start := d.position
	err := d.run(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && (d.deleted.Load() > 0 || d.position != start):
		return outOfTimeError{d.position}
	}
	return fmt.Errorf("delete the children: %w", err)
}

// run lists the live rows below the parent, page by page, and deletes those that
// are its children.
func (d *cascade) run(ctx context.Context) error {
	for {
		var page []directory.Row
		var next string
		err := d.consumer.retryUntilDeadline(ctx, func() (err error) {
			page, next, err = d.consumer.Table.Live(ctx, d.parent.Key().PK, d.prefix, d.position)
			return err
		})
		if err == nil {
			err = d.deletePage(ctx, page)
		}
		if err != nil || next == "" {
			return err
		}
		// Only now: the position says that everything before it is done.
		d.position = next
	}
}

// deletePage deletes the children on one page of a listing, and waits for all.
func (d *cascade) deletePage(ctx context.Context, page []directory.Row) error {
	var g errgroup.Group
	g.SetLimit(maxConcurrentDeletes)
	for _, listed := range page {
		key, child, ok := childOf(listed)
		if !ok {
			continue
		}
		g.Go(func() error {
			err := catchPanic(func() error { return d.consumer.deleteChild(ctx, key, child, d.parent) })
			if err == nil {
				d.deleted.Add(1)
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
