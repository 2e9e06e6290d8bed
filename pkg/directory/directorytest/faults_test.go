package directorytest_test

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/clerksync/clerksync/pkg/directory"
)

// always holds, whatever row exists.
func always() directory.Condition { return directory.IfNewer("\U0010FFFF") }

// writing is a fault in what is written.
func writing(change func(*directory.Write)) func(*broken) {
	return func(b *broken) {
		b.write = func(ctx context.Context, w directory.Write) (directory.Result, error) {
			change(&w)
			return b.Memory.Write(ctx, w)
		}
	}
}

func loseValue(value directory.Value) func(*directory.Write) {
	return func(w *directory.Write) {
		for name, v := range w.Row {
			if _, list := v.([]string); !list && v == value {
				delete(w.Row, name)
			}
		}
	}
}

// splitting makes several writes of one, up to the first that fails or loses.
func splitting(parts func(directory.Write) []directory.Write) func(*broken) {
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

// staleBeforeDuplicate answers by the condition on the row, as a transaction does
// whose reasons are read in the wrong order.
func staleBeforeDuplicate(b *broken) {
	b.write = func(ctx context.Context, w directory.Write) (directory.Result, error) {
		result, err := b.Memory.Write(ctx, w)
		if result == directory.AlreadyRecorded && w.Row != nil && !w.If.Holds(b.Rows()[w.Row.Key()]) {
			result = directory.ConditionFailed
		}
		return result, err
	}
}

// merge is UpdateItem where PutItem is wanted.
func merge(b *broken) {
	b.write = func(ctx context.Context, w directory.Write) (directory.Result, error) {
		if w.Row != nil {
			merged := b.Rows()[w.Row.Key()].Clone()
			if merged == nil {
				merged = directory.Row{}
			}
			maps.Copy(merged, w.Row)
			w.Row = merged
		}
		return b.Memory.Write(ctx, w)
	}
}

// compareThenWrite is check-then-act: between the two, another write may win.
func compareThenWrite(b *broken) {
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

// reading is a fault in what is read.
func reading(change func([]directory.Row) []directory.Row) func(*broken) {
	return func(b *broken) {
		b.read = func(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
			rows, err := b.Memory.Read(ctx, keys...)
			return change(rows), err
		}
	}
}

// readLate reads the rows as they were before the last write.
func readLate(b *broken) {
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

func skipPage(b *broken) {
	b.live = func(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
		rows, next, err := b.Memory.Live(ctx, pk, prefix, after)
		if err != nil || next == "" {
			return rows, next, err
		}
		return b.Memory.Live(ctx, pk, prefix, next)
	}
}

func stopAfterPage(b *broken) {
	b.live = func(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
		rows, _, err := b.Memory.Live(ctx, pk, prefix, after)
		return rows, "", err
	}
}

func repeatRow(b *broken) {
	b.live = func(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
		return b.Memory.Live(ctx, pk, prefix, after[:max(0, len(after)-1)])
	}
}

// stopWhereGone takes the key to start after for a row, which may be deleted.
func stopWhereGone(b *broken) {
	b.live = func(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
		if after != "" && b.Rows()[directory.Key{PK: pk, SK: after}] == nil {
			return nil, "", nil
		}
		return b.Memory.Live(ctx, pk, prefix, after)
	}
}

func ignorePrefix(b *broken) {
	b.live = func(ctx context.Context, pk, _, after string) ([]directory.Row, string, error) {
		return b.Memory.Live(ctx, pk, "", after)
	}
}

func listBackwards(b *broken) {
	b.live = func(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
		rows, next, err := b.Memory.Live(ctx, pk, prefix, after)
		slices.Reverse(rows)
		return rows, next, err
	}
}

func listTombstones(b *broken) {
	b.live = func(_ context.Context, pk, _, _ string) (rows []directory.Row, next string, err error) {
		for k, r := range b.Rows() {
			if k.PK == pk {
				rows = append(rows, r)
			}
		}
		slices.SortFunc(rows, func(x, y directory.Row) int { return strings.Compare(x.Key().SK, y.Key().SK) })
		return rows, "", nil
	}
}
