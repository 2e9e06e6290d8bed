package simulation

import (
	"context"
	"fmt"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// faultyTable is the table as a consumer of a street sees it.
type faultyTable struct {
	*street
	by *invocation
}

// Write throws the dice, then writes.
func (t *faultyTable) Write(ctx context.Context, w directory.Write) (r directory.Result, err error) {
	done, fault := t.dice(t.by)
	if done {
		// A dead consumer's request may be on its way already.
		r, err = t.Table.Write(context.WithoutCancel(ctx), w)
	}
	if fault != nil {
		return 0, fault
	}
	return r, err
}

// Read throws the dice, then reads.
func (t *faultyTable) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	if _, fault := t.dice(t.by); fault != nil {
		return nil, fault
	}
	return t.Table.Read(ctx, keys...)
}

// Live throws the dice, then lists.
func (t *faultyTable) Live(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
	if _, fault := t.dice(t.by); fault != nil {
		return nil, "", fault
	}
	return t.Table.Live(ctx, pk, prefix, after)
}

// faultyQueue is the queue as a consumer of a street sees it.
type faultyQueue struct {
	*street
	by *invocation
}

// DeadLetter throws the dice, then keeps the message.
func (q *faultyQueue) DeadLetter(_ context.Context, r delivery.Record, _ string) error {
	done, fault := q.dice(q.by)
	q.mu.Lock()
	defer q.mu.Unlock()
	if done {
		q.isDead[r.Attributes[delivery.AttrSvixID].Text] = true
	}
	return fault
}

// Acknowledge does nothing: what is acknowledged early comes again.
func (q *faultyQueue) Acknowledge(context.Context, []delivery.Record) error {
	_, fault := q.dice(q.by)
	return fault
}

// Delay does nothing: what failed comes again at once.
func (q *faultyQueue) Delay(context.Context, []delivery.Delay) error {
	_, fault := q.dice(q.by)
	return fault
}

// tableView is what the final check sees of the tables.
type tableView struct {
	ctx context.Context //nolint:containedctx // it lives as long as one check
	*street
}

func (v tableView) row(k directory.Key) (directory.Row, error) {
	rows, err := v.Table.Read(v.ctx, k)
	if err != nil {
		return nil, fmt.Errorf("read %v: %w", k, err)
	}
	return rows[0], nil
}

// recorded tries to record the message: a table says so where it is.
func (v tableView) recorded(m *message) (bool, error) {
	now := time.Now()
	r, err := v.Table.Write(v.ctx, directory.Write{LedgerEntry: &directory.LedgerEntry{
		SvixID: m.svixID, EventType: m.eventType, Entity: m.entity, Outcome: string(consumer.Stale),
		ReceivedAt: now, ProcessedAt: now, ExpiresAt: now.Add(time.Hour),
	}})
	if err != nil {
		return false, fmt.Errorf("look for the record of %s: %w", m.svixID, err)
	}
	return r == directory.AlreadyRecorded, nil
}

func (v tableView) dead(m *message) bool { return v.isDead[m.svixID] }

func (v tableView) others(known map[directory.Key]bool) (list []directory.Key) {
	seen := map[string]bool{}
	for k := range known {
		if seen[k.PK] {
			continue
		}
		seen[k.PK] = true
		for after, more := "", true; more; more = after != "" {
			rows, next, err := v.Table.Live(v.ctx, k.PK, "", after)
			if err != nil {
				return append(list, k)
			}
			for _, r := range rows {
				if !known[r.Key()] {
					list = append(list, r.Key())
				}
			}
			after = next
		}
	}
	return list
}
