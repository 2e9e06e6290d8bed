package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// scheduler drives one history: it delivers messages, hands batches to
// consumers, releases their calls, injects faults and decides in which order
// all of that happens. It works in one goroutine, step by step; its policy
// makes the choices.
type scheduler struct {
	plan     Plan
	bug      *Bug // planted, unless nil
	policy   policy
	random   *rand.Rand // nil where nothing is left to chance
	budget   int        // of faults
	messages []*message // that Clerk emitted

	harness *harness
	queue   queue
	table   directory.Table // that the consumers work on
	memory  *Memory         // the same, nil on a real table
	monitor *monitor

	arrivals    []*message    // copies that Svix is about to deliver, in this order
	late        []*message    // copies that come when all else is done
	backup      *backup       // nil where the tables are not restored
	readers     *readers      // of Clerk's API, nil where there are none
	putsBack    bool          // an operator puts a row back when all else is done
	running     []*invocation // by worker, nil for an idle one
	unanswered  []*call       // whose answer never comes
	lateEffects []*call       // that still take effect, though their callers have given up
	remote      int           // calls under way to a real table

	refusedIn  map[*message][]*invocation // those whose writes of the message the table refused
	projectors map[projector.ObjectStorage]*projector.Projector

	started int // batches
	steps   int
	faults  map[Fault]int
	trace   []string
	tracing bool
}

// policy makes the scheduler's choices.
type policy interface {
	// receives are the ways in which an idle worker may receive a batch now.
	receives(s *scheduler) []choice
	// choose picks what happens next. It reports false to end the run here.
	choose(s *scheduler, possible []choice) (choice, bool)
	// access carries out a call to the tables and answers it, with failure
	// unless that is nil.
	access(s *scheduler, c *call, failure error)
}

// choice is something that can happen next.
type choice struct {
	do func()
	// call is the call that it releases, and transaction the one of which it
	// makes an item visible; nil for neither.
	call        *call
	transaction *transaction
	// anyOrder says that, in a scenario, it changes nothing whether this happens
	// before the other choices or after them.
	anyOrder bool
}

// tooManySteps ends a history that would never end.
const tooManySteps = 100_000

func newScheduler(p Plan, messages []*message, waitUntilBlocked func()) *scheduler {
	return &scheduler{
		plan:     p,
		messages: messages,
		harness:  newHarness(waitUntilBlocked),
		monitor:  newMonitor(messages),
		running:  make([]*invocation, p.Workers),
		faults:   map[Fault]int{},

		refusedIn:  map[*message][]*invocation{},
		projectors: map[projector.ObjectStorage]*projector.Projector{},
	}
}

// useMemory makes the consumers work on tables in memory.
func (s *scheduler) useMemory(m *Memory) { s.table, s.memory, s.monitor.memory = m, m, m }

// leaveToChance lets random numbers decide about the deliveries and the faults.
func (s *scheduler) leaveToChance(random *rand.Rand) {
	s.random, s.budget = random, s.plan.FaultBudget
	s.putsBack = s.plan.PutsBack && s.memory != nil
	s.arrivals, s.late = drawDeliveries(random, s.messages, s.plan.Disorder)
	if s.plan.Restores && s.memory != nil {
		s.prepareBackup()
	}
}

// run makes choices until nothing can happen any more, the policy ends the run
// or a promise is broken, which is the error.
func (s *scheduler) run() error {
	defer s.stop()
	for s.monitor.broken == nil {
		s.harness.waitUntilBlocked()
		for _, c := range s.harness.removeCompleted() {
			s.complete(c)
		}
		possible := s.choices()
		if len(possible) == 0 {
			if !s.letTimePass() {
				break
			}
			continue
		}
		if s.steps++; s.steps > tooManySteps {
			s.monitor.breaks("the history has no end after 100,000 steps")
			break
		}
		next, ok := s.policy.choose(s, possible)
		if !ok {
			break
		}
		next.do()
		s.stopAtSomeTime()
		s.injectFault()
	}
	return s.monitor.broken
}

