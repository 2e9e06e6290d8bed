// Package directorytest is the contract of directory.Table as a suite, and
// Memory, the plainest Table that keeps it. Every implementation runs the
// suite, so that what is shown on Memory holds on DynamoDB.
package directorytest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/directory"
)

// Check is one promise of a Table. It uses keys of its own and asks for a
// table in which they are not there.
type Check struct {
	Name string
	Run  func(ctx context.Context, t directory.Table) error
}

// Checks are the whole contract.
func Checks() []Check {
	var all []Check
	for _, part := range [][]Check{conditions(), ledger(), wholes(), refusals(), values(), reads(), listings(), races()} {
		all = append(all, part...)
	}
	return all
}

// timeout bounds one check.
const timeout = 30 * time.Second

// Run holds the tables that open makes, empty ones, to the contract.
func Run(t *testing.T, open func(t *testing.T) directory.Table) {
	t.Helper()
	RunBut(t, nil, open)
}

// RunBut leaves out the checks of those names, each with its reason: known
// gaps of an engine that is not ours.
func RunBut(t *testing.T, skip map[string]string, open func(t *testing.T) directory.Table) {
	t.Helper()
	for _, c := range Checks() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if reason, ok := skip[c.Name]; ok {
				t.Skip(reason)
			}
			table := open(t) // takes its time on a real account
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			if err := c.Run(ctx, table); err != nil {
				t.Error(err)
			}
		})
	}
}

// user is a row with that revision and name.
func user(id, rev, name string) directory.Row {
	r := directory.NewRow(directory.UserKey(id), directory.KindUser)
	r[directory.AttrRev] = rev
	r.SetText("first_name", name)
	return r
}

// record is a Deliveries row of that message.
func record(svixID string) *directory.LedgerEntry {
	at := time.UnixMilli(1_772_449_375_640)
	return &directory.LedgerEntry{
		SvixID: svixID, EventType: "user.updated", Entity: "user/u", Outcome: "applied",
		ReceivedAt: at, ProcessedAt: at, ExpiresAt: at.Add(time.Hour),
	}
}

func newer(r directory.Row) directory.Write {
	return directory.Write{Row: r, If: directory.IfNewer(r.Revision())}
}

// write asks for a result.
func write(ctx context.Context, t directory.Table, w directory.Write, want directory.Result) error {
	got, err := t.Write(ctx, w)
	if err != nil {
		return fmt.Errorf("Write(%s) = %w, want result %d", describe(w), err, want)
	}
	if got != want {
		return fmt.Errorf("Write(%s) = result %d, want %d", describe(w), got, want)
	}
	return nil
}

// put writes rows where none are.
func put(ctx context.Context, t directory.Table, rows ...directory.Row) error {
	for _, r := range rows {
		if err := write(ctx, t, directory.Write{Row: r}, directory.Written); err != nil {
			return err
		}
	}
	return nil
}

func describe(w directory.Write) string {
	key := directory.Key{}
	if w.Row != nil {
		key = w.Row.Key()
	}
	return fmt.Sprintf("%.60s, delivery %t, put %d, drop %d", key, w.LedgerEntry != nil, len(w.Put), len(w.Drop))
}

// there asks that the rows are there exactly.
func there(ctx context.Context, t directory.Table, rows ...directory.Row) error {
	keys := make([]directory.Key, len(rows))
	for i, r := range rows {
		keys[i] = r.Key()
	}
	got, err := t.Read(ctx, keys...)
	if err != nil {
		return fmt.Errorf("Read: %w", err)
	}
	if diff := cmp.Diff(rows, got); diff != "" {
		return fmt.Errorf("Read: rows differ (-want +got):\n%.2000s", diff)
	}
	return nil
}

// missing asks that no rows are there.
func missing(ctx context.Context, t directory.Table, keys ...directory.Key) error {
	rows, err := t.Read(ctx, keys...)
	if err != nil {
		return fmt.Errorf("Read: %w", err)
	}
	if len(rows) != len(keys) {
		return fmt.Errorf("Read of %d keys = %d rows, want one for each", len(keys), len(rows))
	}
	for i, k := range keys {
		if rows[i] != nil {
			return fmt.Errorf("Read(%s) = a row, want none", k)
		}
	}
	return nil
}

// walk reads all pages of a listing.
func walk(ctx context.Context, t directory.Table, pk, prefix string) (rows []directory.Row, err error) {
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

// steps runs them up to the first error.
func steps(all ...func() error) error {
	for _, f := range all {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}
