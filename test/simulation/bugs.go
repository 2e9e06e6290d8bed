package simulation

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Bug is a classic mistake, planted between the consumer and its table or
// queue, to see that the simulation finds it.
type Bug struct {
	Name    string
	table   func(*gatedTable) directory.Table
	records func([]delivery.Record) []delivery.Record
	failed  func(all []delivery.Record, failed []string) []string
}

// Find runs up to so many histories, from seed 1, until one breaks a promise.
// It returns how many that took, 0 where none did, and how it broke.
func (b Bug) Find(t *testing.T, histories int) (n int, seed uint64, how error) {
	t.Helper()
	var seeds atomic.Uint64
	plan := plans()
	for n = 1; n <= histories; n++ {
		seed, p := nextPlan(plan, &seeds)
		if err := live(t, p, &b, &Tally{}); err != nil {
			return n, seed, err
		}
	}
	return 0, 0, nil
}

// Shrink prints a short history in which the bug of that seed shows.
func (b Bug) Shrink(t *testing.T, seed uint64) {
	t.Helper()
	shrink(t, seed, &b)
}

// Bugs are the mistakes that the design exists to avoid.
func Bugs() []Bug {
	return []Bug{
		{Name: "check-then-act ledger", table: twist(twisted{write: checkThenAct})},
		{Name: "ledger before effect", table: twist(twisted{write: ledgerFirst})},
		{Name: "effect before ledger", table: twist(twisted{write: effectFirst})},
		{Name: "no rev check", table: comparing(func(_, _ string, _ *judge) bool { return true })},
		{Name: "updated_at only", table: comparing(func(there, rev string, _ *judge) bool {
			return fields(there)[3] < fields(rev)[3]
		})},
		{Name: "`>=` for `<`", table: comparing(func(there, rev string, _ *judge) bool { return rev >= there })},
		{Name: "tombstone not terminal", table: comparing(func(there, rev string, _ *judge) bool {
			return without(there, 2) < without(rev, 2)
		})},
		{Name: "created and updated not ranked", table: comparing(func(there, rev string, _ *judge) bool {
			return without(there, 4) < without(rev, 4)
		})},
		{Name: "seconds not normalised", table: comparing(func(there, rev string, j *judge) bool {
			return j.unnormalised(there) < j.unnormalised(rev)
		})},
		{Name: "missing created_at taken as 0", records: createdAtZero},
		{Name: "cascade by index", table: twist(twisted{live: byIndex})},
		{Name: "duplicate acknowledged before its follow-up", table: forgetful(func(r directory.Result, _ bool) bool {
			return r == directory.AlreadyRecorded
		})},
		{Name: "ConditionCheck-only gate", table: forgetful(func(_ directory.Result, gated bool) bool { return gated })},
		{Name: "pointer outside the transaction", table: twist(twisted{write: pointerAfter})},
		{Name: "a child ended without its condition", table: twist(twisted{write: endAnyway})},
		{Name: "a domain's deletion by `rev` alone", table: twist(twisted{write: domainByRev})},
		{Name: "batch fails as one", failed: allOrNothing},
	}
}

// twisted is the table with some of its methods as a bug has them.
type twisted struct {
	*gatedTable
	write func(context.Context, *gatedTable, directory.Write) (directory.Result, error)
	live  func(ctx context.Context, t *gatedTable, pk, prefix, after string) ([]directory.Row, string, error)
}

func twist(like twisted) func(*gatedTable) directory.Table {
	return func(t *gatedTable) directory.Table {
		like := like
		like.gatedTable = t
		return like
	}
}

func (t twisted) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	if t.write == nil {
		return t.gatedTable.Write(ctx, w)
	}
	return t.write(ctx, t.gatedTable, w)
}

func (t twisted) Live(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
	if t.live == nil {
		return t.gatedTable.Live(ctx, pk, prefix, after)
	}
	return t.live(ctx, t.gatedTable, pk, prefix, after)
}
