package simulation

import (
	"context"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// checkThenAct looks into the ledger first and then writes without its
// condition.
func checkThenAct(ctx context.Context, t *gatedTable, w directory.Write) (directory.Result, error) {
	if w.LedgerEntry == nil {
		return t.Write(ctx, w)
	}
	seen := false
	id := w.LedgerEntry.SvixID
	c := &call{by: t.by, name: t.name("seen", id), keys: []directory.Key{{PK: id}}, reads: true}
	c.run = func() {
		_, seen = t.memory.deliveries[id]
		seen = seen && !slices.ContainsFunc(t.memory.flights, func(f *flight) bool { return f.touches(c.keys[0]) })
	}
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
	if w.LedgerEntry == nil || w.Row == nil {
		return t.Write(ctx, w)
	}
	if r, err := t.Write(ctx, directory.Write{LedgerEntry: w.LedgerEntry}); err != nil || r != directory.Written {
		return r, err
	}
	w.LedgerEntry = nil
	return t.Write(ctx, w)
}

func effectFirst(ctx context.Context, t *gatedTable, w directory.Write) (directory.Result, error) {
	if w.LedgerEntry == nil || w.Row == nil {
		return t.Write(ctx, w)
	}
	effect := w
	effect.LedgerEntry = nil
	if r, err := t.Write(ctx, effect); err != nil || r != directory.Written {
		return r, err
	}
	return t.Write(ctx, directory.Write{LedgerEntry: w.LedgerEntry})
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
	if w.LedgerEntry != nil {
		return t.Write(ctx, w)
	}
	return t.writeBy(ctx, w, rules{holds: func(directory.Condition, directory.Row) bool { return true }})
}

func domainByRev(ctx context.Context, t *gatedTable, w directory.Write) (directory.Result, error) {
	if w.LedgerEntry != nil && w.Row.Gone() && w.Row.Text("kind") == directory.KindDomain {
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
