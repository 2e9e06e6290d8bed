package simulation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// buggyTable is an invocation's table with another Write.
type buggyTable struct {
	*tableClient
	write func(context.Context, *tableClient, directory.Write) (directory.Result, error)
}

func withWrite(
	write func(context.Context, *tableClient, directory.Write) (directory.Result, error),
) func(*tableClient) directory.Table {
	return func(t *tableClient) directory.Table { return buggyTable{t, write} }
}

// Write implements directory.Table.
func (t buggyTable) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	return t.write(ctx, t.tableClient, w)
}

// checkThenAct reads the ledger first and then writes without its condition.
func checkThenAct(ctx context.Context, t *tableClient, w directory.Write) (directory.Result, error) {
	if w.LedgerEntry == nil {
		return t.Write(ctx, w)
	}
	recorded := false
	id, memory := w.LedgerEntry.SvixID, t.scheduler.memory
	err := t.read(ctx, t.by.callName("read ledger", id), []directory.Key{ledgerKey(id)}, func() error {
		_, recorded = memory.ledger[id]
		recorded = recorded && !memory.underWay(ledgerKey(id))
		return nil
	})
	switch {
	case err != nil:
		return 0, err
	case recorded:
		return directory.AlreadyRecorded, nil
	}
	r := correctRules()
	r.ignoreLedger = true
	return t.writeBy(ctx, w, r)
}

func ledgerFirst(ctx context.Context, t *tableClient, w directory.Write) (directory.Result, error) {
	if w.LedgerEntry == nil || w.Row == nil {
		return t.Write(ctx, w)
	}
	entry := directory.Write{LedgerEntry: w.LedgerEntry}
	w.LedgerEntry = nil
	return writeBoth(ctx, t, entry, w)
}

func effectFirst(ctx context.Context, t *tableClient, w directory.Write) (directory.Result, error) {
	if w.LedgerEntry == nil || w.Row == nil {
		return t.Write(ctx, w)
	}
	entry := directory.Write{LedgerEntry: w.LedgerEntry}
	w.LedgerEntry = nil
	return writeBoth(ctx, t, w, entry)
}

func pointerAfterRow(ctx context.Context, t *tableClient, w directory.Write) (directory.Result, error) {
	pointer := directory.Write{Put: w.Put, Drop: w.Drop}
	if w.Put, w.Drop = nil, nil; len(pointer.Put)+len(pointer.Drop) == 0 {
		return t.Write(ctx, w)
	}
	return writeBoth(ctx, t, w, pointer)
}

// writeBoth makes of one transaction two, the second where the first was
// written.
func writeBoth(ctx context.Context, t *tableClient, first, second directory.Write) (directory.Result, error) {
	if r, err := t.Write(ctx, first); err != nil || r != directory.Written {
		return r, err
	}
	return t.Write(ctx, second)
}

// deleteUnconditionally deletes a deleted parent's children as they may not be
// any more.
func deleteUnconditionally(ctx context.Context, t *tableClient, w directory.Write) (directory.Result, error) {
	if w.LedgerEntry != nil {
		return t.Write(ctx, w)
	}
	return t.writeBy(ctx, w, rules{holds: func(directory.Condition, directory.Row) bool { return true }})
}

// deleteByRev leaves out that a row of that kind must be the one that was read,
// which says where its pointer is.
func deleteByRev(kind string) func(*tableClient) directory.Table {
	return withWrite(func(ctx context.Context, t *tableClient, w directory.Write) (directory.Result, error) {
		if w.LedgerEntry != nil && w.Row.Gone() && w.Row.Text("kind") == kind {
			w.If = directory.IfNewer(w.Row.Revision())
		}
		return t.Write(ctx, w)
	})
}

