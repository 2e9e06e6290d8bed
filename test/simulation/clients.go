package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// tableClient is the directory.Table of one invocation: every call waits for
// the scheduler. Once a call is under way, the end of its caller does not stop
// it.
type tableClient struct {
	scheduler *scheduler
	by        *invocation
}

// Write implements directory.Table.
func (t *tableClient) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	return t.writeBy(ctx, w, correctRules())
}

func (t *tableClient) writeBy(ctx context.Context, w directory.Write, r rules) (directory.Result, error) {
	parts := []string{"write"}
	c := &call{by: t.by, write: &w, rules: r, keys: slices.Clone(r.conditionChecks)}
	c.run = func() (err error) {
		c.result, err = t.scheduler.table.Write(context.WithoutCancel(ctx), w)
		return err
	}
	if w.Row != nil {
		c.keys = append(c.keys, w.Row.Key())
		parts = append(parts, w.Row.Key().PK, w.Row.Key().SK, w.Row.Text("rev"))
	}
	if w.LedgerEntry != nil {
		c.keys = append(c.keys, ledgerKey(w.LedgerEntry.SvixID))
		parts = append(parts, w.LedgerEntry.SvixID, w.LedgerEntry.Outcome)
	}
	for _, p := range w.Put {
		c.keys = append(c.keys, p.Key())
	}
	for _, k := range w.Drop {
		parts = append(parts, "drop", k.PK, k.SK)
		c.keys = append(c.keys, k)
	}
	c.name = t.by.callName(parts...)
	if err := t.scheduler.harness.await(ctx, c); err != nil {
		return 0, fmt.Errorf("write: %w", err)
	}
	return c.result, nil
}

// Read implements directory.Table.
func (t *tableClient) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	if len(keys) > 1 && t.readsOneByOne() {
		return t.readOneByOne(ctx, keys)
	}
	parts := []string{"read"}
	for _, k := range keys {
		parts = append(parts, k.PK, k.SK)
	}
	var rows []directory.Row
	err := t.read(ctx, t.by.callName(parts...), keys, func() (err error) {
		rows, err = t.scheduler.table.Read(context.WithoutCancel(ctx), keys...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return rows, nil
}

// Live implements directory.Table.
func (t *tableClient) Live(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
	var rows []directory.Row
	var next string
	err := t.list(ctx, pk, prefix, after, func() (err error) {
		rows, next, err = t.scheduler.table.Live(context.WithoutCancel(ctx), pk, prefix, after)
		if t.scheduler.memory != nil {
			t.by.listed[pk] = next
		}
		return err
	})
	if err != nil {
		return nil, "", err
	}
	if t.readsOneByOne() {
		rows, err = t.readAgain(ctx, rows)
	}
	return rows, next, err
}

// list makes the call of a listing, which run carries out.
func (t *tableClient) list(ctx context.Context, pk, prefix, after string, run func() error) error {
	if err := t.read(ctx, t.by.callName("list", pk, prefix, after), []directory.Key{{PK: pk}}, run); err != nil {
		return fmt.Errorf("list: %w", err)
	}
	return nil
}

func (t *tableClient) read(ctx context.Context, name string, keys []directory.Key, run func() error) error {
	return t.scheduler.harness.await(ctx, &call{by: t.by, name: name, keys: keys, reads: true, run: run})
}

// queueClient is the consumer.Queue of one invocation: every call waits for
// the scheduler.
type queueClient struct {
	scheduler *scheduler
	by        *invocation
}

// DeadLetter implements consumer.Queue.
func (q *queueClient) DeadLetter(ctx context.Context, r delivery.Record, reason string) error {
	c := &call{
		by:   q.by,
		name: q.by.callName("dead letter", r.MessageID),
		keys: []directory.Key{{PK: r.MessageID, SK: "dead letter"}},
	}
	c.run = func() error {
		m := q.scheduler.queue.get(r.MessageID).message
		q.scheduler.monitor.deadLettered(m, r.Receives, reason)
		q.scheduler.redriveDead(m)
		return nil
	}
	return q.scheduler.harness.await(ctx, c)
}

// Requeue implements consumer.Queue.
func (q *queueClient) Requeue(ctx context.Context, r delivery.Record, position string) error {
	c := &call{
		by:   q.by,
		name: q.by.callName("requeue", r.MessageID),
		keys: []directory.Key{{PK: r.MessageID, SK: "requeue"}},
	}
	c.run = func() error {
		q.scheduler.goOn(q.by, r.MessageID, position)
		return nil
	}
	return q.scheduler.harness.await(ctx, c)
}

// Acknowledge implements consumer.Queue.
func (q *queueClient) Acknowledge(ctx context.Context, records []delivery.Record) error {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.MessageID
	}
	slices.Sort(ids)
	c := &call{by: q.by, name: q.by.callName("acknowledge", strings.Join(ids, " "))}
	c.runPart = func(included func(int) bool) {
		var some []string
		for i, id := range ids {
			if included(i) {
				some = append(some, id)
			}
		}
		q.scheduler.acknowledge(some)
	}
	return q.scheduler.harness.await(ctx, c)
}

// Delay implements consumer.Queue.
func (q *queueClient) Delay(ctx context.Context, delays []delivery.Delay) error {
	delays = slices.Clone(delays)
	slices.SortFunc(delays, func(a, b delivery.Delay) int {
		return strings.Compare(a.Record.MessageID, b.Record.MessageID)
	})
	c := &call{by: q.by, name: q.by.callName("delay")}
	c.runPart = func(included func(int) bool) {
		for i, d := range delays {
			if included(i) {
				q.scheduler.queue.hide(d.Record.MessageID, d.For)
			}
		}
	}
	return q.scheduler.harness.await(ctx, c)
}

func (inv *invocation) callName(parts ...string) string {
	return fmt.Sprintf("%03d %s", inv.id, strings.Join(parts, " "))
}
