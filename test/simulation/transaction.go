package simulation

import (
	"errors"
	"fmt"
	"slices"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
)

var errConflict = errors.New("simulation: transaction conflict")

// transaction is a write that Memory has decided to make and whose items
// become visible one after the other.
type transaction struct {
	by          *invocation
	write       directory.Write
	before      directory.Row          // at the key of the write's Row, when it was decided
	entryBefore *directory.LedgerEntry // likewise
	keys        []directory.Key
	invisible   []item
	partly      bool   // visible: some of its items are and some are not
	done        func() // called when all items are visible; may be nil
}

// item is one operation of a transaction.
type item struct {
	key  directory.Key
	show func()
}

// ledgerKey stands for a row of the Deliveries table among the keys of the
// Directory table.
func ledgerKey(svixID string) directory.Key { return directory.Key{PK: svixID} }

func (t *transaction) touches(k directory.Key) bool { return slices.Contains(t.keys, k) }

// rules decide whether a write is made. They are the correct ones, or a
// planted bug's.
type rules struct {
	holds           func(c directory.Condition, there directory.Row) bool
	ignoreLedger    bool            // the Deliveries row is put without its condition
	conditionChecks []directory.Key // the write fails where one of these rows is a tombstone
}

func correctRules() rules { return rules{holds: directory.Condition.Holds} }

// begin decides on a write. Where the result is Written, it returns the
// transaction, none of whose items is visible yet; else nil.
func (m *Memory) begin(w directory.Write, r rules) (*transaction, directory.Result, error) {
	t, err := m.newTransaction(w)
	if err != nil {
		return nil, 0, err
	}
	if slices.ContainsFunc(t.keys, m.underWay) {
		return nil, 0, errConflict
	}
	// The ledger is asked first: a duplicate is reported before a stale message.
	if w.LedgerEntry != nil {
		if e, ok := m.ledger[w.LedgerEntry.SvixID]; ok {
			t.entryBefore = &e
			if !r.ignoreLedger {
				w.ShowExisting(directory.Existing{LedgerEntry: &e})
				return nil, directory.AlreadyRecorded, nil
			}
		}
	}
	for _, k := range r.conditionChecks {
		if m.rows[k].Gone() {
			return nil, directory.ConditionFailed, nil
		}
	}
	if w.Row != nil {
		t.before = m.rows[w.Row.Key()]
		if !r.holds(w.If, t.before) {
			w.ShowExisting(directory.Existing{Revision: t.before.Revision()})
			return nil, directory.ConditionFailed, nil
		}
	}
	m.transactions = append(m.transactions, t)
	return t, directory.Written, nil
}

// underWay says whether a transaction under way writes that item.
func (m *Memory) underWay(k directory.Key) bool {
	return slices.ContainsFunc(m.transactions, func(t *transaction) bool { return t.touches(k) })
}

// show makes the i-th of the items visible that are not. It reports whether
// that was the last: the transaction is then over.
func (m *Memory) show(t *transaction, i int) (over bool) {
	t.invisible[i].show()
	t.invisible = slices.Delete(t.invisible, i, i+1)
	t.partly = len(t.invisible) > 0
	if !t.partly {
		m.transactions = slices.DeleteFunc(m.transactions, func(o *transaction) bool { return o == t })
	}
	return !t.partly
}

// newTransaction makes a transaction of a write. Its error is DynamoDB's refusal.
func (m *Memory) newTransaction(w directory.Write) (*transaction, error) {
	if err := directorytest.CheckWrite(w); err != nil {
		return nil, fmt.Errorf("write to memory: %w", err)
	}
	t := &transaction{write: w}
	if w.LedgerEntry != nil {
		e := *w.LedgerEntry
		t.addItem(ledgerKey(e.SvixID), func() {
			m.ledger[e.SvixID] = e
			m.note(change{key: ledgerKey(e.SvixID), entry: &e})
		})
	}
	puts := w.Put
	if w.Row != nil {
		puts = append([]directory.Row{w.Row}, w.Put...)
	}
	for _, r := range puts {
		r = directorytest.DeepCopy(r)
		t.addItem(r.Key(), func() {
			m.put(r)
		})
	}
	for _, k := range w.Drop {
		t.addItem(k, func() {
			delete(m.rows, k)
			m.unindexed = append(m.unindexed, k)
			m.note(change{key: k})
		})
	}
	return t, nil
}

func (t *transaction) addItem(k directory.Key, show func()) {
	t.keys = append(t.keys, k)
	t.invisible = append(t.invisible, item{k, show})
}

// put makes the row visible.
func (m *Memory) put(r directory.Row) {
	m.rows[r.Key()] = r
	m.unindexed = append(m.unindexed, r.Key())
	m.note(change{key: r.Key(), row: r})
}
