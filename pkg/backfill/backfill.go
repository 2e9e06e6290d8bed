// Package backfill brings what Clerk's API has into the tables, beside the events
// and in one order with them: no event is undone, nothing that an event deleted
// comes back, and a second backfill of an unchanged instance writes nothing.
//
// The files, from the whole to the details:
//
//	backfill.go  reads the lists of an instance, kind by kind, and counts
//	part.go      reads one part of a list while the page before is written
//	state.go     remembers what is done, so that another process can go on
//	instance.go  whose key it is, and whose the rows are
//	writer.go    reads the rows of a batch, decides, writes, deletes orphans
//	decide.go    what one object means for the row that exists
//	compare.go   in which members an object differs from its row
//
// A Diff tells in what the tables differ from Clerk, and a Repair mends that:
//
//	diff.go          reads the lists as a backfill does, then all rows
//	diff_ask.go      asks Clerk for the rows that no list had
//	diff_report.go   counts what was found, and what was repaired
//	diff_keys.go     remembers which keys Clerk listed
//	diff_finding.go  says in what an object and its row differ
//	absence.go       asks for one object by its id, and stops what looks like a fault
//	repair.go        writes what is missing or differs
//	repair_delete.go deletes what Clerk denies twice
//	repair_check.go  looks a third time at what was repaired
package backfill

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Kinds are all kinds of rows that Clerk's API lists, in the order in which they
// are read. Parents come before their children, so that a child whose parent was
// deleted by absence finds it live again.
func Kinds() []string {
	return []string{
		directory.KindPermission, directory.KindRole, directory.KindOrganization, directory.KindUser,
		directory.KindMembership, directory.KindInvitation, directory.KindDomain,
	}
}

// Counts say what became of the objects of one kind. Read is the sum of the others.
type Counts struct {
	Read     int `json:"read"`
	Written  int `json:"written"`  // in a dry run: would have been
	Equal    int `json:"equal"`    // the row says the same
	Activity int `json:"activity"` // it differs only in what changes without news
	Older    int `json:"older"`    // the row is newer
	Deleted  int `json:"deleted"`  // the row is a tombstone
	Failed   int `json:"failed"`   // the object can have no row
	// Skipped is why the kind was not read: Clerk's code, where the instance has
	// it switched off.
	Skipped string `json:"skipped,omitempty"`
}

// add adds the counts of another page. Skipped is not of pages.
func (c *Counts) add(d Counts) {
	c.Read += d.Read
	c.Written += d.Written
	c.Equal += d.Equal
	c.Activity += d.Activity
	c.Older += d.Older
	c.Deleted += d.Deleted
	c.Failed += d.Failed
}

// count adds an object that came out so. One whose write was lost to another
// writer was decided anew, so each object counts once.
func (c *Counts) count(v Verdict) {
	c.Read++
	switch v {
	case Missing, Different:
		c.Written++
	case Equal:
		c.Equal++
	case Activity:
		c.Activity++
	case Older:
		c.Older++
	case Deleted:
		c.Deleted++
	case Extra, Pending: // classes of a Diff alone
	}
}

// Failure is an object that can have no row: Clerk's API gave what no revision or
// key can be made of.
type Failure struct {
	Kind string
	ID   string // "" where it has none
	Err  error  // names members, never their values
}

// Backfill reads an instance and writes what is missing or differs.
type Backfill struct {
	Client *clerkapi.Client
	Writer *Writer
	Kinds  []string // all of Kinds, in its order, if nil
	State  *State   // NewState for one that no file keeps

	// OnPage is called after each page that is whole in the table, with the counts
	// of the kind so far and with Clerk's own count of its objects. OnFailure is
	// called for each object that can have no row. Neither is called from two
	// goroutines at once.
	OnPage    func(kind string, c Counts, total int64)
	OnFailure func(Failure)

	reporting sync.Mutex
	// observe is called with each object and what it means for its row, by several
	// goroutines; not if nil.
	observe func(Object, Decision)
}

// Run reads the kinds, one after the other, and returns what became of them, as
// far as it got, also with an error. An object that can have no row is no error.
// What State has as done is not read again and is in the counts.
func (b *Backfill) Run(ctx context.Context) (map[string]Counts, error) {
	for _, kind := range Kinds() {
		if !b.includes(kind) {
			continue
		}
		err := b.runKind(ctx, kind)
		// An instance without organizations has none to read. That is an answer, unlike
		// every other refusal.
		if e, ok := errors.AsType[*clerkapi.DisabledError](err); ok {
			err = b.State.skip(kind, e.Err.Code)
		}
		if err != nil {
			return b.counts(), err
		}
	}
	return b.counts(), b.State.finish()
}

// includes says whether the user has asked for the kind.
func (b *Backfill) includes(kind string) bool {
	return b.Kinds == nil || slices.Contains(b.Kinds, kind)
}

// counts are those of the kinds that were begun, by this process or before.
func (b *Backfill) counts() map[string]Counts {
	all := map[string]Counts{}
	for _, kind := range Kinds() {
		if c, ok := b.State.counts(kind); ok && b.includes(kind) {
			all[kind] = c
		}
	}
	return all
}

const (
	// maxReaders bounds how many parts of a list are read at once. Each holds two
	// pages in memory, one that is read and one that is written: with 3 KB a user,
	// four readers took the command to 120 MB and were no faster, for two bring more
	// users than a table takes.
	maxReaders = 2
	// maxWindows and usersPerWindow say into how many windows the users are split:
	// more than are read at once, for users are not spread evenly over time; few
	// enough that their last pages, which are not full, cost little.
	maxWindows     = 8
	usersPerWindow = 2500
)

// runKind reads all parts of one kind's list that are not done.
func (b *Backfill) runKind(ctx context.Context, kind string) error {
	// An earlier process has split the list: its parts are kept as they are, for
	// positions in others would mean nothing.
	parts, begun := b.State.parts(kind)
	if begun && !slices.ContainsFunc(parts, func(p part) bool { return !p.Done }) {
		return nil
	}
	total := int64(-1)
	if kind == directory.KindUser { // whose list has no total of its own
		var err error
		if total, err = b.Client.Count(ctx, kind); err != nil {
			return err //nolint:wrapcheck // the client names its request
		}
	}
	if !begun {
		windows, err := b.windows(ctx, total)
		if err != nil {
			return err
		}
		parts = b.State.begin(kind, windows)
	}
	// The first part that fails stops the others: what they have written is in the
	// state, and the rest is read by whoever goes on.
	g, reading := errgroup.WithContext(ctx)
	g.SetLimit(maxReaders)
	for i, p := range parts {
		if p.Done {
			continue
		}
		r := reader{Backfill: b, kind: kind, part: i, total: total}
		g.Go(func() error { return r.read(reading, p) })
	}
	return g.Wait() //nolint:wrapcheck // read names what it did
}

// windows splits the users, of which there are about total, by the time of their
// creation; every other list, whose total is negative, is one part. The first
// window has no beginning and the last no end: users may be created meanwhile, or
// have no time that can be read.
func (b *Backfill) windows(ctx context.Context, total int64) ([]clerkapi.Window, error) {
	n := int(min(total/usersPerWindow, maxWindows))
	if n < 2 {
		return []clerkapi.Window{{}}, nil
	}
	all, ok, err := b.Client.UserWindow(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // the client names its request
	}
	if !ok { // they were all deleted meanwhile
		return []clerkapi.Window{{}}, nil
	}
	windows := all.Split(n)
	windows[0].From, windows[len(windows)-1].To = 0, 0
	return windows, nil
}
