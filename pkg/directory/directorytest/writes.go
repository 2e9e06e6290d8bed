package directorytest

import (
	"context"
	"fmt"

	"github.com/clerksync/clerksync/pkg/directory"
)

func conditions() []Check {
	return []Check{
		{"a row is written where none is", writesWhereNoneIs},
		{"a newer row replaces the whole row", replacesWhole},
		{"an older or equal revision loses", olderLoses},
		{"revisions compare byte by byte", comparesBytes},
		{"if absent asks that no row is there", ifAbsent},
		{"if unchanged asks for the revision that was read", ifUnchanged},
	}
}

func writesWhereNoneIs(ctx context.Context, t directory.Table) error {
	return steps(
		func() error { return missing(ctx, t, directory.UserKey("a"), directory.UserKey("b")) },
		func() error { return write(ctx, t, newer(user("a", "1", "Ada")), directory.Written) },
		func() error {
			return write(ctx, t, directory.Write{Row: user("b", "1", "Bo"), If: directory.IfAbsent()}, directory.Written)
		},
		func() error { return there(ctx, t, user("a", "1", "Ada"), user("b", "1", "Bo")) },
	)
}

func replacesWhole(ctx context.Context, t directory.Table) error {
	old := user("a", "1", "Ada")
	old["banned"], old["by_username"] = true, "ada"
	return steps(
		func() error { return put(ctx, t, old) },
		func() error { return write(ctx, t, newer(user("a", "2", "Eve")), directory.Written) },
		func() error { return there(ctx, t, user("a", "2", "Eve")) },
	)
}

func olderLoses(ctx context.Context, t directory.Table) error {
	return steps(
		func() error { return put(ctx, t, user("a", "2", "Ada")) },
		func() error { return write(ctx, t, newer(user("a", "1", "old")), directory.ConditionFailed) },
		func() error { return write(ctx, t, newer(user("a", "2", "same")), directory.ConditionFailed) },
		func() error { return there(ctx, t, user("a", "2", "Ada")) },
	)
}

func comparesBytes(ctx context.Context, t directory.Table) error {
	ascending := []string{"0-", "0-1", "0-1-A", "0-1-A-", "0-1-A0", "0-1-Z", "0-1-_", "0-1-a", "0-1-~2D", "0-10", "1"}
	for i, rev := range ascending {
		if err := write(ctx, t, newer(user("a", rev, "")), directory.Written); err != nil {
			return fmt.Errorf("%q is greater than all before it: %w", rev, err)
		}
		for _, lower := range ascending[:i] {
			if err := write(ctx, t, newer(user("a", lower, "")), directory.ConditionFailed); err != nil {
				return fmt.Errorf("%q is lower than %q: %w", lower, rev, err)
			}
		}
	}
	return nil
}

func ifAbsent(ctx context.Context, t directory.Table) error {
	gone := user("b", "1", "")
	gone[directory.AttrDeletedAt] = "2026-03-02T00:00:00.000Z"
	return steps(
		func() error { return put(ctx, t, user("a", "1", "Ada"), gone) },
		func() error {
			return write(ctx, t, directory.Write{Row: user("a", "2", "Eve")}, directory.ConditionFailed)
		},
		func() error {
			return write(ctx, t, directory.Write{Row: user("b", "2", "Eve")}, directory.ConditionFailed)
		},
		func() error { return there(ctx, t, user("a", "1", "Ada"), gone) },
	)
}

func ifUnchanged(ctx context.Context, t directory.Table) error {
	still := func(row directory.Row, rev directory.Revision) directory.Write {
		return directory.Write{Row: row, If: directory.IfUnchanged(rev)}
	}
	return steps(
		func() error { return write(ctx, t, still(user("a", "2", ""), "1"), directory.ConditionFailed) },
		func() error { return missing(ctx, t, directory.UserKey("a")) },
		func() error { return put(ctx, t, user("a", "2", "Ada")) },
		func() error { return write(ctx, t, still(user("a", "9", ""), "1"), directory.ConditionFailed) },
		func() error { return write(ctx, t, still(user("a", "9", ""), "3"), directory.ConditionFailed) },
		func() error { return there(ctx, t, user("a", "2", "Ada")) },
		func() error { return write(ctx, t, still(user("a", "1", "Eve"), "2"), directory.Written) },
		func() error { return there(ctx, t, user("a", "1", "Eve")) },
	)
}

func ledger() []Check {
	return []Check{
		{"a message is recorded once", recordedOnce},
		{"recorded is told before a condition that fails", recordedFirst},
		{"a recorded message changes nothing", recordedChangesNothing},
		{"a failed condition records nothing", failedRecordsNothing},
	}
}

func recordedOnce(ctx context.Context, t directory.Table) error {
	return steps(
		func() error { return write(ctx, t, directory.Write{LedgerEntry: record("msg_1")}, directory.Written) },
		func() error {
			return write(ctx, t, directory.Write{LedgerEntry: record("msg_1")}, directory.AlreadyRecorded)
		},
		func() error { return write(ctx, t, directory.Write{LedgerEntry: record("msg_2")}, directory.Written) },
		func() error {
			return write(ctx, t, directory.Write{LedgerEntry: record("msg_1")}, directory.AlreadyRecorded)
		},
	)
}

func recordedFirst(ctx context.Context, t directory.Table) error {
	w := newer(user("a", "1", "Ada"))
	w.LedgerEntry = record("msg_1")
	return steps(
		func() error { return write(ctx, t, w, directory.Written) },
		func() error { return write(ctx, t, w, directory.AlreadyRecorded) },
		func() error {
			w.If = directory.IfAbsent()
			return write(ctx, t, w, directory.AlreadyRecorded)
		},
		func() error {
			w.If = directory.IfUnchanged("7")
			return write(ctx, t, w, directory.AlreadyRecorded)
		},
	)
}

func recordedChangesNothing(ctx context.Context, t directory.Table) error {
	w := newer(user("a", "2", "Eve"))
	w.LedgerEntry, w.Put = record("msg_1"), []directory.Row{pointer("o1")}
	w.Drop = []directory.Key{pointer("o2").Key()}
	return steps(
		func() error { return put(ctx, t, user("a", "1", "Ada"), pointer("o2")) },
		func() error { return write(ctx, t, directory.Write{LedgerEntry: record("msg_1")}, directory.Written) },
		func() error { return write(ctx, t, w, directory.AlreadyRecorded) },
		func() error { return there(ctx, t, user("a", "1", "Ada"), pointer("o2")) },
		func() error { return missing(ctx, t, pointer("o1").Key()) },
	)
}

func failedRecordsNothing(ctx context.Context, t directory.Table) error {
	w := newer(user("a", "1", "old"))
	w.LedgerEntry, w.Put = record("msg_1"), []directory.Row{pointer("o1")}
	w.Drop = []directory.Key{pointer("o2").Key()}
	return steps(
		func() error { return put(ctx, t, user("a", "2", "Ada"), pointer("o2")) },
		func() error { return write(ctx, t, w, directory.ConditionFailed) },
		func() error { return there(ctx, t, user("a", "2", "Ada"), pointer("o2")) },
		func() error { return missing(ctx, t, pointer("o1").Key()) },
		func() error { return write(ctx, t, directory.Write{LedgerEntry: record("msg_1")}, directory.Written) },
	)
}

// pointer is a membership of user a.
func pointer(orgID string) directory.Row {
	r := directory.NewRow(directory.MembershipOfKey(orgID, "a"), directory.KindMembershipOf)
	r["role"] = "org:member"
	return r
}