// stop ends whatever still runs, for a history that ended early: consumers
// must not outlive it.
func (s *scheduler) stop() {
	for _, inv := range s.running {
		if inv != nil {
			s.harness.kill(inv)
		}
	}
	s.harness.consumers.Wait()
}

// choices are all that can happen next, in an order that is the same in every
// run.
func (s *scheduler) choices() []choice {
	calls := s.harness.calls()
	list := make([]choice, 0, len(calls)+8)
	for i := 0; i < len(calls); {
		// Calls of one name are the same call, made twice by one invocation:
		// they are released together, so that it does not matter which is which.
		j := i + 1
		for j < len(calls) && calls[j].name == calls[i].name {
			j++
		}
		group := calls[i:j]
		list = append(list, choice{call: group[0], do: func() { s.release(group) }})
		i = j
	}
	if s.memory != nil {
		for _, t := range s.memory.transactions {
			list = append(list, choice{transaction: t, do: func() { s.show(t, s.random.IntN(len(t.invisible))) }})
		}
	}
	for _, c := range s.unanswered {
		list = append(list, choice{do: func() { s.giveUp(c) }})
	}
	for _, c := range s.lateEffects {
		list = append(list, choice{do: func() { s.applyLateEffect(c) }})
	}
	for _, inv := range s.harness.returned() {
		list = append(list, choice{anyOrder: true, do: func() { s.finish(inv) }})
	}
	if len(s.arrivals) > 0 {
		list = append(list, choice{do: s.arrive})
	}
	if s.memory != nil && len(s.memory.unindexed) > 0 {
		list = append(list, choice{anyOrder: true, do: s.memory.updateIndex})
	}
	list = append(list, s.readsFromClerk()...)
	return append(list, s.policy.receives(s)...)
}

// letTimePass lets time go by until something can happen. It reports false when
// nothing ever will.
func (s *scheduler) letTimePass() bool {
	wait, left := time.Hour, s.queue.left()
	for _, c := range left {
		wait = min(wait, max(c.visible.Sub(s.queue.now()), time.Millisecond))
	}
	busy := s.remote > 0 || slices.ContainsFunc(s.running, func(inv *invocation) bool { return inv != nil })
	switch {
	case busy:
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-s.harness.wake:
		case <-timer.C:
		}
		return true
	case s.letHoursPass(len(left) > 0):
		return true
	case len(left) > 0:
	case len(s.late) > 0:
		s.arrivals, s.late = append(s.arrivals, s.late[0]), s.late[1:]
		s.monitor.redriven(s.arrivals[0])
	case s.putsBack:
		s.putsBack = false
		s.putBack()
		return true
	case s.readers != nil && s.readers.left > 0:
		s.startReader()
		return true
	default:
		return false
	}
	s.queue.skipped += wait
	return true
}

func (s *scheduler) arrive() {
	c := s.queue.add(s.arrivals[0])
	s.arrivals = s.arrivals[1:]
	if s.readers != nil {
		s.readers.instance.sent(c.message)
	}
	s.logf("svix   %s %s arrives as %s", c.message.eventType, c.message.svixID, c.id)
}

// check is the end of a history that broke no promise on its way: it compares
// all rows, pointers and ledger entries with what they should be.
func (s *scheduler) check(ctx context.Context, t tables) error {
	if s.readers != nil {
		return s.checkReaders(ctx)
	}
	e, err := expect(s.plan, s.messages)
	if err != nil {
		return err
	}
	return e.check(ctx, t, s.messages, s.monitor)
}

func (s *scheduler) count(f Fault) { s.faults[f]++ }

func (s *scheduler) logf(format string, args ...any) {
	if s.tracing {
		s.trace = append(s.trace, fmt.Sprintf(format, args...))
	}
}
