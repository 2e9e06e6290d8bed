package directorytest_test

import (
	"context"
	"slices"
	"testing"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
)

// Memory keeps the contract that it stands for in other tests.
func TestMemory(t *testing.T) {
	t.Parallel()
	directorytest.Run(t, func(*testing.T) directory.Table { return directorytest.NewMemory() })
}

type (
	write = func(context.Context, directory.Write) (directory.Result, error)
	read  = func(context.Context, ...directory.Key) ([]directory.Row, error)
	live  = func(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error)
)

// broken is a table with one fault: one of its functions is not Memory's.
type broken struct {
	*directorytest.Memory
	write write
	read  read
	live  live
}

func (b *broken) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	return b.write(ctx, w)
}

func (b *broken) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	return b.read(ctx, keys...)
}

func (b *broken) Live(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
	return b.live(ctx, pk, prefix, after)
}

// brokenStates is a table that reads parts of rows as change leaves them.
type brokenStates struct {
	*directorytest.Memory
	change func(directory.Row) directory.Row
}

func (b brokenStates) ReadStates(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	rows, err := b.Read(ctx, keys...)
	for i, r := range rows {
		rows[i] = b.change(r)
	}
	return rows, err
}

// A table that reads parts of rows must not lose one of those that a child is deleted by.
func TestStatesCatchFaults(t *testing.T) {
	t.Parallel()
	const name = "a read of states is of every row what tells the living from the dead"
	i := slices.IndexFunc(directorytest.Checks(), func(c directorytest.Check) bool { return c.Name == name })
	run := func(change func(directory.Row) directory.Row) error {
		return directorytest.Checks()[i].Run(t.Context(), brokenStates{directorytest.NewMemory(), change})
	}
	if err := run(func(r directory.Row) directory.Row {
		delete(r, directory.AttrObject)
		return r
	}); err != nil {
		t.Errorf("check %q without the objects = %v, want nil", name, err)
	}
	for _, attribute := range directory.States() {
		if run(func(r directory.Row) directory.Row {
			delete(r, attribute)
			return r
		}) == nil {
			t.Errorf("check %q without %s = nil, want an error", name, attribute)
		}
	}
	empty := func(r directory.Row) directory.Row {
		if r == nil {
			return directory.Row{}
		}
		return r
	}
	if run(empty) == nil {
		t.Errorf("check %q where a missing row is an empty one = nil, want an error", name)
	}
}

