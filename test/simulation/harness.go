package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Errors as a remote service gives them.
var (
	errBroken    = errors.New("simulation: connection reset")
	errThrottled = errors.New("simulation: throttled")
	errTimeout   = errors.New("simulation: no answer in time")
	errKilled    = errors.New("simulation: the process is dead")
)

// stage is where consumers act: their remote calls wait here until someone
// lets them go on. All of its fields but those behind mu belong to the one
// goroutine that directs.
type stage struct {
	plan     Plan
	bug      *Bug
	memory   *Memory
	judge    *judge
	wake     chan struct{}
	trace    []string
	tracing  bool
	queueOps queueOps

	mu       sync.Mutex
	calls    []*call
	finished []*invocation
}

// queueOps is what the director does about the consumer's calls of the queue.
type queueOps interface {
	acknowledge(messageIDs []string)
	delay(messageID string, d time.Duration)
}

// invocation is one batch in one consumer.
type invocation struct {
	id      int
	worker  int
	records []delivery.Record
	cancel  context.CancelFunc
	killed  bool // behind mu
	reports []consumer.Report
	failed  []string
}

// call is a remote call that waits.
type call struct {
	by    *invocation
	name  string // the same in every run, and no two at a time that differ have it
	write *directory.Write
	rules rules
	run   func() // everything but writes
	// part does a share of a call about several messages, nil for the rest.
	part func(keep func(i int) bool)
	size int

	keys   []directory.Key // what it touches; an empty SK stands for all below PK
	reads  bool
	result directory.Result
	err    error
	reply  chan struct{}
	left   bool // nobody waits for the reply; behind mu

	answered bool
}

func newStage(p Plan, bug *Bug, messages []*message) *stage {
	m := NewMemory(p.Page)
	return &stage{plan: p, bug: bug, memory: m, judge: newJudge(m, messages), wake: make(chan struct{}, 1)}
}

func (s *stage) note(format string, args ...any) {
	if s.tracing {
		s.trace = append(s.trace, fmt.Sprintf(format, args...))
	}
}

func (s *stage) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// do waits until the call was let go on.
func (s *stage) do(ctx context.Context, c *call) error {
	c.reply = make(chan struct{})
	s.mu.Lock()
	if c.by.killed {
		s.mu.Unlock()
		return errKilled
	}
	s.calls = append(s.calls, c)
	s.mu.Unlock()
	s.signal()
	select {
	case <-c.reply:
		return c.err
	case <-ctx.Done():
		s.mu.Lock()
		c.left = true
		s.mu.Unlock()
		return ctx.Err()
	}
}

// waiting are the calls that can go on, in an order that every run has.
func (s *stage) waiting() []*call {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortStableFunc(s.calls, func(a, b *call) int { return strings.Compare(a.name, b.name) })
	return slices.Clone(s.calls)
}

func (s *stage) remove(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = slices.DeleteFunc(s.calls, func(d *call) bool { return d == c })
}

func (s *stage) abandoned(c *call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.left
}

// start runs a batch in a consumer of its own.
func (s *stage) start(inv *invocation, timeout time.Duration, luck float64) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	inv.cancel = cancel
	var table directory.Table = &gatedTable{s, inv}
	if s.bug != nil && s.bug.table != nil {
		table = s.bug.table(&gatedTable{s, inv})
	}
	c := consumer.New(consumer.Config{
		Table:     table,
		Queue:     &gatedQueue{s, inv},
		Projector: projector.New(s.plan.Storage),
		Policy:    s.plan.Policy,
		Retention: 90 * 24 * time.Hour,
		Now:       time.Now,
		Random:    func() float64 { return luck },
		Observe: func(_ context.Context, r consumer.Report) {
			s.mu.Lock()
			defer s.mu.Unlock()
			inv.reports = append(inv.reports, r)
		},
		Warn: func(context.Context, string, error) {},
	})
	records := inv.records
	if s.bug != nil && s.bug.records != nil {
		records = s.bug.records(records)
	}
	go func() {
		failed := c.Handle(ctx, records)
		s.mu.Lock()
		inv.failed = failed
		s.finished = append(s.finished, inv)
		s.mu.Unlock()
		s.signal()
	}()
}

// ended takes out the invocations that came to their end.
func (s *stage) ended() []*invocation {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Clone(s.finished)
	slices.SortFunc(list, func(a, b *invocation) int { return a.id - b.id })
	return list
}

func (s *stage) settle(inv *invocation) {
	s.mu.Lock()
	s.finished = slices.DeleteFunc(s.finished, func(i *invocation) bool { return i == inv })
	s.mu.Unlock()
	inv.cancel()
}

// kill ends an invocation between two of its steps. What it had under way may
// still have its effect.
func (s *stage) kill(inv *invocation) {
	synctest.Wait() // so that it dies at the same call in every run
	s.mu.Lock()
	inv.killed = true
	s.mu.Unlock()
	inv.cancel()
}

// outcome judges what an invocation says it did, and is the message ids of
// those that are not to come again.
func (s *stage) outcome(inv *invocation) (done []string) {
	failed := inv.failed
	if s.bug != nil && s.bug.failed != nil {
		failed = s.bug.failed(inv.records, failed)
	}
	for _, r := range inv.reports {
		s.judge.reported(r)
		if listed := slices.Contains(failed, r.MessageID); listed != (r.Outcome == consumer.Failed) {
			s.judge.fault("%s is reported %s and to come again: %v", r.SvixID, r.Outcome, listed)
		}
	}
	if len(inv.reports) != len(inv.records) {
		s.judge.fault("%d reports for %d messages", len(inv.reports), len(inv.records))
	}
	for _, r := range inv.records {
		if !slices.Contains(failed, r.MessageID) {
			done = append(done, r.MessageID)
		}
	}
	return done
}
