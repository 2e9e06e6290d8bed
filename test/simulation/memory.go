package simulation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
)

// Memory is the pair of tables in memory, with what DynamoDB leaves open: the
// items of a transaction may become visible one by one before the transaction
// is acknowledged
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation),
// a write to an item of a transaction under way conflicts, and an index lags.
//
// The scheduler makes it do these, by its fields. As a directory.Table it does
// none of them and is safe for concurrent use.
type Memory struct {
	mu           sync.Mutex
	pageSize     int
	rows         map[directory.Key]directory.Row
	ledger       map[string]directory.LedgerEntry
	transactions []*transaction                  // under way
	index        map[directory.Key]directory.Row // the rows as an index shows them
	unindexed    []directory.Key                 // written and not yet in the index, oldest first
	clock        func() time.Time                // nil where no backup is made
	changes      []change                        // of all items, for the backups
}

// NewMemory makes empty tables. A page of their listings has pageSize rows,
// tombstones included.
func NewMemory(pageSize int) *Memory {
	return &Memory{
		pageSize: pageSize,
		rows:     map[directory.Key]directory.Row{},
		ledger:   map[string]directory.LedgerEntry{},
		index:    map[directory.Key]directory.Row{},
	}
}

// Write implements directory.Table.
func (m *Memory) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t, result, err := m.begin(w, correctRules())
	for t != nil && len(t.invisible) > 0 {
		m.show(t, 0)
	}
	return result, err
}

// Read implements directory.Table.
func (m *Memory) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := make([]directory.Row, len(keys))
	for i, k := range keys {
		rows[i] = directorytest.DeepCopy(m.rows[k])
	}
	return rows, nil
}

// Live implements directory.Table.
func (m *Memory) Live(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rows, next := m.page(m.rows, pk, prefix, after)
	return rows, next, nil
}

// page reads a page of a listing from the table's rows or from the index's.
func (m *Memory) page(
	from map[directory.Key]directory.Row, pk, prefix, after string,
) (rows []directory.Row, next string) {
	var keys []string
	for k := range from {
		if k.PK == pk && strings.HasPrefix(k.SK, prefix) && k.SK > after {
			keys = append(keys, k.SK)
		}
	}
	slices.Sort(keys)
	if len(keys) > m.pageSize {
		keys = keys[:m.pageSize]
		next = keys[len(keys)-1]
	}
	for _, sk := range keys {
		if r := from[directory.Key{PK: pk, SK: sk}]; r.Live() {
			rows = append(rows, directorytest.DeepCopy(r))
		}
	}
	return rows, next
}

// updateIndex brings the oldest write that the index lacks into it.
func (m *Memory) updateIndex() {
	k := m.unindexed[0]
	m.unindexed = m.unindexed[1:]
	if r, ok := m.rows[k]; ok {
		m.index[k] = r
	} else {
		delete(m.index, k)
	}
}

// expireLedgerEntry deletes an entry as its time to live does. It reports
// false while a transaction is about to write that entry.
func (m *Memory) expireLedgerEntry(svixID string) bool {
	if m.underWay(ledgerKey(svixID)) {
		return false
	}
	delete(m.ledger, svixID)
	m.note(change{key: ledgerKey(svixID)})
	return true
}

// ledgerIDs are the svix ids in the Deliveries table, sorted.
func (m *Memory) ledgerIDs() []string { return slices.Sorted(maps.Keys(m.ledger)) }

// recorded implements tables.
func (m *Memory) recorded(_ context.Context, msg *message) (bool, error) {
	_, ok := m.ledger[msg.svixID]
	return ok, nil
}

// unexpected implements tables.
func (m *Memory) unexpected(_ context.Context, known map[directory.Key]bool) (keys []directory.Key, err error) {
	for k := range m.rows {
		if !known[k] {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// String is all that the tables hold, times of our own clock left out.
func (m *Memory) String() string {
	var b strings.Builder
	for _, k := range slices.SortedFunc(maps.Keys(m.rows), compareKeys) {
		row := m.rows[k].Clone()
		delete(row, "synced_at")
		fmt.Fprintln(&b, row)
	}
	for _, id := range m.ledgerIDs() {
		fmt.Fprintln(&b, id, m.ledger[id].Outcome)
	}
	return b.String()
}
