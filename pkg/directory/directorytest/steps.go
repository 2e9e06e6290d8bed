package directorytest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/clerksync/clerksync/pkg/directory"
)

// step does something with the table; its error says what is not as it must be.
type step func(ctx context.Context, t directory.Table) error

// steps are one after the other, up to the first error.
func steps(all ...step) step {
	return func(ctx context.Context, t directory.Table) error {
		for _, s := range all {
			if err := s(ctx, t); err != nil {
				return err
			}
		}
		return nil
	}
}

// write asks for that result.
func write(w directory.Write, want directory.Result) step {
	return func(ctx context.Context, t directory.Table) error {
		got, err := t.Write(ctx, w)
		if err != nil {
			return fmt.Errorf("Write(%s) = %w, want result %d", describe(w), err, want)
		}
		if got != want {
			return fmt.Errorf("Write(%s) = result %d, want %d", describe(w), got, want)
		}
		return nil
	}
}

// losing asks for that result, and that the write is shown what it loses to.
func losing(w directory.Write, want directory.Result, shown directory.Existing) step {
	return func(ctx context.Context, t directory.Table) error {
		var got directory.Existing
		w.Existing = &got
		if err := write(w, want)(ctx, t); err != nil {
			return err
		}
		if diff := cmp.Diff(shown, got, cmpopts.EquateApproxTime(0)); diff != "" {
			return fmt.Errorf("Write(%s) loses to another than is shown (-want +got):\n%s", describe(w), diff)
		}
		return nil
	}
}

// refused asks for directory.ErrWriteRefused.
func refused(w directory.Write) step {
	return func(ctx context.Context, t directory.Table) error {
		result, err := t.Write(ctx, w)
		if err == nil {
			return fmt.Errorf("Write(%s) = result %d, want an error that is ErrWriteRefused", describe(w), result)
		}
		if !errors.Is(err, directory.ErrWriteRefused) {
			return fmt.Errorf("Write(%s) = %w, want an error that is ErrWriteRefused", describe(w), err)
		}
		return nil
	}
}

// put writes rows where none are.
func put(rows ...directory.Row) step {
	all := make([]step, len(rows))
	for i, r := range rows {
		all[i] = write(directory.Write{Row: r, If: directory.IfAbsent()}, directory.Written)
	}
	return steps(all...)
}

// describe names a write in few words: rows may be large.
func describe(w directory.Write) string {
	key := directory.Key{}
	if w.Row != nil {
		key = w.Row.Key()
	}
	return fmt.Sprintf("%.60s, ledger entry %t, put %d, drop %d", key, w.LedgerEntry != nil, len(w.Put), len(w.Drop))
}

// exist asks that the rows are in the table exactly.
func exist(rows ...directory.Row) step {
	keys := make([]directory.Key, len(rows))
	for i, r := range rows {
		keys[i] = r.Key()
	}
	return reading(keys, rows...)
}

// missing asks that the table has no rows of these keys.
func missing(keys ...directory.Key) step { return reading(keys, make([]directory.Row, len(keys))...) }

// reading asks that these keys are read as these rows, nil for none.
func reading(keys []directory.Key, want ...directory.Row) step {
	return func(ctx context.Context, t directory.Table) error {
		got, err := t.Read(ctx, keys...)
		if err != nil {
			return fmt.Errorf("Read(%.200v): %w", keys, err)
		}
		if diff := cmp.Diff(append([]directory.Row{}, want...), got); diff != "" {
			return fmt.Errorf("Read(%.200v) differs (-want +got):\n%.2000s", keys, diff)
		}
		return nil
	}
}

// listing asks that all pages of Live together hold exactly these rows in this
// order.
func listing(pk, prefix string, want ...directory.Row) step {
	return func(ctx context.Context, t directory.Table) error {
		got, err := readPages(ctx, t, pk, prefix)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(sortKeys(want), sortKeys(got)); diff != "" {
			return fmt.Errorf("Live(%s, %s): sort keys differ (-want +got):\n%s", pk, prefix, diff)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("Live(%s, %s) differs (-want +got):\n%.2000s", pk, prefix, diff)
		}
		return nil
	}
}

func sortKeys(rows []directory.Row) (sks []string) {
	for _, r := range rows {
		sks = append(sks, r.Key().SK)
	}
	return sks
}

// readPages reads a listing to its end, or stops at one that has none.
func readPages(ctx context.Context, t directory.Table, pk, prefix string) (rows []directory.Row, err error) {
	for after, pages := "", 0; ; pages++ {
		page, next, err := t.Live(ctx, pk, prefix, after)
		if err != nil {
			return nil, fmt.Errorf("Live: %w", err)
		}
		rows = append(rows, page...)
		if next == "" {
			return rows, nil
		}
		if next <= after || pages > 1000 {
			return nil, fmt.Errorf("Live after %q goes on after %q: the listing does not end", after, next)
		}
		after = next
	}
}

// user is a row with that revision and name.
func user(id, rev, name string) directory.Row {
	r := directory.NewRow(directory.UserKey(id), directory.KindUser)
	r[directory.AttrRev] = rev
	r.SetText("first_name", name)
	return r
}

// pointer is a membership of user a.
func pointer(orgID string) directory.Row {
	r := directory.NewRow(directory.MembershipOfKey(orgID, "a"), directory.KindMembershipOf)
	r["role"] = "org:member"
	return r
}

// tombstone is the row as a deleted one.
func tombstone(r directory.Row) directory.Row {
	r = r.Clone()
	r[directory.AttrDeletedAt] = "2026-03-02T00:00:00.000Z"
	return r
}

// entry is a ledger entry of that message.
func entry(svixID string) *directory.LedgerEntry {
	at := time.UnixMilli(1_772_449_375_640)
	return &directory.LedgerEntry{
		SvixID: svixID, EventType: "user.updated", Entity: "user/u", Outcome: "applied",
		ReceivedAt: at, ProcessedAt: at, ExpiresAt: at.Add(time.Hour),
	}
}

// record is a write of a ledger entry alone.
func record(svixID string) directory.Write { return directory.Write{LedgerEntry: entry(svixID)} }

// newer is a write of the row where it is newer than the one that exists.
func newer(r directory.Row) directory.Write {
	return directory.Write{Row: r, If: directory.IfNewer(r.Revision())}
}

// newerBy is newer as the message of that id makes it, with pointers.
func newerBy(svixID string, r directory.Row, put []directory.Row, drop ...directory.Key) directory.Write {
	return directory.Write{
		LedgerEntry: entry(svixID), Row: r, If: directory.IfNewer(r.Revision()), Put: put, Drop: drop,
	}
}
