package directorytest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/clerksync/clerksync/pkg/directory"
)

// Memory is a directory.Table in memory. It decides by Condition.Holds and
// refuses what DynamoDB refuses. It is safe for concurrent use.
type Memory struct {
	mu       sync.Mutex
	rows     map[directory.Key]directory.Row
	sortKeys map[string][]string // by partition key, in their order
	ledger   map[string]directory.LedgerEntry
}

// NewMemory makes an empty table.
func NewMemory() *Memory {
	return &Memory{
		rows:     map[directory.Key]directory.Row{},
		sortKeys: map[string][]string{},
		ledger:   map[string]directory.LedgerEntry{},
	}
}

// Rows are copies of all rows.
func (m *Memory) Rows() map[directory.Key]directory.Row {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := make(map[directory.Key]directory.Row, len(m.rows))
	for k, r := range m.rows {
		rows[k] = DeepCopy(r)
	}
	return rows
}

// Ledger are all rows of the Deliveries table by their message id.
func (m *Memory) Ledger() map[string]directory.LedgerEntry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.ledger)
}

// Forget takes a row out of the Deliveries table, as its time to live does.
func (m *Memory) Forget(svixID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.ledger, svixID)
}

// Write is directory.Table's.
func (m *Memory) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := CheckWrite(w); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.LedgerEntry != nil {
		if e, ok := m.ledger[w.LedgerEntry.SvixID]; ok {
			w.ShowExisting(directory.Existing{LedgerEntry: &e})
			return directory.AlreadyRecorded, nil
		}
	}
	if w.Row != nil && !w.If.Holds(m.rows[w.Row.Key()]) {
		w.ShowExisting(directory.Existing{Revision: m.rows[w.Row.Key()].Revision()})
		return directory.ConditionFailed, nil
	}
	if w.LedgerEntry != nil {
		m.ledger[w.LedgerEntry.SvixID] = *w.LedgerEntry
	}
	if w.Row != nil {
		m.put(w.Row)
	}
	for _, r := range w.Put {
		m.put(r)
	}
	for _, k := range w.Drop {
		if sks := m.sortKeys[k.PK]; m.rows[k] != nil {
			delete(m.rows, k)
			i, _ := slices.BinarySearch(sks, k.SK)
			m.sortKeys[k.PK] = slices.Delete(sks, i, i+1)
		}
	}
	return directory.Written, nil
}

func (m *Memory) put(r directory.Row) {
	k := r.Key()
	if sks := m.sortKeys[k.PK]; m.rows[k] == nil {
		i, _ := slices.BinarySearch(sks, k.SK)
		m.sortKeys[k.PK] = slices.Insert(sks, i, k.SK)
	}
	m.rows[k] = DeepCopy(r)
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
		rows[i] = DeepCopy(m.rows[k])
	}
	return rows, nil
}

// pageBytes is how much DynamoDB reads for a page, tombstones included.
const pageBytes = 1 << 20

// Live is directory.Table's.
func (m *Memory) Live(ctx context.Context, pk, prefix, after string) (rows []directory.Row, next string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	sks, size := m.sortKeys[pk], 0
	i, _ := slices.BinarySearch(sks, max(prefix, after+"\x00")) // the first after after
	for _, sk := range sks[i:] {
		if !strings.HasPrefix(sk, prefix) {
			break
		}
		r := m.rows[directory.Key{PK: pk, SK: sk}]
		if r.Live() {
			rows = append(rows, DeepCopy(r))
		}
		if size += r.Size(); size >= pageBytes {
			return rows, sk, nil
		}
	}
	return rows, "", nil
}

// DeepCopy returns a copy that shares nothing with the row, nil for nil.
func DeepCopy(r directory.Row) directory.Row {
	c := r.Clone()
	for name, v := range c {
		if list, ok := v.([]string); ok {
			c[name] = slices.Clone(list)
		}
	}
	return c
}

// CheckWrite returns an error that wraps directory.ErrWriteRefused for a write
// that DynamoDB refuses whatever the tables hold.
func CheckWrite(w directory.Write) error {
	keys := slices.Clone(w.Drop)
	rows := w.Put
	if w.Row != nil {
		rows = append(slices.Clone(w.Put), w.Row)
	}
	for _, r := range rows {
		if err := checkRow(r); err != nil {
			return err
		}
		keys = append(keys, r.Key())
	}
	for i, k := range keys {
		switch {
		case !k.Valid():
			return refuse("key")
		case slices.Contains(keys[:i], k):
			return refuse("two operations on one item")
		}
	}
	if w.LedgerEntry != nil && (w.LedgerEntry.SvixID == "" || len(w.LedgerEntry.SvixID) > directory.MaxPK) {
		return refuse("key of the ledger entry")
	}
	return nil
}

func checkRow(r directory.Row) error {
	for _, name := range directory.Indexes() {
		v, ok := r[name]
		if s, text := v.(string); ok && (!text || s == "" || len(s) > directory.MaxIndexKey) {
			return refuse("key of index " + name)
		}
	}
	if r.Size() > directory.MaxRowBytes {
		return refuse("size")
	}
	return nil
}

func refuse(reason string) error { return fmt.Errorf("%w: %s", directory.ErrWriteRefused, reason) }
