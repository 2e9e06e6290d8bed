package consumer_test

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
)

// hookedTable is a table with a function that runs before each write; its error
// fails the write.
type hookedTable struct {
	*directorytest.Memory
	before func(ctx context.Context, w directory.Write) error
}

func (h *hookedTable) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	if err := h.before(ctx, w); err != nil {
		return 0, err
	}
	return h.Memory.Write(ctx, w)
}

// beforeWrite puts a hookedTable before Memory.
func beforeWrite(f func(ctx context.Context, w directory.Write) error) option {
	return func(h *harness, c *consumer.Config) { c.Table = &hookedTable{h.memory, f} }
}

// beforeMessage is beforeWrite with the message's svix id, "" where the write
// is not a message's own.
func beforeMessage(f func(ctx context.Context, svixID string) error) option {
	return beforeWrite(func(ctx context.Context, w directory.Write) error {
		if w.LedgerEntry == nil {
			return f(ctx, "")
		}
		return f(ctx, w.LedgerEntry.SvixID)
	})
}

// queue is a consumer.Queue that remembers its calls.
type queue struct {
	mu           sync.Mutex
	dead         []deadLetter
	acknowledged []string // message ids
	delays       map[string]time.Duration
	steps        []string          // calls in their order
	copies       []delivery.Record // that Requeue has sent and no test has taken

	deadLetterErr error
	requeueErr    error
	delayHangs    bool // Delay does not answer
}

type deadLetter struct {
	record delivery.Record
	reason string
}

func (q *queue) DeadLetter(ctx context.Context, r delivery.Record, reason string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.deadLetterErr != nil {
		return q.deadLetterErr
	}
	q.dead = append(q.dead, deadLetter{r, reason})
	return ctx.Err()
}

func (q *queue) Requeue(ctx context.Context, r delivery.Record, position string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.requeueErr != nil {
		return q.requeueErr
	}
	r.Attributes = maps.Clone(r.Attributes)
	setAttribute(r, delivery.AttrPosition, delivery.EncodePosition(position))
	r.MessageID, r.Receives = r.MessageID+"+", 1
	q.copies = append(q.copies, r)
	return ctx.Err()
}

// takeCopies are the copies on the queue.
func (q *queue) takeCopies() []delivery.Record {
	q.mu.Lock()
	defer q.mu.Unlock()
	copies := q.copies
	q.copies = nil
	return copies
}

func (q *queue) Acknowledge(ctx context.Context, records []delivery.Record) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range records {
		q.acknowledged = append(q.acknowledged, r.MessageID)
	}
	q.steps = append(q.steps, fmt.Sprint("acknowledge ", len(records)))
	return ctx.Err()
}

func (q *queue) Delay(ctx context.Context, delays []delivery.Delay) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.delayHangs {
		<-ctx.Done()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, d := range delays {
		q.delays[d.Record.MessageID] = d.For
	}
	return nil
}
