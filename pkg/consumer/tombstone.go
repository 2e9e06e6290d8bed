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
	r.SetText(directory.AttrDeletedBy, parent.Text(directory.AttrDeletedBy))
	r.SetText(directory.AttrReadAt, parent.Text(directory.AttrReadAt))
	r.Fit()
	return r
}

// tombstoneOfAbsence is what remains of a live row whose object Clerk's API
// denied. Its revision is not terminal: an absence may be false.
func (c *Consumer) tombstoneOfAbsence(row directory.Row, firstLook time.Time) directory.Row {
	at := firstLook.UnixMilli()
	r := c.newTombstone(row, directory.Order{
		Incarnation: row.Revision().Incarnation(), Updated: at, Sent: at, SvixID: directory.Absence,
	}.Revision(), "")
	r[directory.AttrDeletedAt] = firstLook.UTC().Format(directory.TimeFormat)
	r[directory.AttrDeletedBy] = directory.Absence
	r[directory.AttrReadAt] = r[directory.AttrDeletedAt]
	r.Fit()
	return r
}

// newTombstone is the row without what only live rows have: with Hard all
// attributes, with Soft the keys of indexes and what ObjectStorage no longer
// allows of `object`. svixID is the message that deleted it.
func (c *Consumer) newTombstone(row directory.Row, revision directory.Revision, svixID string) directory.Row {
	r := directory.NewRow(row.Key(), row.Text(directory.AttrKind))
	if c.Policy == Soft {
		r = c.withKeptObject(row)
		for _, name := range directory.Indexes() {
			delete(r, name)
		}
		for _, name := range []string{directory.AttrSvixID, directory.AttrReadAt, directory.AttrDeletedBy} {
			delete(r, name) // these say who wrote the row that is deleted
		}
	}
	r[directory.AttrRev] = string(revision)
	r.SetText(directory.AttrSvixID, svixID)
	r.SetText(directory.AttrInstanceID, row.Text(directory.AttrInstanceID))
	r[directory.AttrSyncedAt] = c.timestamp()
	return r
}

// Retained is what Policy and ObjectStorage allow of a row that is there: it may
// have been written under other settings. A change of settings rewrites nothing
// by itself; `clerksync scrub` does, by this. It needs Projector and Policy alone.
func (c *Consumer) Retained(row directory.Row) directory.Row {
	if !row.Gone() || c.Policy == Soft {
		return c.withKeptObject(row)
	}
	r := directory.NewRow(row.Key(), row.Text(directory.AttrKind))
	for _, name := range []string{
		directory.AttrRev, directory.AttrSvixID, directory.AttrSyncedAt, directory.AttrInstanceID,
		directory.AttrDeletedAt, directory.AttrDeletedBy, directory.AttrReadAt,
	} {
		r.SetText(name, row.Text(name))
	}
	return r
}

// withKeptObject is a copy of the row with what ObjectStorage allows of `object`.
func (c *Consumer) withKeptObject(row directory.Row) directory.Row {
	r := row.Clone()
	if object := r.Text(directory.AttrObject); object != "" {
		delete(r, directory.AttrObject)
		r.SetText(directory.AttrObject, c.Projector.KeptObject(object))
	}
	return r
}
