package simulation

import (
	"context"
	"errors"
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
	deliveries map[string]directory.Delivery
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
		deliveries: map[string]directory.Delivery{},
		index:      map[directory.Key]directory.Row{},
	}
}

var errConflict = errors.New("simulation: transaction conflict")

// item is one operation of a transaction.
type item struct {
	key  directory.Key
	show func()
}

// flight is a transaction that was decided on and is becoming visible.
type flight struct {
	write  directory.Write
	before directory.Row // what was at the key of the write's Row
	known  *directory.Delivery
	items  []item // not yet visible
	keys   []directory.Key
	partly bool   // visible
	done   func() // when it is visible as a whole
}

func (f *flight) touches(k directory.Key) bool { return slices.Contains(f.keys, k) }

// rules are a write's, as they should be or as a planted bug has them.
type rules struct {
	holds     func(c directory.Condition, there directory.Row) bool
	anyLedger bool            // the Deliveries row is put without its condition
	gate      []directory.Key // rows that may not be tombstones when the write is decided
}

func soundRules() rules { return rules{holds: directory.Condition.Holds} }

// begin decides on a write. Where it is Written, its items are still to
// become visible.
func (m *Memory) begin(w directory.Write, r rules) (*flight, directory.Result, error) {
	f := &flight{write: w}
	if err := f.lay(m); err != nil {
		return nil, 0, err
	}
	for _, other := range m.flights {
		if slices.ContainsFunc(f.keys, other.touches) {
			return nil, 0, errConflict
		}
	}
	if w.Delivery != nil {
		if d, ok := m.deliveries[w.Delivery.SvixID]; ok {
			f.known = &d
			if !r.anyLedger {
				return nil, directory.AlreadyRecorded, nil
			}
		}
	}
	for _, k := range r.gate {
		if m.rows[k].Gone() {
			return nil, directory.ConditionFailed, nil
		}
	}
	if w.Row != nil {
		f.before = m.rows[w.Row.Key()]
		if !r.holds(w.If, f.before) {
			return nil, directory.ConditionFailed, nil
		}
	}
	m.flights = append(m.flights, f)
	return f, directory.Written, nil
}

func (f *flight) add(k directory.Key, show func()) {
	f.keys = append(f.keys, k)
	f.items = append(f.items, item{k, show})
}

// lay makes the write's items and refuses what DynamoDB refuses.
func (f *flight) lay(m *Memory) error {
	w := f.write
	if w.Delivery != nil {
		d := *w.Delivery
		f.add(directory.Key{PK: d.SvixID}, func() { m.deliveries[d.SvixID] = d })
	}
	puts := w.Put
	if w.Row != nil {
		puts = append([]directory.Row{w.Row}, w.Put...)
	}
	for _, r := range puts {
		if err := refuse(r); err != nil {
			return err
		}
		r = r.Clone()
		f.add(r.Key(), func() {
			m.rows[r.Key()] = r
			m.behind = append(m.behind, r.Key())
		})
	}
	for _, k := range w.Drop {
		if !k.Valid() {
			return fmt.Errorf("%w: key of %d and %d bytes", directory.ErrRefused, len(k.PK), len(k.SK))
		}
		f.add(k, func() {
			delete(m.rows, k)
			m.behind = append(m.behind, k)
		})
	}
	for i, k := range f.keys {
		if slices.Contains(f.keys[:i], k) {
			return fmt.Errorf("%w: two operations on one item", directory.ErrRefused)
		}
	}
	return nil
}

func refuse(r directory.Row) error {
	k := r.Key()
	switch {
	case !k.Valid():
		return fmt.Errorf("%w: key of %d and %d bytes", directory.ErrRefused, len(k.PK), len(k.SK))
	case r.Size() > directory.MaxRowBytes:
		return fmt.Errorf("%w: item of %d bytes", directory.ErrRefused, r.Size())
	}
	for _, name := range directory.Indexes() {
		v, ok := r[name]
		if !ok {
			continue
		}
		if s, isText := v.(string); !isText || s == "" || len(s) > directory.MaxIndexKey {
			return fmt.Errorf("%w: index key %s is empty, too long or no text", directory.ErrRefused, name)
		}
	}
	return nil
}

// land ends a flight all of whose items are visible.
func (m *Memory) land(f *flight) {
	m.flights = slices.DeleteFunc(m.flights, func(g *flight) bool { return g == f })
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
func (m *Memory) Write(_ context.Context, w directory.Write) (directory.Result, error) {
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
func (m *Memory) Read(_ context.Context, keys ...directory.Key) ([]directory.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := make([]directory.Row, len(keys))
	for i, k := range keys {
		if !k.Valid() {
			return nil, fmt.Errorf("%w: key of %d and %d bytes", directory.ErrRefused, len(k.PK), len(k.SK))
		}
		rows[i] = m.rows[k].Clone()
	}
	return rows, nil
}

// Live is directory.Table's.
func (m *Memory) Live(_ context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
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
			rows = append(rows, r.Clone())
		}
	}
	return rows, next
}
