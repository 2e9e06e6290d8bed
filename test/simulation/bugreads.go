package simulation

import (
	"context"
	"slices"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// emptyEndTable is an invocation's table that takes an empty page for the last
// one: its rows were tombstones, or were deleted between the listing and the read.
type emptyEndTable struct{ *tableClient }

// Live implements directory.Table.
func (t emptyEndTable) Live(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
	rows, next, err := t.tableClient.Live(ctx, pk, prefix, after)
	if len(rows) == 0 {
		next = ""
	}
	return rows, next, err
}

// halfReadTable is an invocation's table that takes a row for absent if it could
// not read it together with the others, as one who overlooks UnprocessedKeys does.
type halfReadTable struct{ *tableClient }

// Read implements directory.Table.
func (t halfReadTable) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	all := make([]directory.Row, len(keys))
	for i, k := range keys {
		rows, err := t.tableClient.Read(ctx, k)
		switch {
		case err == nil:
			all[i] = rows[0]
		case len(keys) == 1:
			return nil, err
		}
	}
	return all, nil
}

// earlyReadTable is an invocation's table that reads the first of two parents
// before the child's write and the second one after it, and returns both as if
// they were of one moment.
type earlyReadTable struct {
	*tableClient
	early *[]earlyRead // behind the harness's mu
}

// earlyRead is a parent as it was before the write of one of its children.
type earlyRead struct {
	parents []directory.Key
	first   directory.Row
}

// Write implements directory.Table.
func (t earlyReadTable) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	if w.LedgerEntry == nil || !w.Row.Live() || w.Row.Text("kind") != directory.KindMembership {
		return t.tableClient.Write(ctx, w)
	}
	parents := t.scheduler.monitor.messages[w.LedgerEntry.SvixID].parents
	rows, err := t.tableClient.Read(ctx, parents[0])
	if err != nil {
		return 0, err
	}
	t.scheduler.harness.report(func() { *t.early = append(*t.early, earlyRead{parents, rows[0]}) })
	return t.tableClient.Write(ctx, w)
}

// Read implements directory.Table.
func (t earlyReadTable) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	var early *earlyRead
	t.scheduler.harness.report(func() {
		for _, e := range *t.early {
			if slices.Equal(e.parents, keys) {
				early = &e
			}
		}
	})
	if early == nil {
		return t.tableClient.Read(ctx, keys...)
	}
	rows, err := t.tableClient.Read(ctx, keys[1])
	if err != nil {
		return nil, err
	}
	return []directory.Row{early.first, rows[0]}, nil
}

// hastyQueue is an invocation's queue with which a dead letter counts as sent
// whatever the answer was.
type hastyQueue struct{ *queueClient }

// DeadLetter implements consumer.Queue.
func (q hastyQueue) DeadLetter(ctx context.Context, r delivery.Record, reason string) error {
	_ = q.queueClient.DeadLetter(ctx, r, reason)
	return nil
}
