package consumer

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/svix"
)

// FirstSuspectReceive is the first receive at which a message is a suspect: it
// came back twice, so it may be a poison message, one that kills the process.
const FirstSuspectReceive = 3

// maxConcurrentRows bounds how many rows of a batch are written at once.
const maxConcurrentRows = 16

// Handle processes a batch and returns the SQS message ids of those that are
// to come again. The rest is done: applied, stale, duplicate, dead, or a deletion
// whose copy on the queue goes on.
//
// Suspects run last and one at a time. If one of them kills the process, the
// neighbours that were done before it are acknowledged already and do not come
// again with it.
func (c *Consumer) Handle(ctx context.Context, records []delivery.Record) (failed []string) {
	b := &batch{consumer: c}
	// There are three deadlines: first the messages' own calls end, then the calls
	// that requeue unfinished deletions, then the one that delays what failed. The
	// rest of the time is for the answer to Lambda. If Lambda ended the
	// process instead, the whole batch would come again, what is done included.
	work, cancel := beforeDeadline(ctx, Margin)
	defer cancel()

	var fresh, suspects []delivery.Record
	for _, r := range records {
		if r.Receives < FirstSuspectReceive {
			fresh = append(fresh, r)
		} else {
			suspects = append(suspects, r)
		}
	}
	b.runGroups(work, b.groupByRow(fresh))
	for _, r := range b.shuffle(suspects) {
		b.acknowledgeDone(work)
		b.run(work, c.read(r)) // not read before its turn: reading may be what kills
	}

	b.requeueUnfinished(ctx)
	last, cancel := beforeDeadline(ctx, answerMargin)
	defer cancel()
	return b.delayFailed(last)
}

// batch collects the records of one batch by how they came out.
type batch struct {
	consumer *Consumer

	mu     sync.Mutex
	done   []delivery.Record // not acknowledged yet
	failed []delivery.Delay
	// unfinished are deletions that made progress until the deadline stopped them.
	unfinished []unfinished
}

type unfinished struct {
	record   delivery.Record
	position string // from where the next receive goes on
}

// groupByRow reads the records and groups them by the row that they change.
// Within a group they are in the order of their revisions: written at once
// they would conflict, and in another order the later ones would be stale.
func (b *batch) groupByRow(records []delivery.Record) (groups [][]*message) {
	index := map[directory.Key]int{}
	for _, r := range records {
		m := b.consumer.read(r)
		row := m.change.Key
		if m.err != nil {
			row = directory.Key{PK: r.MessageID} // it changes no row: it is a group of its own
		}
		i, ok := index[row]
		if !ok {
			i = len(groups)
			index[row] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], m)
	}
	for _, group := range groups {
		slices.SortStableFunc(group, func(x, y *message) int {
			return cmp.Compare(x.change.Revision, y.change.Revision)
		})
	}
	return groups
}

// runGroups runs the groups side by side, the messages of each one by one.
func (b *batch) runGroups(ctx context.Context, groups [][]*message) {
	var g errgroup.Group
	g.SetLimit(maxConcurrentRows)
	for _, group := range groups {
		g.Go(func() error {
			for _, m := range group {
				b.run(ctx, m)
			}
			return nil
		})
	}
	_ = g.Wait() // is always nil: run keeps each message's error
}

// run processes one message, keeps its record as done or failed and reports it.
func (b *batch) run(ctx context.Context, m *message) {
	outcome, err := Failed, errNotTried
	if ctx.Err() == nil {
		outcome, err = b.consumer.process(ctx, m)
	}
	b.mu.Lock()
	var outOfTime outOfTimeError
	if errors.As(err, &outOfTime) {
		b.unfinished = append(b.unfinished, unfinished{m.record, outOfTime.position})
	} else if outcome == Failed {
		b.failed = append(b.failed, delivery.Delay{Record: m.record, For: visibilityDelay(m.record.Receives, err)})
	} else {
		b.done = append(b.done, m.record)
	}
	b.mu.Unlock()
	b.consumer.Observe(ctx, b.report(m, outcome, err))
}

func (b *batch) report(m *message, outcome Outcome, err error) Report {
	r := Report{
		MessageID:  m.record.MessageID,
		SvixID:     m.delivery.SvixID,
		EventType:  m.delivery.EventType,
		Entity:     m.change.Entity,
		Outcome:    outcome,
		Attempt:    m.record.Receives,
		ReceivedAt: m.delivery.ReceivedAt,
		EndedAt:    b.consumer.Now(),
		Known:      clerk.KnowledgeOf(m.delivery.EventType) != clerk.Unknown,
		Deletion:   m.change.Delete,
		Err:        err,
	}
	if outcome == Stale || outcome == Duplicate {
		r.Reason = m.reason
	}
	if !svix.ValidID(r.SvixID) {
		r.SvixID = "" // it was put there by hand and may hold anything
	}
	if m.change.Sent > 0 {
		r.ChangedAt = time.UnixMilli(int64(m.change.Sent))
	}
	return r
}

// shuffle puts suspects into random order, so that a poison message is not
// always before the same neighbours: each of them has an even chance to run
// before it, and so comes through after a few receives.
func (b *batch) shuffle(records []delivery.Record) []delivery.Record {
	for i := len(records) - 1; i > 0; i-- {
		j := int(b.consumer.Random() * float64(i+1))
		records[i], records[j] = records[j], records[i]
	}
	return records
}

// acknowledgeDone deletes from the queue what is done, before a suspect runs:
// if that kills the process, Lambda acknowledges nothing of the batch. No
// message is running then. What cannot be deleted stays in done, is tried again
// before the next suspect, and is acknowledged with the batch in any case.
func (b *batch) acknowledgeDone(ctx context.Context) {
	if len(b.done) == 0 {
		return
	}
	if err := b.consumer.Queue.Acknowledge(ctx, b.done); err != nil {
		b.consumer.Warn(ctx, "acknowledge before a suspect runs", err)
		return
	}
	b.done = nil
}

// requeueUnfinished sends a copy of each unfinished deletion to the queue, with
// the position from which it goes on: SQS counts the receives of the copy anew,
// so that no number of children makes a dead letter of it. The record is done
// then, and acknowledged with the batch. If the acknowledgement is lost, record
// and copy both come, which is harmless: they delete the same children. Where no
// copy can be sent, the record itself comes again, at once, and goes on from its
// own position.
func (b *batch) requeueUnfinished(ctx context.Context) {
	ctx, cancel := beforeDeadline(ctx, requeueMargin)
	defer cancel()
	for _, u := range b.unfinished {
		if err := b.consumer.Queue.Requeue(ctx, u.record, u.position); err != nil {
			b.consumer.Warn(ctx, "requeue a deletion that is not done", err)
			b.failed = append(b.failed, delivery.Delay{Record: u.record})
		}
	}
}

// delayFailed says when each failed message comes again, and returns their
// ids. Where the queue cannot be told, they come again when their visibility
// timeout is over: later than intended, but nothing is lost.
func (b *batch) delayFailed(ctx context.Context) (ids []string) {
	if len(b.failed) == 0 {
		return nil
	}
	if err := b.consumer.Queue.Delay(ctx, b.failed); err != nil {
		b.consumer.Warn(ctx, "delay failed messages", err)
	}
	for _, d := range b.failed {
		ids = append(ids, d.Record.MessageID)
	}
	return ids
}