// withOrder has another comparison in the condition that a row is newer.
func withOrder(newer func(old, rev string, m *monitor) bool) func(*tableClient) directory.Table {
	return withWrite(func(ctx context.Context, t *tableClient, w directory.Write) (directory.Result, error) {
		return t.writeBy(ctx, w, rules{holds: func(c directory.Condition, row directory.Row) bool {
			if rev, ok := c.Newer(); ok && row.Text("rev") != "" {
				return newer(row.Text("rev"), string(rev), t.scheduler.monitor)
			}
			return c.Holds(row)
		}})
	})
}

// revFields are the fields of a revision: incarnation (two), terminal,
// updated, rank, sent, svix id.
func revFields(rev string) []string { return strings.SplitN(rev, "-", 7) }

// upToDashOfID is a revision without what follows the first dash of its svix id.
func upToDashOfID(rev string) string { return strings.Join(strings.Split(rev, "-")[:7], "-") }

func withoutRevField(rev string, field int) string {
	f := revFields(rev)
	f[field] = ""
	return strings.Join(f, "-")
}

// unnormalised is a revision with the envelope's time as it was written, in
// seconds or ms.
func unnormalised(rev string, m *monitor) string {
	f := revFields(rev)
	if msg := m.messages[f[6]]; msg != nil {
		f[5] = fmt.Sprintf("%015d", msg.sentAsWritten)
	}
	return fmt.Sprint(f)
}

// indexTable is an invocation's table that lists by an index.
type indexTable struct{ *tableClient }

// Live implements directory.Table.
func (t indexTable) Live(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
	var rows []directory.Row
	var next string
	err := t.list(ctx, pk, prefix, after, func() error {
		rows, next = t.scheduler.memory.page(t.scheduler.memory.index, pk, prefix, after)
		return nil
	})
	return rows, next, err
}

// panicProofTable takes a write that panicked for one that took place.
type panicProofTable struct{ *tableClient }

// Write implements directory.Table.
func (t panicProofTable) Write(ctx context.Context, w directory.Write) (r directory.Result, err error) {
	defer func() {
		if recover() != nil {
			r, err = directory.Written, nil
		}
	}()
	return t.tableClient.Write(ctx, w)
}

// newerByClock orders rows by the times at which they were written.
func newerByClock(ctx context.Context, t *tableClient, w directory.Write) (directory.Result, error) {
	return t.writeBy(ctx, w, rules{holds: func(c directory.Condition, row directory.Row) bool {
		if _, ok := c.Newer(); ok && row != nil {
			return row.Text("synced_at") < w.Row.Text("synced_at")
		}
		return c.Holds(row)
	}})
}

// keepObject writes the object that a row has given up for its size.
func keepObject(ctx context.Context, t *tableClient, w directory.Write) (directory.Result, error) {
	if w.Row.Live() && w.Row["omitted"] != nil {
		w.Row = w.Row.Clone()
		delete(w.Row, "omitted")
		w.Row["object"] = "{" + strings.Repeat(" ", directory.MaxRowBytes) + "}"
	}
	return t.Write(ctx, w)
}

// keepForbiddenObject writes an object with what it must not hold.
func keepForbiddenObject(ctx context.Context, t *tableClient, w directory.Write) (directory.Result, error) {
	if w.Row.Live() && w.Row["omitted"] == nil {
		w.Row = w.Row.Clone()
		w.Row["object"] = `{"url":"secret"}`
	}
	return t.Write(ctx, w)
}

// keepWhatHasNoRev leaves out that a row without `rev` loses.
func keepWhatHasNoRev(ctx context.Context, t *tableClient, w directory.Write) (directory.Result, error) {
	return t.writeBy(ctx, w, rules{holds: func(c directory.Condition, row directory.Row) bool {
		_, newer := c.Newer()
		return c.Holds(row) && (!newer || row == nil || row.Text("rev") != "")
	}})
}

// giveUpAtOnce takes the first refusal of a write for a permanent error.
func giveUpAtOnce(ctx context.Context, t *tableClient, w directory.Write) (directory.Result, error) {
	r, err := t.Write(ctx, w)
	if errors.Is(err, directory.ErrWriteRefused) {
		err = delivery.ErrPermanent
	}
	return r, err
}
