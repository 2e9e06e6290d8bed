package consumer

import (
	"context"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// commit makes the change in one transaction with its Deliveries row, and
// says how it came out. written is the row, where it was written.
func (c *Consumer) commit(ctx context.Context, t *task) (Outcome, directory.Row, error) {
	ch := t.change
	readFirst := ch.ReadFirst || ch.Delete && c.Policy == Soft
	for {
		w := directory.Write{LedgerEntry: c.deliveryRow(t, Applied), If: directory.IfNewer(ch.Revision)}
		var there directory.Row
		if readFirst {
			rows, err := c.Table.Read(ctx, ch.Key)
			if err != nil {
				return Failed, nil, err
			}
			there = rows[0]
			if there != nil && there.Revision() >= ch.Revision {
				return c.recordStale(ctx, t)
			}
			w.If = ifStill(there)
		}
		c.fill(&w, ch, there)
		result, err := c.Table.Write(ctx, w)
		switch {
		case err != nil:
			return Failed, nil, err
		case result == directory.Written:
			return Applied, w.Row, nil
		case result == directory.AlreadyRecorded:
			return Duplicate, nil, nil
		case !readFirst:
			return c.recordStale(ctx, t)
		}
		if err := ctx.Err(); err != nil {
			return Failed, nil, err
		}
	}
}

func ifStill(there directory.Row) directory.Condition {
	if there == nil {
		return directory.IfAbsent()
	}
	return directory.IfUnchanged(there.Revision())
}

// fill completes the write: the row as it shall be, and its pointer, which is
// there exactly while the row is live.
func (c *Consumer) fill(w *directory.Write, ch projector.Change, there directory.Row) {
	if ch.Delete {
		w.Row = c.tombstone(ch, there)
	} else {
		w.Row = ch.Row.Clone()
		w.Row[directory.AttrSyncedAt] = c.stamp()
		w.Row.Fit() // first, so that the pointer is a function of the row as it is kept
		if p := directory.Pointer(w.Row); p != nil {
			w.Put = []directory.Row{p}
		}
	}
	for _, r := range []directory.Row{there, ch.Row} {
		k, ok := directory.PointerKey(r)
		if !ok || len(w.Put) > 0 && w.Put[0].Key() == k || len(w.Drop) > 0 && w.Drop[0] == k {
			continue
		}
		w.Drop = append(w.Drop, k)
	}
}

// recordStale notes that something newer was there, unless the message was
// recorded before: then it is a duplicate, which is told first.
func (c *Consumer) recordStale(ctx context.Context, t *task) (Outcome, directory.Row, error) {
	result, err := c.Table.Write(ctx, directory.Write{LedgerEntry: c.deliveryRow(t, Stale)})
	switch {
	case err != nil:
		return Failed, nil, err
	case result == directory.AlreadyRecorded:
		return Duplicate, nil, nil
	}
	return Stale, nil, nil
}

func (c *Consumer) deliveryRow(t *task, outcome Outcome) *directory.LedgerEntry {
	now := c.Now()
	return &directory.LedgerEntry{
		SvixID:      t.delivery.SvixID,
		EventType:   t.delivery.EventType,
		Entity:      t.change.Entity,
		Outcome:     string(outcome),
		ReceivedAt:  t.delivery.ReceivedAt,
		ProcessedAt: now,
		ExpiresAt:   now.Add(c.Retention),
	}
}

// tombstone is what a deletion leaves: with Soft what was there of the same
// incarnation, else what the deletion itself tells.
func (c *Consumer) tombstone(ch projector.Change, there directory.Row) directory.Row {
	kept := ch.Row
	if there != nil && there.Revision().Incarnation() == ch.Revision.Incarnation() {
		kept = there
	}
	r := c.ended(kept)
	r[directory.AttrRev] = string(ch.Revision)
	r[directory.AttrDeletedAt] = time.UnixMilli(int64(ch.Sent)).UTC().Format(directory.TimeFormat)
	delete(r, directory.AttrSvixID)
	for _, name := range []string{directory.AttrSvixID, directory.AttrInstanceID} {
		r.SetText(name, ch.Row.Text(name))
	}
	r.Fit()
	return r
}

// ended is the row without what only live rows have: with Hard its attributes,
// with Soft its place in the indexes.
func (c *Consumer) ended(row directory.Row) directory.Row {
	r := directory.NewRow(row.Key(), row.Text(directory.AttrKind))
	if c.Policy == Soft {
		r = row.Clone()
		for _, name := range directory.Indexes() {
			delete(r, name)
		}
	}
	r.SetText(directory.AttrInstanceID, row.Text(directory.AttrInstanceID))
	r[directory.AttrSyncedAt] = c.stamp()
	return r
}

func (c *Consumer) stamp() string { return c.Now().UTC().Format(directory.TimeFormat) }
