package simulation

import (
	"errors"
	"fmt"
	"slices"

	"github.com/clerksync/clerksync/pkg/directory"
)

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
	known  *directory.LedgerEntry
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
	if w.LedgerEntry != nil {
		if d, ok := m.deliveries[w.LedgerEntry.SvixID]; ok {
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
	if w.LedgerEntry != nil {
		d := *w.LedgerEntry
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
		r = own(r)
		f.add(r.Key(), func() {
			m.rows[r.Key()] = r
			m.behind = append(m.behind, r.Key())
		})
	}
	for _, k := range w.Drop {
		if !k.Valid() {
			return fmt.Errorf("%w: key of %d and %d bytes", directory.ErrWriteRefused, len(k.PK), len(k.SK))
		}
		f.add(k, func() {
			delete(m.rows, k)
			m.behind = append(m.behind, k)
		})
	}
	for i, k := range f.keys {
		if slices.Contains(f.keys[:i], k) {
			return fmt.Errorf("%w: two operations on one item", directory.ErrWriteRefused)
		}
	}
	return nil
}

func refuse(r directory.Row) error {
	k := r.Key()
	switch {
	case !k.Valid():
		return fmt.Errorf("%w: key of %d and %d bytes", directory.ErrWriteRefused, len(k.PK), len(k.SK))
	case r.Size() > directory.MaxRowBytes:
		return fmt.Errorf("%w: item of %d bytes", directory.ErrWriteRefused, r.Size())
	}
	for _, name := range directory.Indexes() {
		v, ok := r[name]
		if !ok {
			continue
		}
		if s, isText := v.(string); !isText || s == "" || len(s) > directory.MaxIndexKey {
			return fmt.Errorf("%w: index key %s is empty, too long or no text", directory.ErrWriteRefused, name)
		}
	}
	return nil
}

// land ends a flight all of whose items are visible.
func (m *Memory) land(f *flight) {
	m.flights = slices.DeleteFunc(m.flights, func(g *flight) bool { return g == f })
}
