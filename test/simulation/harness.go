package simulation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Errors as a remote service or the end of a process gives them.
var (
	errBroken    = errors.New("simulation: connection reset")
	errThrottled = errors.New("simulation: throttled")
	errTimeout   = errors.New("simulation: no answer in time")
	errKilled    = errors.New("simulation: the process is dead")
	errPanic     = errors.New("simulation: the program has a fault") // the call panics with it
)

// harness runs the consumers and holds each of their remote calls until the
// scheduler releases it. Consumers run in goroutines of their own; what they
// share with the scheduler is behind mu.
type harness struct {
	// waitUntilBlocked returns when no consumer can go on by itself. On a real table it
	// returns at once.
	waitUntilBlocked func()
	wake             chan struct{} // holds a value when something new is behind mu
	consumers        sync.WaitGroup

	mu        sync.Mutex
	waiting   []*call
	completed []completion
	finished  []*invocation // their consumer returned
}

// call is a remote call of a consumer. Either run or runPart is set.
type call struct {
	by *invocation
	// name is the same in every run. Calls that wait at the same time under the
	// same name ask for the same.
	name  string
	keys  []directory.Key // of the rows that it touches; an empty SK stands for all rows below the PK
	reads bool            // it only reads from the tables
	write *directory.Write
	rules rules // of write, in Memory
	// run carries it out and keeps what it returns for the caller. A write to
	// Memory is carried out by the scheduler instead, item by item.
	run func() error
	// runPart carries out what is asked about those messages of the queue that
	// are included.
	runPart func(included func(i int) bool)

	result     directory.Result // of write
	err        error            // what its caller gets
	answer     chan struct{}    // closed when result and err are final
	answered   bool
	lateEffect bool // it takes effect after its caller has given up
	abandoned  bool // its caller does not wait any more; behind the harness's mu
}

// completion is a call that came back from a real table and was not yet
// answered.
type completion struct {
	call    *call
	err     error // of the table
	failure error // that the caller gets in its place, unless nil
}

// onTables says whether the call goes to the tables, not to the queue.
func (c *call) onTables() bool { return c.write != nil || c.reads }

func newHarness(waitUntilBlocked func()) *harness {
	return &harness{waitUntilBlocked: waitUntilBlocked, wake: make(chan struct{}, 1)}
}

// report runs f with mu held and then wakes the scheduler.
func (h *harness) report(f func()) {
	h.mu.Lock()
	f()
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default: // it is awake already
	}
}

// await makes a consumer's call: it waits until the scheduler has answered, or
// until ctx ends. The call may take effect all the same in the second case, as
// a request that is on its way does.
func (h *harness) await(ctx context.Context, c *call) error {
	c.answer = make(chan struct{})
	killed := false
	h.report(func() {
		if killed = c.by.killed; !killed {
			h.waiting = append(h.waiting, c)
		}
	})
	if killed {
		return errKilled
	}
	select {
	case <-c.answer:
		if errors.Is(c.err, errPanic) {
			panic(c.err)
		}
		return c.err
	case <-ctx.Done():
		h.mu.Lock()
		defer h.mu.Unlock()
		c.abandoned = true
		return ctx.Err()
	}
}

// start runs the batch in the consumer.
func (h *harness) start(ctx context.Context, inv *invocation, c *consumer.Consumer, records []delivery.Record) {
	h.consumers.Go(func() {
		failed := c.Handle(ctx, records)
		slices.Sort(failed) // the order means nothing, and messages that fail at one instant have none
		h.report(func() {
			inv.failed = failed
			h.finished = append(h.finished, inv)
		})
	})
}

// kill ends an invocation between two of its steps. Calls that it has under
// way may still take effect.
func (h *harness) kill(inv *invocation) {
	h.waitUntilBlocked() // so that it dies at the same call in every run
	h.mu.Lock()
	inv.killed = true
	h.mu.Unlock()
	inv.cancel()
}

// calls are the calls that wait, in an order that is the same in every run.
func (h *harness) calls() []*call {
	h.mu.Lock()
	defer h.mu.Unlock()
	slices.SortStableFunc(h.waiting, func(a, b *call) int { return strings.Compare(a.name, b.name) })
	return slices.Clone(h.waiting)
}

// removeCall removes a call from those that wait and reports whether its caller
// still waits for the answer.
func (h *harness) removeCall(c *call) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = without(h.waiting, c)
	return !c.abandoned
}

// removeCompleted removes and returns the calls that came back from a real table.
func (h *harness) removeCompleted() (list []completion) {
	h.mu.Lock()
	defer h.mu.Unlock()
	list, h.completed = h.completed, nil
	return list
}

// dropCalls removes an invocation's calls, none of which then takes effect.
func (h *harness) dropCalls(inv *invocation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = slices.DeleteFunc(h.waiting, func(c *call) bool { return c.by == inv })
}

// returned are the invocations whose consumer returned, oldest first.
func (h *harness) returned() []*invocation {
	h.mu.Lock()
	defer h.mu.Unlock()
	slices.SortFunc(h.finished, func(a, b *invocation) int { return a.id - b.id })
	return slices.Clone(h.finished)
}

// removeInvocation removes an invocation whose consumer returned.
func (h *harness) removeInvocation(inv *invocation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.finished = without(h.finished, inv)
	inv.cancel()
}

// without removes one element of the list.
func without[E comparable](list []E, e E) []E {
	return slices.DeleteFunc(list, func(o E) bool { return o == e })
}
