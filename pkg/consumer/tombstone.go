package consumer

import (
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// tombstoneOf is what a deletion leaves. With Soft it keeps the attributes of
// the row that exists if that is of the same incarnation: else they are those
// of another membership, and the deletion's own are kept.
func (c *Consumer) tombstoneOf(deletion projector.Change, existing directory.Row) directory.Row {
	kept := deletion.Row
	if existing != nil && existing.Revision().Incarnation() == deletion.Revision.Incarnation() {
		kept = existing
	}
	r := c.newTombstone(kept, deletion.Revision, deletion.Row.Text(directory.AttrSvixID))
	r[directory.AttrDeletedAt] = time.UnixMilli(int64(deletion.Sent)).UTC().Format(directory.TimeFormat)
	r.SetText(directory.AttrInstanceID, deletion.Row.Text(directory.AttrInstanceID))
	r.Fit()
	return r
}

// tombstoneOfChild is what remains of a live row that is deleted because its
// parent is. parent is the parent's tombstone.
func (c *Consumer) tombstoneOfChild(child, parent directory.Row) directory.Row {
	revision := child.Revision().DeletedWith(parent.Revision())
	r := c.newTombstone(child, revision, parent.Text(directory.AttrSvixID))
	r[directory.AttrDeletedAt] = parent[directory.AttrDeletedAt]
	r.Fit()
	return r
}

// newTombstone is the row without what only live rows have: with Hard all
// attributes, with Soft the keys of indexes and what ObjectStorage no longer
// allows of `object`. svixID is the message that
// deleted it.
func (c *Consumer) newTombstone(row directory.Row, revision directory.Revision, svixID string) directory.Row {
	r := directory.NewRow(row.Key(), row.Text(directory.AttrKind))
	if c.Policy == Soft {
		r = row.Clone()
		for _, name := range directory.Indexes() {
			delete(r, name)
		}
		delete(r, directory.AttrSvixID)
		if object := r.Text(directory.AttrObject); object != "" {
			delete(r, directory.AttrObject)
			r.SetText(directory.AttrObject, c.Projector.KeptObject(object))
		}
	}
	r[directory.AttrRev] = string(revision)
	r.SetText(directory.AttrSvixID, svixID)
	r.SetText(directory.AttrInstanceID, row.Text(directory.AttrInstanceID))
	r[directory.AttrSyncedAt] = c.timestamp()
	return r
}
