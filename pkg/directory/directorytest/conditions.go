package directorytest

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// The results of a write, for short.
const (
	written         = directory.Written
	alreadyRecorded = directory.AlreadyRecorded
	conditionFailed = directory.ConditionFailed
)

// conditions are what decides who wins. They are one with the write: a table
// that compares first and writes then fails the checks in races.go.
func conditions() []Check {
	old := user("a", "1", "Ada")
	old["banned"], old["by_username"] = true, "ada"
	deleted := tombstone(user("b", "1", ""))
	changed := func(row directory.Row, since directory.Revision) directory.Write {
		return directory.Write{Row: row, If: directory.IfUnchanged(since)}
	}
	return []Check{
		check("a row is written where none is",
			missing(directory.UserKey("a"), directory.UserKey("b")),
			write(newer(user("a", "1", "Ada")), written),
			write(directory.Write{Row: user("b", "1", "Bo"), If: directory.IfAbsent()}, written),
			exist(user("a", "1", "Ada"), user("b", "1", "Bo")),
		),
		check("a newer row replaces the whole row",
			put(old),
			write(newer(user("a", "2", "Eve")), written),
			exist(user("a", "2", "Eve")),
		),
		// Equal is the message that made the row: it has nothing new to say.
		check("an older or equal revision loses",
			put(user("a", "2", "Ada")),
			write(newer(user("a", "1", "old")), conditionFailed),
			write(newer(user("a", "2", "same")), conditionFailed),
			exist(user("a", "2", "Ada")),
		),
		check("revisions compare byte by byte", comparesBytes),
		// A tombstone is a row, too.
		check("if absent asks that no row is there",
			put(user("a", "1", "Ada"), deleted),
			write(directory.Write{Row: user("a", "2", "Eve"), If: directory.IfAbsent()}, conditionFailed),
			write(directory.Write{Row: user("b", "2", "Eve"), If: directory.IfAbsent()}, conditionFailed),
			exist(user("a", "1", "Ada"), deleted),
		),
		// Somebody put them there by hand. Without this check every event for such a
		// row would be stale for ever.
		check("a row without a revision loses to every revision", losesByHand(nil, "")),
		check("a row whose revision is no text loses to every revision", losesByHand(directory.Number("9"), true)),
		check("a row without a revision is unchanged until it has one",
			write(changed(byHand("a"), ""), conditionFailed),
			put(byHand("a"), user("b", "1", "Bo")),
			write(changed(user("a", "1", ""), "1"), conditionFailed),
			write(changed(user("b", "2", ""), ""), conditionFailed),
			write(changed(user("a", "1", "Ada"), ""), written),
			write(changed(user("a", "2", ""), ""), conditionFailed),
			exist(user("a", "1", "Ada"), user("b", "1", "Bo")),
		),
		// Greater or smaller does not matter: what was read is what counts.
		check("if unchanged asks for the revision that was read",
			write(changed(user("a", "2", ""), "1"), conditionFailed),
			missing(directory.UserKey("a")),
			put(user("a", "2", "Ada")),
			write(changed(user("a", "9", ""), "1"), conditionFailed),
			write(changed(user("a", "9", ""), "3"), conditionFailed),
			exist(user("a", "2", "Ada")),
			write(changed(user("a", "1", "Eve"), "2"), written),
			exist(user("a", "1", "Eve")),
		),
		// People are told why a message is stale. No other request may be needed for it.
		check("a write that loses is shown the row's revision",
			put(user("a", "2", "Ada"), byHand("b")),
			losing(newer(user("a", "1", "old")), conditionFailed, directory.Existing{Revision: "2"}),
			losing(newerBy("msg_1", user("a", "1", "old"), nil), conditionFailed, directory.Existing{Revision: "2"}),
			losing(changed(user("a", "3", "Eve"), "1"), conditionFailed, directory.Existing{Revision: "2"}),
			losing(directory.Write{Row: user("b", "1", "Bo")}, conditionFailed, directory.Existing{}),
		),
	}
}

