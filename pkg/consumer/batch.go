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

const (
	// Margin is left of the invocation's deadline when remote calls end, to
	// say when the failed messages come again.
	Margin = 3 * time.Second

	// Suspect is the receive from which on a message runs alone and last: it
	// may be the one that killed the process.
	Suspect = 3

	// parallel bounds how many entities of a batch are written at once.
	parallel = 16

	// answerMargin is left of the invocation's deadline to answer, whether or
	// not the queue was told when the failed messages come again.
	answerMargin = time.Second
)

// Handle processes a batch and returns the message ids of those that are to
// come again. The rest is done: applied, stale, duplicate or dead.
func (c *Consumer) Handle(ctx context.Context, records []delivery.Record) (failed []string) {
	b := &batch{Consumer: c}
	work, cancel := withMargin(ctx, Margin)
	defer cancel()

	var suspects []delivery.Record
	groups := map[directory.Key][]*task{}
	var order []directory.Key
	for _, r := range records {
		if r.Receives >= Suspect {
			suspects = append(suspects, r) // not even read before its turn
			continue
		}
		t := c.read(r)
		k := t.change.Key
		if t.err != nil {
			k = directory.Key{PK: r.MessageID} // on its own
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], t)
	}

	var g errgroup.Group
	g.SetLimit(parallel)
	for _, k := range order {
		tasks := groups[k]
		slices.SortStableFunc(tasks, func(x, y *task) int { return cmp.Compare(x.change.Revision, y.change.Revision) })
		g.Go(func() error {
			for _, t := range tasks {
				b.run(work, t)
			}
			return nil
		})
	}
	_ = g.Wait() // run reports by itself

	for _, r := range b.shuffle(suspects) {
		b.acknowledge(work)
		b.run(work, c.read(r))
	}
	last, cancel := withMargin(ctx, answerMargin)
	defer cancel()
	return b.delay(last)
}

// withMargin ends remote calls a margin before the invocation.
func withMargin(ctx context.Context, margin time.Duration) (context.Context, context.CancelFunc) {
	if d, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, d.Add(-margin))
	}
	return context.WithCancel(ctx)
}

// batch collects what became of its messages.
type batch struct {
	*Consumer
	mu     sync.Mutex
	done   []delivery.Record // not yet acknowledged
	failed []delivery.Delay
}

func (b *batch) run(ctx context.Context, t *task) {
	outcome, err := Failed, errNotTried
	if ctx.Err() == nil {
		outcome, err = b.process(ctx, t)
	}
	b.mu.Lock()
	if outcome == Failed {
		b.failed = append(b.failed, delivery.Delay{Record: t.record, For: backoff(t.record.Receives, err)})
	} else {
		b.done = append(b.done, t.record)
	}
	b.mu.Unlock()
	b.Observe(ctx, b.report(t, outcome, err))
}

func (b *batch) report(t *task, outcome Outcome, err error) Report {
	r := Report{
		MessageID:  t.record.MessageID,
		SvixID:     t.delivery.SvixID,
		EventType:  t.delivery.EventType,
		Entity:     t.change.Entity,
		Outcome:    outcome,
		Attempt:    t.record.Receives,
		ReceivedAt: t.delivery.ReceivedAt,
		EndedAt:    b.Now(),
		Known:      clerk.KnowledgeOf(t.delivery.EventType) != clerk.Unknown,
		Deletion:   t.change.Delete,
		Err:        err,
	}
	if !svix.ValidID(r.SvixID) {
		r.SvixID = "" // put there by hand: anything may stand there
	}
	if t.change.Sent > 0 {
		r.ChangedAt = time.UnixMilli(int64(t.change.Sent))
	}
	return r
}

// shuffle puts suspects into random order, so that one which kills the
// process is not always ahead of the same neighbours.
func (b *batch) shuffle(records []delivery.Record) []delivery.Record {
	for i := len(records) - 1; i > 0; i-- {
		j := int(b.Random() * float64(i+1))
		records[i], records[j] = records[j], records[i]
	}
	return records
}

// acknowledge deletes what is done before a suspect runs: if it kills the
// process, they do not come again. A failure is no loss, they are then
// acknowledged with the batch.
func (b *batch) acknowledge(ctx context.Context) {
	if len(b.done) == 0 {
		return
	}
	if err := b.Queue.Acknowledge(ctx, b.done); err != nil {
		b.Warn(ctx, "acknowledge ahead of a suspect", err)
		return
	}
	b.done = nil
}

// delay says when each failed message comes again. Where that cannot be said,
// it comes when the queue's own visibility timeout ends.
func (b *batch) delay(ctx context.Context) (failed []string) {
	if len(b.failed) == 0 {
		return nil
	}
	if err := b.Queue.Delay(ctx, b.failed); err != nil {
		b.Warn(ctx, "say when failed messages come again", err)
	}
	for _, d := range b.failed {
		failed = append(failed, d.Record.MessageID)
	}
	return failed
}

// Visibility of a failed message grows from 30 s to 15 min: the 59 waits
// between 60 receives are then more than 13 hours.
const (
	firstDelay   = 30 * time.Second
	longestDelay = 15 * time.Minute
)

func backoff(receives int, err error) time.Duration {
	switch {
	case errors.Is(err, errOutOfTime):
		return 0
	case errors.Is(err, errNotTried) && receives < Suspect:
		// Later the wait grows all the same: while DynamoDB does not answer,
		// one suspect takes the whole invocation, and its neighbours would
		// use up their receives long before the twelve hours that we promise.
		return 0
	}
	d := firstDelay
	for i := 1; i < receives && d < longestDelay; i++ {
		d *= 2
	}
	return min(d, longestDelay)
}
