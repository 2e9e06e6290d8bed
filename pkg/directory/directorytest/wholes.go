package directorytest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/clerksync/clerksync/pkg/directory"
)

func wholes() []Check {
	return []Check{
		{"pointers come and go with their row", pointersFollow},
		{"pointers are replaced as they are", pointersReplaced},
		{"a row without a message is written", func(ctx context.Context, t directory.Table) error {
			w := newer(user("a", "1", "Ada"))
			w.Put = []directory.Row{pointer("o1")}
			return steps(
				func() error { return write(ctx, t, w, directory.Written) },
				func() error { return there(ctx, t, w.Row, w.Put[0]) },
			)
		}},
		{"dropping what is not there is no failure", func(ctx context.Context, t directory.Table) error {
			w := newer(user("a", "1", "Ada"))
			w.Drop = []directory.Key{pointer("o1").Key()}
			return steps(
				func() error { return write(ctx, t, w, directory.Written) },
				func() error { return missing(ctx, t, w.Drop[0]) },
			)
		}},
		{"a refused write leaves nothing", refusedLeavesNothing},
	}
}

func pointersFollow(ctx context.Context, t directory.Table) error {
	first := newer(user("a", "1", "Ada"))
	first.LedgerEntry, first.Put = record("msg_1"), []directory.Row{pointer("o1")}
	second := newer(user("a", "2", "Eve"))
	second.LedgerEntry, second.Put = record("msg_2"), []directory.Row{pointer("o2")}
	second.Drop = []directory.Key{pointer("o1").Key()}
	return steps(
		func() error { return write(ctx, t, first, directory.Written) },
		func() error { return there(ctx, t, first.Row, first.Put[0]) },
		func() error { return write(ctx, t, second, directory.Written) },
		func() error { return there(ctx, t, second.Row, second.Put[0]) },
		func() error { return missing(ctx, t, second.Drop...) },
		func() error { return write(ctx, t, second, directory.AlreadyRecorded) },
	)
}

func pointersReplaced(ctx context.Context, t directory.Table) error {
	first := newer(user("a", "1", "Ada"))
	old := pointer("o1")
	old["role"], old["role_name"] = "org:admin", "Admin"
	first.Put = []directory.Row{old}
	second := newer(user("a", "2", "Ada"))
	second.Put = []directory.Row{pointer("o1")}
	return steps(
		func() error { return write(ctx, t, first, directory.Written) },
		func() error { return write(ctx, t, second, directory.Written) },
		func() error { return there(ctx, t, pointer("o1")) },
	)
}

func refusedLeavesNothing(ctx context.Context, t directory.Table) error {
	bad := pointer("o1")
	bad[directory.AttrSK] = strings.Repeat("k", directory.MaxSK+1)
	w := newer(user("a", "1", "Ada"))
	w.LedgerEntry, w.Put = record("msg_1"), []directory.Row{bad}
	return steps(
		func() error { return refused(ctx, t, w) },
		func() error { return missing(ctx, t, w.Row.Key()) },
		func() error { return write(ctx, t, directory.Write{LedgerEntry: record("msg_1")}, directory.Written) },
	)
}

// refused asks for directory.ErrWriteRejected.
func refused(ctx context.Context, t directory.Table, w directory.Write) error {
	result, err := t.Write(ctx, w)
	if !errors.Is(err, directory.ErrWriteRejected) {
		return fmt.Errorf("Write(%s) = %d, %w, want an error that is ErrWriteRejected", describe(w), result, orNone(err))
	}
	return nil
}

func orNone(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return err
}

func refusals() []Check {
	with := func(name string, v directory.Value) directory.Row {
		r := user("a", "1", "Ada")
		r[name] = v
		return r
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	rows := []struct {
		name string
		row  directory.Row
	}{
		{"a row over 400 KB is refused", with(directory.AttrObject, long(directory.MaxRowBytes))},
		{"an empty pk is refused", with(directory.AttrPK, "")},
		{"an empty sk is refused", with(directory.AttrSK, "")},
		{"a pk over 2,048 bytes is refused", with(directory.AttrPK, long(directory.MaxPK+1))},
		{"a sk over 1,024 bytes is refused", with(directory.AttrSK, long(directory.MaxSK+1))},
		{"an empty index key is refused", with("by_email", "")},
		{"an index key over 2,048 bytes is refused", with("by_external_id", long(directory.MaxIndexKey+1))},
		{"an index key that is no text is refused", with("by_slug", directory.Number("1"))},
	}
	checks := []Check{{"one item has one operation", oneOperation}}
	for _, c := range rows {
		checks = append(checks, Check{c.name, func(ctx context.Context, t directory.Table) error {
			w := newer(c.row)
			alone := w
			w.LedgerEntry = record("msg_1")
			return steps(
				func() error { return refused(ctx, t, w) },
				func() error { return refused(ctx, t, alone) },
				func() error { return write(ctx, t, directory.Write{LedgerEntry: record("msg_1")}, directory.Written) },
			)
		}})
	}
	return checks
}

func oneOperation(ctx context.Context, t directory.Table) error {
	drop := newer(user("a", "1", "Ada"))
	drop.Drop = []directory.Key{drop.Row.Key()}
	twice := newer(user("a", "1", "Ada"))
	twice.Put = []directory.Row{user("a", "2", "Eve")}
	return steps(
		func() error { return refused(ctx, t, drop) },
		func() error { return refused(ctx, t, twice) },
		func() error { return missing(ctx, t, drop.Row.Key()) },
	)
}
