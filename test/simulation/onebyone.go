package simulation

import (
	"context"
	"slices"

	"github.com/clerksync/clerksync/pkg/directory"
)

// A BatchGetItem and a page of a Query are no snapshots: each row is as it was
// at a moment of its own
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation).
// Some invocations therefore read row by row, and whatever the scheduler
// chooses happens between two of them. A real table does this by itself.
func (t *tableClient) readsOneByOne() bool {
	return t.scheduler.memory != nil && t.scheduler.random != nil && t.by.id%2 == 0
}

// readOneByOne reads rows in one order or the other.
func (t *tableClient) readOneByOne(ctx context.Context, keys []directory.Key) ([]directory.Row, error) {
	t.report(ReadItemByItem)
	order := make([]int, len(keys))
	for i := range keys {
		order[i] = i
	}
	if t.by.id%4 == 0 {
		slices.Reverse(order)
	}
	all := make([]directory.Row, len(keys))
	for _, i := range order {
		rows, err := t.Read(ctx, keys[i])
		if err != nil {
			return nil, err
		}
		all[i] = rows[0]
	}
	return all, nil
}

// readAgain reads the rows of a page again, each at a moment of its own, and
// leaves out those that are live no more.
func (t *tableClient) readAgain(ctx context.Context, page []directory.Row) (live []directory.Row, err error) {
	if len(page) > 1 {
		t.report(PageRowByRow)
	}
	for _, listed := range page {
		rows, err := t.Read(ctx, listed.Key())
		if err != nil {
			return nil, err
		}
		if rows[0].Live() {
			live = append(live, rows[0])
		}
	}
	return live, nil
}

// report counts a fault that a consumer's goroutine meets.
func (t *tableClient) report(f Fault) {
	t.scheduler.harness.mu.Lock()
	defer t.scheduler.harness.mu.Unlock()
	t.by.met = append(t.by.met, f)
}
