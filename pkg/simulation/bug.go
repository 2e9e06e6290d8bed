package simulation

import (
	"context"
	"strings"
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

// checkThenAct looks into the ledger first and then writes without its
// condition.
func checkThenAct(ctx context.Context, t *gatedTable, w directory.Write) (directory.Result, error) {
	if w.Delivery == nil {
		return t.Write(ctx, w)
	}
	seen := false
	id := w.Delivery.SvixID
	c := &call{by: t.by, name: t.name("seen", id), keys: []directory.Key{{PK: id}}, reads: true}
	c.run = func() { _, seen = t.memory.deliveries[id] }
	if err := t.do(ctx, c); err != nil {
		return 0, err
	}
	if seen {
		return directory.AlreadyRecorded, nil
	}
	r := soundRules()
	r.anyLedger = true
	return t.writeBy(ctx, w, r)
}

func ledgerFirst(ctx context.Context, t *gatedTable, w directory.Write) (directory.Result, error) {
	if w.Delivery == nil || w.Row == nil {
		return t.Write(ctx, w)
	}
	if r, err := t.Write(ctx, directory.Write{Delivery: w.Delivery}); err != nil || r != directory.Written {
		return r, err
	}
	w.Delivery = nil
	return t.Write(ctx, w)
}

func effectFirst(ctx context.Context, t *gatedTable, w directory.Write) (directory.Result, error) {
	if w.Delivery == nil || w.Row == nil {
		return t.Write(ctx, w)
	}
	effect := w
	effect.Delivery = nil
	if r, err := t.Write(ctx, effect); err != nil || r != directory.Written {
		return r, err
	}
	return t.Write(ctx, directory.Write{Delivery: w.Delivery})
}

func pointerAfter(ctx context.Context, t *gatedTable, w directory.Write) (directory.Result, error) {
	row := w
	row.Put, row.Drop = nil, nil
	r, err := t.Write(ctx, row)
	if err != nil || r != directory.Written || len(w.Put)+len(w.Drop) == 0 {
		return r, err
	}
	return t.Write(ctx, directory.Write{Put: w.Put, Drop: w.Drop})
}

func endAnyway(ctx context.Context, t *gatedTable, w directory.Write) (directory.Result, error) {
	if w.Delivery != nil {
		return t.Write(ctx, w)
	}
	return t.writeBy(ctx, w, rules{holds: func(directory.Condition, directory.Row) bool { return true }})
}

func domainByRev(ctx context.Context, t *gatedTable, w directory.Write) (directory.Result, error) {
	if w.Delivery != nil && w.Row.Gone() && w.Row.Text("kind") == directory.KindDomain {
		w.If = directory.IfNewer(w.Row.Revision())
	}
	return t.Write(ctx, w)
}

func byIndex(ctx context.Context, t *gatedTable, pk, prefix, after string) ([]directory.Row, string, error) {
	return t.liveIn(ctx, func() map[directory.Key]directory.Row { return t.memory.index }, pk, prefix, after)
}

// comparing has another comparison in the condition that a row is newer.
func comparing(newer func(there, rev string, j *judge) bool) func(*gatedTable) directory.Table {
	return twist(twisted{write: func(ctx context.Context, t *gatedTable, w directory.Write) (directory.Result, error) {
		return t.writeBy(ctx, w, rules{holds: func(c directory.Condition, there directory.Row) bool {
			if rev, ok := c.Newer(); ok && there != nil {
				return newer(there.Text("rev"), string(rev), t.judge)
			}
			return c.Holds(there)
		}})
	}})
}

// fields are a revision's: incarnation (two), terminal, updated, rank, sent,
// svix id.
func fields(rev string) []string { return strings.SplitN(rev, "-", 7) }

func without(rev string, field int) string {
	f := fields(rev)
	f[field] = ""
	return strings.Join(f, "-")
}

func createdAtZero(records []delivery.Record) []delivery.Record {
	out := make([]delivery.Record, len(records))
	for i, r := range records {
		if strings.HasPrefix(r.Attributes[delivery.AttrEventType].Text, "organizationMembership.") && !strings.Contains(r.Body, `"created_at"`) {
			r.Body = strings.Replace(r.Body, `"data":{`, `"data":{"created_at":0,`, 1)
		}
		out[i] = r
	}
	return out
}

func allOrNothing(all []delivery.Record, failed []string) []string {
	if len(failed) == 0 {
		return nil
	}
	failed = nil
	for _, r := range all {
		failed = append(failed, r.MessageID)
	}
	return failed
}
