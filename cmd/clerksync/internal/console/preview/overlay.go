package preview

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/pkg/directory"
)

// overlay is a table whose rows are those of another, but for what is written
// here, which the other never hears of. It decides by Condition.Holds, as every
// table does. A write and what it compares are not one step, for in a preview
// nobody else writes to it; that the other table may change meanwhile is the
// nature of a preview.
type overlay struct {
	below directory.Table
	rows  *deployment.Rows // reads the Deliveries table below
	stop  func()           // ends the preview: after an error there is nothing to say

	mu     sync.Mutex                      // a cascade deletes several children at once
	above  map[directory.Key]directory.Row // nil for a row that is gone
	ledger map[string]directory.LedgerEntry
	failed error // the first error of what is below
}

func newOverlay(below directory.Table, rows *deployment.Rows, stop func()) *overlay {
	return &overlay{
		below: below, rows: rows, stop: stop,
		above: map[directory.Key]directory.Row{}, ledger: map[string]directory.LedgerEntry{},
	}
}

// fail notes an error of the tables below. The consumer would try again for as long
// as it may. o.mu is held.
func (o *overlay) fail(err error) error {
	if o.failed == nil {
		o.failed = err
		o.stop()
	}
	return err
}

// Read reads what was written here, and the rest below.
func (o *overlay) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.read(ctx, keys...)
}

// read is Read. o.mu is held.
func (o *overlay) read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	rows, err := o.below.Read(ctx, keys...)
	if err != nil {
		return nil, o.fail(err)
	}
	for i, k := range keys {
		if row, ok := o.above[k]; ok {
			rows[i] = row.Clone()
		}
	}
	return rows, nil
}

// Live reads a page below, less what is no longer live here, with what is.
func (o *overlay) Live(ctx context.Context, pk, prefix, after string) (rows []directory.Row, next string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	rows, next, err = o.below.Live(ctx, pk, prefix, after)
	if err != nil {
		return nil, "", o.fail(err)
	}
	rows = slices.DeleteFunc(rows, func(r directory.Row) bool {
		_, ok := o.above[r.Key()]
		return ok
	})
	for k, row := range o.above {
		inPage := k.PK == pk && strings.HasPrefix(k.SK, prefix) && k.SK > after && (next == "" || k.SK <= next)
		if inPage && row.Live() {
			rows = append(rows, row.Clone())
		}
	}
	slices.SortFunc(rows, func(a, b directory.Row) int { return strings.Compare(a.Key().SK, b.Key().SK) })
	return rows, next, nil
}

// Write writes here.
func (o *overlay) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if e := w.LedgerEntry; e != nil {
		first, err := o.entry(ctx, e.SvixID)
		if err != nil {
			return 0, err
		}
		if first != nil {
			w.ShowExisting(directory.Existing{LedgerEntry: first})
			return directory.AlreadyRecorded, nil
		}
	}
	if w.Row != nil {
		existing, err := o.read(ctx, w.Row.Key())
		if err != nil {
			return 0, err
		}
		if !w.If.Holds(existing[0]) {
			w.ShowExisting(directory.Existing{Revision: existing[0].Revision()})
			return directory.ConditionFailed, nil
		}
		o.above[w.Row.Key()] = w.Row.Clone()
	}
	if w.LedgerEntry != nil {
		o.ledger[w.LedgerEntry.SvixID] = *w.LedgerEntry
	}
	for _, row := range w.Put {
		o.above[row.Key()] = row.Clone()
	}
	for _, k := range w.Drop {
		o.above[k] = nil
	}
	return directory.Written, nil
}

// entry is the message's row in the Deliveries table, nil for none. o.mu is held.
func (o *overlay) entry(ctx context.Context, svixID string) (*directory.LedgerEntry, error) {
	if e, ok := o.ledger[svixID]; ok {
		return &e, nil
	}
	found, err := o.rows.Delivery(ctx, svixID)
	if err != nil {
		return nil, o.fail(err) //nolint:wrapcheck // it names the table
	}
	if len(found) == 0 {
		return nil, nil //nolint:nilnil // none is no error
	}
	row := found[0]
	received, _ := time.Parse(time.RFC3339Nano, row.Text("received_at")) // unreadable is not known
	return &directory.LedgerEntry{
		SvixID: svixID, EventType: row.Text("event_type"), Entity: row.Text("entity"), Outcome: row.Text("outcome"),
		ReceivedAt: received,
	}, nil
}
