package directorytest_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	directorytest.Run(t, func(*testing.T) directory.Table { return directorytest.NewMemory() })
}

// always holds, whatever is there.
func always() directory.Condition { return directory.IfNewer("\U0010FFFF") }

type (
	writer func(context.Context, directory.Write) (directory.Result, error)
	reader func(context.Context, ...directory.Key) ([]directory.Row, error)
	lister func(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error)
)

// broken is a table with one fault.
type broken struct {
	*directorytest.Memory
	write writer
	read  reader
	live  lister
}

func (b *broken) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	if b.write != nil {
		return b.write(ctx, w)
	}
	return b.Memory.Write(ctx, w)
}

func (b *broken) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	if b.read != nil {
		return b.read(ctx, keys...)
	}
	return b.Memory.Read(ctx, keys...)
}

func (b *broken) Live(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
	if b.live != nil {
		return b.live(ctx, pk, prefix, after)
	}
	return b.Memory.Live(ctx, pk, prefix, after)
}

// changed is a fault in what is written.
func changed(change func(*directory.Write)) func(*broken) {
	return func(b *broken) {
		b.write = func(ctx context.Context, w directory.Write) (directory.Result, error) {
			change(&w)
			return b.Memory.Write(ctx, w)
		}
	}
}

// read is a fault in what is read.
func read(change func([]directory.Row) []directory.Row) func(*broken) {
	return func(b *broken) {
		b.read = func(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
			rows, err := b.Memory.Read(ctx, keys...)
			return change(rows), err
		}
	}
}

func TestChecksCatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault, check string
		fit          func(*broken)
	}{
		{"conditions are ignored", "an older or equal revision loses", changed(func(w *directory.Write) { w.If = always() })},
		{"conditions are ignored", "if absent asks that no row is there", changed(func(w *directory.Write) { w.If = always() })},
		{"conditions are ignored", "if unchanged asks for the revision that was read", changed(func(w *directory.Write) { w.If = always() })},
		{"conditions are ignored", "of 20 racing writers that read the same row one is written", changed(func(w *directory.Write) { w.If = always() })},
		{"an equal revision wins", "an older or equal revision loses", changed(func(w *directory.Write) {
			if rev, ok := w.If.Newer(); ok {
				w.If = directory.IfNewer(rev + "-")
			}
		})},
		{"a failed condition is told before a recorded message", "recorded is told before a condition that fails", staleFirst},
		{"the ledger is forgotten", "a message is recorded once", changed(func(w *directory.Write) { w.LedgerEntry = nil })},
		{"the ledger is forgotten", "of 20 racing copies of a message one is written", changed(func(w *directory.Write) { w.LedgerEntry = nil })},
		{"the message is recorded before its effect", "a failed condition records nothing", torn(func(w directory.Write) []directory.Write {
			return []directory.Write{{LedgerEntry: w.LedgerEntry}, {Row: w.Row, If: w.If, Put: w.Put, Drop: w.Drop}}
		})},
		{"the effect comes before the record", "a recorded message changes nothing", torn(func(w directory.Write) []directory.Write {
			return []directory.Write{{Row: w.Row, If: w.If, Put: w.Put, Drop: w.Drop}, {LedgerEntry: w.LedgerEntry}}
		})},
		{"the row comes before its pointers", "a refused write leaves nothing", torn(func(w directory.Write) []directory.Write {
			return []directory.Write{{LedgerEntry: w.LedgerEntry, Row: w.Row, If: w.If}, {Put: w.Put, Drop: w.Drop}}
		})},
		{"two operations of one item are split", "one item has one operation", torn(func(w directory.Write) []directory.Write {
			return []directory.Write{{LedgerEntry: w.LedgerEntry, Row: w.Row, If: w.If}, {Put: w.Put}, {Drop: w.Drop}}
		})},
		{"pointers are not put", "pointers come and go with their row", changed(func(w *directory.Write) { w.Put = nil })},
		{"pointers are not dropped", "pointers come and go with their row", changed(func(w *directory.Write) { w.Drop = nil })},
		{"a row is merged into the one that is there", "a newer row replaces the whole row", merged},
		{"the comparison and the write are two steps", "of 50 racing writers the greatest revision wins", twoSteps},
		{"false is lost", "every value comes back as it was", changed(func(w *directory.Write) { lose(w.Row, false) })},
		{"lists are sets", "every value comes back as it was", changed(func(w *directory.Write) {
			if list, ok := w.Row["list"].([]string); ok {
				slices.Sort(list)
			}
		})},
		{"an index key that is empty is left out", "an empty index key is refused", changed(func(w *directory.Write) { lose(w.Row, "") })},
		{"rows that are not there are left out", "reads are in the order of the keys, nil where there is none", read(func(rows []directory.Row) []directory.Row {
			return slices.DeleteFunc(rows, func(r directory.Row) bool { return r == nil })
		})},
		{"a row that is not there is an empty one", "a row is written where none is", read(func(rows []directory.Row) []directory.Row {
			for i, r := range rows {
				if r == nil {
					rows[i] = directory.Row{}
				}
			}
			return rows
		})},
		{"rows are in an order of their own", "reads are in the order of the keys, nil where there is none", read(func(rows []directory.Row) []directory.Row {
			slices.Reverse(rows)
			return rows
		})},
		{"a read takes 100 keys", "a read takes any number of keys, some of them twice", read(func(rows []directory.Row) []directory.Row {
			clear(rows[min(len(rows), 100):])
			return rows
		})},
		{"reads are one write late", "a read sees every acknowledged write", late},
		{"a page is skipped", "a listing over 1 MB has every row once", func(b *broken) {
			b.live = func(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
				rows, next, err := b.Memory.Live(ctx, pk, prefix, after)
				if err != nil || next == "" {
					return rows, next, err
				}
				return b.Memory.Live(ctx, pk, prefix, next)
			}
		}},
		{"the first page is all", "a listing over 1 MB has every row once", func(b *broken) {
			b.live = func(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
				rows, _, err := b.Memory.Live(ctx, pk, prefix, after)
				return rows, "", err
			}
		}},
		{"a page begins with the row before it", "a listing over 1 MB has every row once", func(b *broken) {
			b.live = func(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
				if after != "" {
					after = after[:len(after)-1]
				}
				return b.Memory.Live(ctx, pk, prefix, after)
			}
		}},
		{"the listing ends where its last row is gone", "a listing goes on after a row that is gone", func(b *broken) {
			b.live = func(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
				if rows, err := b.Memory.Read(ctx, directory.Key{PK: pk, SK: after}); after != "" && rows[0] == nil {
					return nil, "", err
				}
				return b.Memory.Live(ctx, pk, prefix, after)
			}
		}},
		{"the prefix is ignored", "a listing holds the rows of the prefix in order", func(b *broken) {
			b.live = func(ctx context.Context, pk, _, after string) ([]directory.Row, string, error) {
				return b.Memory.Live(ctx, pk, "", after)
			}
		}},
		{"a listing runs backwards", "a listing holds the rows of the prefix in order", func(b *broken) {
			b.live = func(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
				rows, next, err := b.Memory.Live(ctx, pk, prefix, after)
				slices.Reverse(rows)
				return rows, next, err
			}
		}},
		{"tombstones are listed", "a listing leaves tombstones out", withTombstones},
		{"a refusal is like any other failure", "a row over 400 KB is refused", func(b *broken) {
			b.write = func(ctx context.Context, w directory.Write) (directory.Result, error) {
				result, err := b.Memory.Write(ctx, w)
				if err != nil {
					err = context.DeadlineExceeded
				}
				return result, err
			}
		}},
	} {
		t.Run(c.fault+"/"+c.check, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(directorytest.Checks(), func(x directorytest.Check) bool { return x.Name == c.check })
			if i < 0 {
				t.Fatalf("no check is named %q", c.check)
			}
			for range 50 { // a race need not be lost the first time
				b := &broken{Memory: directorytest.NewMemory()}
				c.fit(b)
				if directorytest.Checks()[i].Run(t.Context(), b) != nil {
					return
				}
			}
			t.Errorf("check %q = nil on a table of which %s, want an error", c.check, c.fault)
		})
	}
}

