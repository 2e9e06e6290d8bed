package simulation

import (
	"context"
	"fmt"
	"slices"

	"github.com/clerksync/clerksync/pkg/directory"
)

// noFollowUpTable is an invocation's table with which the consumer leaves out
// the follow-ups of some messages: the rows that the follow-up reads first are
// missing, once.
type noFollowUpTable struct {
	*tableClient
	leaveOut func(r directory.Result, parentsChecked bool) bool
	missing  [][]directory.Key // behind the harness's mu
}

func withoutFollowUp(
	leaveOut func(r directory.Result, parentsChecked bool) bool,
) func(*tableClient) directory.Table {
	return func(t *tableClient) directory.Table { return &noFollowUpTable{tableClient: t, leaveOut: leaveOut} }
}

// Write implements directory.Table. Where the bug is of that kind, the
// transaction itself checks that no parent is deleted.
func (t *noFollowUpTable) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	if w.LedgerEntry == nil {
		return t.tableClient.Write(ctx, w)
	}
	m := t.scheduler.monitor.messages[w.LedgerEntry.SvixID]
	r := correctRules()
	parentsChecked := w.Row.Live() && len(m.parents) > 0 && t.leaveOut(directory.Written, true)
	if parentsChecked {
		r.conditionChecks = m.parents
	}
	result, err := t.writeBy(ctx, w, r)
	if err == nil && parentsChecked && result == directory.ConditionFailed {
		parentsChecked = false // a parent is deleted, or the row is newer: go on as is right
		result, err = t.tableClient.Write(ctx, w)
	}
	if err == nil && t.leaveOut(result, parentsChecked) {
		keys := m.parents
		if m.deletion {
			keys = []directory.Key{m.key}
		}
		t.scheduler.harness.report(func() { t.missing = append(t.missing, keys) })
	}
	return result, err
}

// Read implements directory.Table.
func (t *noFollowUpTable) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	i := -1
	t.scheduler.harness.report(func() {
		i = slices.IndexFunc(t.missing, func(m []directory.Key) bool { return slices.Equal(m, keys) })
		if i >= 0 {
			t.missing = slices.Delete(t.missing, i, i+1)
		}
	})
	if i >= 0 {
		return make([]directory.Row, len(keys)), nil
	}
	return t.tableClient.Read(ctx, keys...)
}

// trustingTable is an invocation's table with which the writer of a child does
// not delete it while the deletion of its parent goes on.
type trustingTable struct{ *tableClient }

// Read implements directory.Table.
func (t trustingTable) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	if len(keys) == 1 { // the deletion itself reads the tombstone
		return t.tableClient.Read(ctx, keys...)
	}
	rows := make([]directory.Row, len(keys))
	err := t.read(ctx, t.by.callName("read", fmt.Sprint(keys)), keys, func() error {
		for i, k := range keys {
			if r := t.scheduler.memory.rows[k]; !r.Gone() || !t.scheduler.goesOn(k, "") {
				rows[i] = r
			}
		}
		return nil
	})
	return rows, err
}
