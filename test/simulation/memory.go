package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/clerksync/clerksync/pkg/directory"
)

// Memory is the pair of tables in memory, with what DynamoDB leaves open: a
// transaction's items may become visible one by one before it is acknowledged
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation),
// writes to items of a transaction under way conflict, and an index lags.
//
// As a directory.Table it does none of these and is safe for concurrent use.
type Memory struct {
	mu         sync.Mutex
	pageSize   int
	rows       map[directory.Key]directory.Row
	deliveries map[string]directory.LedgerEntry
	flights    []*flight
	index      map[directory.Key]directory.Row // what an index shows
	behind     []directory.Key                 // written, and not yet in the index
}

// NewMemory makes empty tables whose listings have pages of so many rows,
// tombstones included.
func NewMemory(pageSize int) *Memory {
	return &Memory{
		pageSize:   pageSize,
		rows:       map[directory.Key]directory.Row{},
		deliveries: map[string]directory.LedgerEntry{},
		index:      map[directory.Key]directory.Row{},
	}
}

// catchUp brings the oldest write that the index lacks into it.
func (m *Memory) catchUp() {
	k := m.behind[0]
	m.behind = m.behind[1:]
	if r, ok := m.rows[k]; ok {
		m.index[k] = r
	} else {
		delete(m.index, k)
	}
}

// Write is directory.Table's.
func (m *Memory) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f, result, err := m.begin(w, soundRules())
	if f == nil {
		return result, err
	}
	for _, i := range f.items {
		i.show()
	}
	m.land(f)
	return directory.Written, nil
}

// Read is directory.Table's.
func (m *Memory) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := make([]directory.Row, len(keys))
	for i, k := range keys {
		if !k.Valid() {
			return nil, fmt.Errorf("%w: key of %d and %d bytes", directory.ErrWriteRefused, len(k.PK), len(k.SK))
		}
		rows[i] = own(m.rows[k])
	}
	return rows, nil
}

// Live is directory.Table's.
func (m *Memory) Live(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rows, next := list(m.rows, m.pageSize, pk, prefix, after)
	return rows, next, nil
}

func list(from map[directory.Key]directory.Row, page int, pk, prefix, after string) (rows []directory.Row, next string) {
	var keys []string
	for k := range from {
		if k.PK == pk && strings.HasPrefix(k.SK, prefix) && k.SK > after {
			keys = append(keys, k.SK)
		}
	}
	slices.Sort(keys)
	if len(keys) > page {
		keys = keys[:page]
		next = keys[page-1]
	}
	for _, sk := range keys {
		if r := from[directory.Key{PK: pk, SK: sk}]; r.Live() {
			rows = append(rows, own(r))
		}
	}
	return rows, next
}

// own is a copy that shares nothing with the row, nil for nil.
func own(r directory.Row) directory.Row {
	c := r.Clone()
	for name, v := range c {
		if l, ok := v.([]string); ok {
			c[name] = slices.Clone(l)
		}
	}
	return c
}
