package simulation

import (
	"slices"
	"testing/synctest"
	"time"
)

// randomPolicy leaves everything to chance: it draws from the numbers of a
// seed, so that a seed is one interleaving, the same in every run.
type randomPolicy struct {
	timeouts []time.Duration // of invocations
}

// newScheduler prepares the run of a history on tables in memory. It must run
// in a bubble of testing/synctest.
func (r randomRun) newScheduler() *scheduler {
	s := newScheduler(r.plan, r.messages, synctest.Wait)
	s.bug, s.tracing = r.bug, r.tracing
	p := randomPolicy{[]time.Duration{3200 * time.Millisecond, 6 * time.Second, 30 * time.Second}}
	if r.plan.Wide {
		p.timeouts = p.timeouts[:1] // too short for all children
	}
	s.policy = p
	s.useMemory(NewMemory(r.plan.Page))
	if r.plan.Readers {
		s.prepareReaders(r.states)
	}
	s.leaveToChance(newRandom(r.plan.Seed, 2))
	return s
}

func (p randomPolicy) choose(s *scheduler, possible []choice) (choice, bool) {
	return oneOf(s.random, possible), true
}

func (p randomPolicy) receives(s *scheduler) []choice {
	if s.backup.isStopped() || !slices.Contains(s.running, nil) {
		return nil
	}
	s.redrive()
	if len(s.queue.visible()) == 0 {
		return nil
	}
	return []choice{{do: func() { p.receive(s) }}}
}

// receive hands up to ten visible messages, in random order, to an idle worker.
func (p randomPolicy) receive(s *scheduler) {
	batch := s.queue.visible()
	s.random.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
	batch = batch[:min(len(batch), 1+s.random.IntN(10))]
	if s.plan.Wide {
		batch = withOneParent(batch)
	}
	inv := &invocation{id: s.started + 1, worker: slices.Index(s.running, nil)}
	timeout := oneOf(s.random, p.timeouts)
	// Longer by a nanosecond each, so that no deadline falls on a timer.
	s.start(inv, batch, timeout+time.Duration(inv.id), s.random.Float64())
}

// access draws whether the items of a transaction become visible one by one.
func (p randomPolicy) access(s *scheduler, c *call, failure error) {
	s.accessMemory(c, failure, func() bool { return s.plan.FaultRate > 0 && s.random.IntN(3) > 0 })
}