// The suite is worth what it catches: each fault that an engine or an adapter
// may have fails the check that is there for it.
func TestChecksCatchFaults(t *testing.T) {
	t.Parallel()
	catches := func(check, fault string, plant func(*broken)) {
		t.Run(fault+"/"+check, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(directorytest.Checks(), func(c directorytest.Check) bool { return c.Name == check })
			if i < 0 {
				t.Fatalf("no check is named %q", check)
			}
			for range 50 { // a race need not be lost the first time
				m := directorytest.NewMemory()
				b := &broken{Memory: m, write: m.Write, read: m.Read, live: m.Live}
				plant(b)
				if directorytest.Checks()[i].Run(t.Context(), b) != nil {
					return
				}
			}
			t.Errorf("check %q = nil on a table of which %s, want an error", check, fault)
		})
	}

	ignoreConditions := writing(func(w *directory.Write) { w.If = always() })
	catches("an older or equal revision loses", "conditions are ignored", ignoreConditions)
	catches("if absent asks that no row is there", "conditions are ignored", ignoreConditions)
	catches("if unchanged asks for the revision that was read", "conditions are ignored", ignoreConditions)
	catches("of 20 racing writers that read the same row one is written", "conditions are ignored", ignoreConditions)
	catches("an older or equal revision loses", "an equal revision wins", writing(func(w *directory.Write) {
		if rev, ok := w.If.Newer(); ok {
			w.If = directory.IfNewer(rev + "-")
		}
	}))
	catches("of 50 racing writers the greatest revision wins", "comparison and write are two steps", compareThenWrite)
	catches("recorded counts before a condition that fails", "a failed condition counts before", staleBeforeDuplicate)
	showNothing := writing(func(w *directory.Write) { w.Existing = nil })
	catches("a write that loses is shown the row's revision", "nothing is shown", showNothing)
	catches("a write that loses is shown the first copy's entry", "nothing is shown", showNothing)
	forgetLedger := writing(func(w *directory.Write) { w.LedgerEntry = nil })
	catches("a message is recorded once", "the ledger is forgotten", forgetLedger)
	catches("of 20 racing copies of a message one is written", "the ledger is forgotten", forgetLedger)

	catches("a failed condition records nothing", "the record comes before the effect",
		splitting(func(w directory.Write) []directory.Write {
			return []directory.Write{{LedgerEntry: w.LedgerEntry}, {Row: w.Row, If: w.If, Put: w.Put, Drop: w.Drop}}
		}))
	catches("a recorded message changes nothing", "the effect comes before the record",
		splitting(func(w directory.Write) []directory.Write {
			return []directory.Write{{Row: w.Row, If: w.If, Put: w.Put, Drop: w.Drop}, {LedgerEntry: w.LedgerEntry}}
		}))
	catches("a refused write leaves nothing", "the row comes before its pointers",
		splitting(func(w directory.Write) []directory.Write {
			return []directory.Write{{LedgerEntry: w.LedgerEntry, Row: w.Row, If: w.If}, {Put: w.Put, Drop: w.Drop}}
		}))
	catches("one item has one operation", "two operations on one item are made one by one",
		splitting(func(w directory.Write) []directory.Write {
			return []directory.Write{{LedgerEntry: w.LedgerEntry, Row: w.Row, If: w.If}, {Put: w.Put}, {Drop: w.Drop}}
		}))
	const pointers = "pointers come and go with their row"
	catches(pointers, "pointers are not put", writing(func(w *directory.Write) { w.Put = nil }))
	catches(pointers, "pointers are not dropped", writing(func(w *directory.Write) { w.Drop = nil }))
	catches("a newer row replaces the whole row", "a row is merged into the one that is there", merge)
	catches("a row over 400 KB is refused", "a refusal is like any other failure", func(b *broken) {
		b.write = func(ctx context.Context, w directory.Write) (directory.Result, error) {
			result, err := b.Memory.Write(ctx, w)
			if err != nil {
				err = context.DeadlineExceeded
			}
			return result, err
		}
	})
	catches("an empty index key is refused", "an empty index key is left out", writing(loseValue("")))

	const everyValue = "every value comes back as it was"
	catches(everyValue, "false is lost", writing(loseValue(false)))
	catches(everyValue, "lists are sets", writing(func(w *directory.Write) {
		if list, ok := w.Row["list"].([]string); ok {
			slices.Sort(list)
		}
	}))
	const readsInOrder = "reads are in the order of the keys, nil where there is none"
	catches(readsInOrder, "rows that are not there are left out", reading(func(rows []directory.Row) []directory.Row {
		return slices.DeleteFunc(rows, func(r directory.Row) bool { return r == nil })
	}))
	catches(readsInOrder, "rows are in an order of their own", reading(func(rows []directory.Row) []directory.Row {
		slices.Reverse(rows)
		return rows
	}))
	catches("a row is written where none is", "no row is an empty one",
		reading(func(rows []directory.Row) []directory.Row {
			for i, r := range rows {
				if r == nil {
					rows[i] = directory.Row{}
				}
			}
			return rows
		}))
	catches("a read takes any number of keys, some of them twice", "a read takes 100 keys",
		reading(func(rows []directory.Row) []directory.Row {
			clear(rows[min(len(rows), 100):])
			return rows
		}))
	catches("a read sees every acknowledged write", "reads are one write late", readLate)

	const pages, inOrder = "a listing over 1 MB has every row once", "a listing holds the rows of the prefix in order"
	catches(pages, "a page is skipped", skipPage)
	catches(pages, "the first page is all", stopAfterPage)
	catches(pages, "a page begins with the row before", repeatRow)
	catches("a listing goes on after a row that is gone", "the listing ends there", stopWhereGone)
	catches(inOrder, "the prefix is ignored", ignorePrefix)
	catches(inOrder, "a listing runs backwards", listBackwards)
	catches("a listing leaves tombstones out", "tombstones are listed", listTombstones)
}