func lose(r directory.Row, value directory.Value) {
	for name, v := range r {
		if _, list := v.([]string); !list && v == value {
			delete(r, name)
		}
	}
}

// torn makes several writes of one; the first that does not come through ends
// it.
func torn(parts func(directory.Write) []directory.Write) func(*broken) {
	return func(b *broken) {
		b.write = func(ctx context.Context, w directory.Write) (result directory.Result, err error) {
			for _, p := range parts(w) {
				if result, err = b.Memory.Write(ctx, p); err != nil || result != directory.Written {
					return result, err
				}
			}
			return result, nil
		}
	}
}

func staleFirst(b *broken) {
	b.write = func(ctx context.Context, w directory.Write) (directory.Result, error) {
		result, err := b.Memory.Write(ctx, w)
		if result == directory.AlreadyRecorded && w.Row != nil && !w.If.Holds(b.Rows()[w.Row.Key()]) {
			result = directory.ConditionFailed
		}
		return result, err
	}
}

func merged(b *broken) {
	b.write = func(ctx context.Context, w directory.Write) (directory.Result, error) {
		if w.Row != nil {
			whole := w.Row.Clone()
			for name, v := range b.Rows()[w.Row.Key()] {
				if _, ok := whole[name]; !ok {
					whole[name] = v
				}
			}
			w.Row = whole
		}
		return b.Memory.Write(ctx, w)
	}
}

func twoSteps(b *broken) {
	b.write = func(ctx context.Context, w directory.Write) (directory.Result, error) {
		if w.Row != nil && !w.If.Holds(b.Rows()[w.Row.Key()]) {
			return directory.ConditionFailed, nil
		}
		for range 20 {
			runtime.Gosched()
		}
		w.If = always()
		return b.Memory.Write(ctx, w)
	}
}

// late reads the rows as they were before the last write.
func late(b *broken) {
	var mu sync.Mutex
	before := map[directory.Key]directory.Row{}
	b.write = func(ctx context.Context, w directory.Write) (directory.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		before = b.Rows()
		return b.Memory.Write(ctx, w)
	}
	b.read = func(_ context.Context, keys ...directory.Key) ([]directory.Row, error) {
		mu.Lock()
		defer mu.Unlock()
		rows := make([]directory.Row, len(keys))
		for i, k := range keys {
			rows[i] = before[k]
		}
		return rows, nil
	}
}

func withTombstones(b *broken) {
	b.live = func(_ context.Context, pk, _, _ string) (rows []directory.Row, next string, err error) {
		all := b.Rows()
		keys := make([]directory.Key, 0, len(all))
		for k := range all {
			if k.PK == pk {
				keys = append(keys, k)
			}
		}
		slices.SortFunc(keys, func(x, y directory.Key) int {
			if x.SK < y.SK {
				return -1
			}
			return 1
		})
		for _, k := range keys {
			rows = append(rows, all[k])
		}
		return rows, "", nil
	}
}