// losesByHand tries rows with such a `rev` (nil for none), each replaced in a
// message's transaction and another of its kind alone.
func losesByHand(revs ...directory.Value) step {
	var all []step
	for i, rev := range revs {
		old, other := byHand("a"+strconv.Itoa(i)), byHand("b"+strconv.Itoa(i))
		if rev != nil {
			old[directory.AttrRev], other[directory.AttrRev] = rev, rev
		}
		next, otherNext := user("a"+strconv.Itoa(i), "0", "Ada"), user("b"+strconv.Itoa(i), "0", "Bo")
		all = append(all, put(old, other),
			write(newerBy("msg_"+strconv.Itoa(i), next, nil), written),
			write(newer(otherNext), written),
			exist(next, otherNext))
	}
	return steps(all...)
}

// byHand is a row without a revision.
func byHand(id string) directory.Row {
	r := user(id, "", "by hand")
	delete(r, directory.AttrRev)
	return r
}

// comparesBytes holds revisions to DynamoDB's order of strings, which is that of
// their UTF-8 bytes: a prefix is smaller, and upper case before lower.
func comparesBytes(ctx context.Context, t directory.Table) error {
	ascending := []string{"0-", "0-1", "0-1-A", "0-1-A-", "0-1-A0", "0-1-Z", "0-1-_", "0-1-a", "0-1-~2D", "0-10", "1"}
	for i, rev := range ascending {
		if err := write(newer(user("a", rev, "")), written)(ctx, t); err != nil {
			return fmt.Errorf("%q is greater than all before it: %w", rev, err)
		}
		for _, lower := range ascending[:i] {
			if err := write(newer(user("a", lower, "")), conditionFailed)(ctx, t); err != nil {
				return fmt.Errorf("%q is lower than %q: %w", lower, rev, err)
			}
		}
	}
	return nil
}

// ledger are the checks of the Deliveries table, which shares transactions with
// the rows: an entry says that its effect took place.
func ledger() []Check {
	ada, eve := user("a", "1", "Ada"), user("a", "2", "Eve")
	unlessAny, unlessChanged := newerBy("msg_1", ada, nil), newerBy("msg_1", ada, nil)
	unlessAny.If, unlessChanged.If = directory.IfAbsent(), directory.IfUnchanged("7")
	pointers := []directory.Row{pointer("o1")}
	first := directory.Existing{LedgerEntry: entry("msg_1")}
	first.LedgerEntry.Outcome = "stale"
	first.LedgerEntry.ExpiresAt = first.LedgerEntry.ExpiresAt.Truncate(time.Second) // the table keeps seconds
	return []Check{
		check("a message is recorded once",
			write(record("msg_1"), written),
			write(record("msg_1"), alreadyRecorded),
			write(record("msg_2"), written),
			write(record("msg_1"), alreadyRecorded),
		),
		// A copy of a message that came through is a duplicate, not stale, though
		// its own row makes its condition fail.
		check("recorded counts before a condition that fails",
			write(newerBy("msg_1", ada, nil), written),
			write(newerBy("msg_1", ada, nil), alreadyRecorded),
			write(unlessAny, alreadyRecorded),
			write(unlessChanged, alreadyRecorded),
		),
		// Of a message that is stale and a duplicate, the first copy's entry is shown.
		check("a write that loses is shown the first copy's entry",
			put(eve),
			write(directory.Write{LedgerEntry: first.LedgerEntry}, written),
			losing(record("msg_1"), alreadyRecorded, first),
			losing(newerBy("msg_1", ada, nil), alreadyRecorded, first),
		),
		// So no crash between effect and record applies a message twice.
		check("a recorded message changes nothing",
			put(ada, pointer("o2")),
			write(record("msg_1"), written),
			write(newerBy("msg_1", eve, pointers, pointer("o2").Key()), alreadyRecorded),
			exist(ada, pointer("o2")),
			missing(pointer("o1").Key()),
		),
		// So no crash between record and effect loses a message.
		check("a failed condition records nothing",
			put(eve, pointer("o2")),
			write(newerBy("msg_1", ada, pointers, pointer("o2").Key()), conditionFailed),
			exist(eve, pointer("o2")),
			missing(pointer("o1").Key()),
			write(record("msg_1"), written),
		),
	}
}
