package simulation

import (
	"context"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// invocation is one batch in one consumer.
type invocation struct {
	id      int
	worker  int
	records []delivery.Record
	// These are by the queue's message ids.
	messages   map[string]*message
	unreadable map[string]bool // sync cannot read it at this receive

	listed map[string]string // by partition key: up to where it was listed
	goesOn map[string]bool   // by message id: a copy is on the queue, with which a deletion goes on
	reader *reader           // it reads Clerk's API and has no records; nil for a batch

	cancel  context.CancelFunc
	killed  bool              // behind the harness's mu
	reports []consumer.Report // likewise
	met     []Fault           // likewise: those that the consumer's goroutines met
	failed  []string          // message ids, as the consumer returned them
}

// start hands a batch to an idle worker: a new invocation, with a consumer of
// its own. chance is what the consumer gets for every random number.
func (s *scheduler) start(inv *invocation, batch []*queued, timeout time.Duration, chance float64) {
	inv.messages, inv.unreadable = map[string]*message{}, map[string]bool{}
	inv.listed, inv.goesOn = map[string]string{}, map[string]bool{}
	for _, c := range batch {
		if c.holders > 0 {
			s.count(EarlyRedelivery)
		}
		r := s.queue.receive(c)
		if s.bug != nil && s.bug.redriven != nil && c.total > c.receives {
			s.bug.redriven(&r)
		}
		inv.records = append(inv.records, r)
		inv.messages[c.id], inv.unreadable[c.id] = c.message, c.message.unreadableAt(c.total)
		s.countReach(c.message)
		s.logf("sqs    %s (%s %s) to batch %d", c.id, c.message.eventType, c.message.svixID, inv.id)
		if c.receives > mostReceives {
			s.monitor.breaks("%s was received more than %d times", c.message.svixID, mostReceives)
		}
	}
	s.started++
	s.running[inv.worker] = inv
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	inv.cancel = cancel
	records := inv.records
	if s.bug != nil && s.bug.records != nil {
		records = s.bug.records(records)
	}
	s.harness.start(ctx, inv, consumer.New(s.consumerConfig(inv, chance)), records)
}

func (s *scheduler) consumerConfig(inv *invocation, chance float64) consumer.Config {
	client := &tableClient{s, inv}
	var table directory.Table = client
	if s.bug != nil && s.bug.table != nil {
		table = s.bug.table(client)
	}
	if s.bug != nil && s.bug.reads != nil && inv.reader != nil {
		table = s.bug.reads(table)
	}
	var queue consumer.Queue = &queueClient{s, inv}
	if s.bug != nil && s.bug.queue != nil {
		queue = s.bug.queue(&queueClient{s, inv})
	}
	return consumer.Config{
		Table:     table,
		Queue:     queue,
		Projector: s.projectorOf(inv),
		Policy:    s.policyOf(inv),
		Retention: 90 * 24 * time.Hour,
		Now:       s.clockOf(inv),
		Random:    func() float64 { return chance },
		Observe: func(_ context.Context, r consumer.Report) {
			s.harness.mu.Lock()
			defer s.harness.mu.Unlock()
			inv.reports = append(inv.reports, r)
			if s.backup != nil {
				s.backup.lastWork[inv.messages[r.MessageID]] = r.EndedAt
			}
		},
		Warn: func(context.Context, string, error) {},
	}
}

// finish does what Lambda's event source mapping does when a consumer returned:
// it deletes the messages that did not fail. Of a batch whose process died it
// deletes none, whatever the consumer had done by then.
func (s *scheduler) finish(inv *invocation) {
	s.harness.removeInvocation(inv)
	for _, f := range inv.met {
		s.count(f)
	}
	s.running[inv.worker] = nil
	if r := inv.reader; r != nil && !r.done {
		for _, o := range r.page {
			s.readers.unfinished[o.content.key] = true
		}
	}
	for _, r := range inv.records {
		s.queue.get(r.MessageID).holders--
	}
	if inv.killed {
		s.logf("batch  %d is dead", inv.id)
		return
	}
	s.logf("batch  %d ends, failed: %v", inv.id, inv.failed)
	failed := inv.failed
	if s.bug != nil && s.bug.failed != nil {
		failed = s.bug.failed(inv.records, failed)
	}
	done := s.monitor.finished(inv, failed)
	if len(done) > 0 && s.faultDue() {
		s.count(PartialBatch)
		done = done[:s.random.IntN(len(done))]
	}
	s.acknowledge(done)
}

func (s *scheduler) acknowledge(ids []string) {
	for _, id := range ids {
		c := s.queue.get(id)
		c.deleted = true
		s.monitor.acknowledged(c.message.svixID)
		s.logf("sqs    %s deleted", id)
	}
}
