package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// gatedTable is the table as one invocation sees it.
type gatedTable struct {
	*stage
	by *invocation
}

func (t *gatedTable) name(parts ...string) string {
	return fmt.Sprintf("%03d %s", t.by.id, strings.Join(parts, " "))
}

// Write waits at the gate, then writes.
func (t *gatedTable) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	return t.writeBy(ctx, w, soundRules())
}

func (t *gatedTable) writeBy(ctx context.Context, w directory.Write, r rules) (directory.Result, error) {
	parts := []string{"write"}
	c := &call{by: t.by, write: &w, rules: r, keys: slices.Clone(r.gate)}
	if w.Row != nil {
		c.keys = append(c.keys, w.Row.Key())
		parts = append(parts, w.Row.Key().PK, w.Row.Key().SK, w.Row.Text("rev"))
	}
	if w.LedgerEntry != nil {
		c.keys = append(c.keys, directory.Key{PK: w.LedgerEntry.SvixID})
		parts = append(parts, w.LedgerEntry.SvixID, string(w.LedgerEntry.Outcome))
	}
	for _, p := range w.Put {
		c.keys = append(c.keys, p.Key())
	}
	for _, k := range w.Drop {
		parts = append(parts, "drop", k.PK, k.SK)
		c.keys = append(c.keys, k)
	}
	c.name = t.name(parts...)
	if err := t.do(ctx, c); err != nil {
		return 0, fmt.Errorf("write: %w", err)
	}
	return c.result, nil
}

// Read waits at the gate, then reads.
func (t *gatedTable) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	parts := []string{"read"}
	for _, k := range keys {
		parts = append(parts, k.PK, k.SK)
	}
	var rows []directory.Row
	c := &call{by: t.by, name: t.name(parts...), keys: keys, reads: true}
	c.run = func() {
		for _, k := range keys {
			rows = append(rows, t.memory.rows[k].Clone())
		}
	}
	if err := t.do(ctx, c); err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return rows, nil
}

// Live waits at the gate, then lists.
func (t *gatedTable) Live(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
	return t.liveIn(ctx, func() map[directory.Key]directory.Row { return t.memory.rows }, pk, prefix, after)
}

func (t *gatedTable) liveIn(ctx context.Context, view func() map[directory.Key]directory.Row, pk, prefix, after string) (rows []directory.Row, next string, err error) {
	c := &call{by: t.by, name: t.name("list", pk, prefix, after), keys: []directory.Key{{PK: pk}}, reads: true}
	c.run = func() { rows, next = list(view(), t.memory.pageSize, pk, prefix, after) }
	if err := t.do(ctx, c); err != nil {
		return nil, "", fmt.Errorf("list: %w", err)
	}
	return rows, next, nil
}

// gatedQueue is the queue as one invocation sees it.
type gatedQueue struct {
	*stage
	by *invocation
}

// DeadLetter waits at the gate, then keeps the message.
func (q *gatedQueue) DeadLetter(ctx context.Context, r delivery.Record, reason string) error {
	c := &call{by: q.by, name: fmt.Sprintf("%03d dead %s", q.by.id, r.MessageID), keys: []directory.Key{{PK: r.MessageID, SK: "dead"}}}
	c.run = func() {
		svixID := r.Attributes[delivery.AttrSvixID].Text
		if m := q.judge.messages[svixID]; m == nil || !m.hopeless || reason == "" {
			q.judge.fault("%s is among the dead letters for %q", svixID, reason)
		}
		q.judge.dead[svixID] = true
	}
	return q.do(ctx, c)
}

// Acknowledge waits at the gate, then deletes.
func (q *gatedQueue) Acknowledge(ctx context.Context, records []delivery.Record) error {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.MessageID
	}
	slices.Sort(ids)
	c := &call{by: q.by, name: fmt.Sprintf("%03d acknowledge %v", q.by.id, ids), size: len(ids)}
	c.part = func(keep func(int) bool) {
		var some []string
		for i, id := range ids {
			if keep(i) {
				some = append(some, id)
			}
		}
		q.queueOps.acknowledge(some)
	}
	return q.do(ctx, c)
}

// Delay waits at the gate, then hides.
func (q *gatedQueue) Delay(ctx context.Context, delays []delivery.Delay) error {
	delays = slices.Clone(delays)
	slices.SortFunc(delays, func(a, b delivery.Delay) int { return strings.Compare(a.Record.MessageID, b.Record.MessageID) })
	c := &call{by: q.by, name: fmt.Sprintf("%03d delay", q.by.id), size: len(delays)}
	c.part = func(keep func(int) bool) {
		for i, d := range delays {
			if keep(i) {
				q.queueOps.delay(d.Record.MessageID, d.For)
			}
		}
	}
	return q.do(ctx, c)
}
