package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
)

// tables is what the final check reads.
type tables interface {
	// Read is that of directory.Table.
	Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error)
	// recorded says whether the message has a ledger entry.
	recorded(ctx context.Context, m *message) (bool, error)
	// unexpected are the keys of rows that are not known.
	unexpected(ctx context.Context, known map[directory.Key]bool) ([]directory.Key, error)
}

// check compares all that the tables and the dead letters hold with what they
// should hold.
func (e *expectation) check(ctx context.Context, t tables, messages []*message, watched *monitor) error {
	known := map[directory.Key]bool{}
	for _, k := range e.keys {
		known[k] = true
		if err := e.checkKey(ctx, t, k, messages, known); err != nil {
			return err
		}
	}
	if err := checkMessages(ctx, t, messages, watched); err != nil {
		return err
	}
	unexpected, err := t.unexpected(ctx, known)
	if err == nil && len(unexpected) > 0 {
		err = fmt.Errorf("rows of nothing that Clerk emitted: %v", unexpected)
	}
	return err
}

// checkMessages checks that each message is recorded, or among the dead letters
// where it can never work.
func checkMessages(ctx context.Context, t tables, messages []*message, watched *monitor) error {
	for _, m := range messages {
		ok, err := t.recorded(ctx, m)
		if err != nil {
			return err
		}
		if ok = ok || watched.expired[m.svixID]; ok == m.invalid {
			return fmt.Errorf("%s is recorded: %v, want %v", m.svixID, ok, !m.invalid)
		}
		if dead := watched.dead[m.svixID]; dead != m.invalid {
			return fmt.Errorf("%s is among the dead letters: %v, want %v", m.svixID, dead, m.invalid)
		}
	}
	return nil
}

// checkKey checks a row and its pointers, and adds the pointer to the known
// keys.
func (e *expectation) checkKey(
	ctx context.Context, t tables, k directory.Key, messages []*message, known map[directory.Key]bool,
) error {
	row, err := readRow(ctx, t, k)
	if err != nil {
		return err
	}
	if err := e.checkRow(k, row); err != nil {
		return err
	}
	want, none := e.pointers(k, row, messages)
	if want != nil {
		known[want.Key()] = true
		pointer, err := readRow(ctx, t, want.Key())
		if err != nil {
			return err
		}
		if err := compareRow(want.Key(), pointer, want); err != nil {
			return err
		}
	}
	for _, at := range none {
		if pointer, err := readRow(ctx, t, at); err != nil || pointer != nil {
			return errors.Join(fmt.Errorf("a pointer %v is left of %v", at, k), err)
		}
	}
	return nil
}

// readRow reads one row, nil for none.
func readRow(ctx context.Context, t tables, k directory.Key) (directory.Row, error) {
	rows, err := t.Read(ctx, k)
	if err != nil {
		return nil, fmt.Errorf("read %v: %w", k, err)
	}
	return rows[0], nil
}

// checkRow compares the row at a key, nil for none, with what it should be.
func (e *expectation) checkRow(k directory.Key, row directory.Row) error {
	w := e.winner[k]
	if row.Gone() {
		if err := e.checkTombstone(row); err != nil {
			return err
		}
	}
	switch {
	case e.undecided(k) && !row.Live():
		return nil
	case w.deletion:
		switch {
		case row.Live():
			return fmt.Errorf("%v is live after its deletion by %s", k, w.svixID)
		case e.hadDeletedParent(k):
		case row == nil:
			return fmt.Errorf("%v has no tombstone", k)
		case row.Text("rev") != w.rev():
			return fmt.Errorf("rev of the tombstone %v = %s, want %s", k, row.Text("rev"), w.rev())
		case row.Text("deleted_at") != w.deletedAt():
			return fmt.Errorf("deleted_at of %v = %s, want %s", k, row.Text("deleted_at"), w.deletedAt())
		}
		return nil
	case e.anyDeleted(w.parents):
		if row.Live() && !e.survivesRestoration(k) {
			return fmt.Errorf("%v is live under a deleted parent", k)
		}
		return nil
	}
	want := w.rowIn(e.storage[0])
	for _, storage := range e.storage[1:] {
		other := w.rowIn(storage)
		if row.Text("object") == other.Text("object") && cmp.Equal(row["omitted"], other["omitted"]) {
			want = other
		}
	}
	return compareRow(k, row, want)
}

// checkTombstone checks that a tombstone holds nothing that its policy forbids
// and is in no index.
func (e *expectation) checkTombstone(r directory.Row) error {
	allowed := []string{"pk", "sk", "kind", "rev", "svix_id", "synced_at", "instance_id", "deleted_at"}
	for name := range r {
		if e.policy == consumer.Hard && !slices.Contains(allowed, name) {
			return fmt.Errorf("tombstone %v keeps %s", r.Key(), name)
		}
		if slices.Contains([]string{"by_email", "by_external_id", "by_username", "by_slug"}, name) {
			return fmt.Errorf("tombstone %v is in index %s", r.Key(), name)
		}
	}
	return nil
}

// compareRow compares byte by byte; of synced_at it asks only that it is there.
func compareRow(k directory.Key, row, want directory.Row) error {
	if row == nil {
		return fmt.Errorf("%v is missing", k)
	}
	if row.Text("synced_at") == "" {
		return fmt.Errorf("%v has no synced_at", k)
	}
	row = row.Clone()
	delete(row, "synced_at")
	if diff := cmp.Diff(want, row); diff != "" {
		return fmt.Errorf("%v differs (-want +got):\n%s", k, diff)
	}
	return nil
}
