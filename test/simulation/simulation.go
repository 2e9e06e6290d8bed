package simulation

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

// Run runs histories of the seeds first, first+1 ... under the random policy
// and fails t at the first that breaks a promise, with the line that replays
// it and a short history that breaks the same way. It returns what happened in
// all of them.
func Run(t *testing.T, first uint64, histories int) *Tally {
	t.Helper()
	tally := &Tally{}
	seed, err := eachHistory(runtime.GOMAXPROCS(0), first, histories, func(_ uint64, r randomRun) error {
		_, err := r.run(t, tally)
		return err
	})
	if err != nil {
		t.Errorf("the history of seed %d: %v\nreplay: SIMULATION_SEED=%d "+
			"go test -count=1 -v -run 'Simulation$' ./test/simulation", seed, err, seed)
		shrink(t, seed)
	}
	return tally
}

// Replay runs the history of one seed and logs its every step. It shrinks it
// if it breaks a promise.
func Replay(t *testing.T, seed uint64) {
	t.Helper()
	tally := &Tally{}
	s, err := traced(planOf(seed)).run(t, tally)
	t.Logf("%s\n%s", s.describe(), tally)
	if err != nil {
		t.Errorf("the history of seed %d: %v", seed, err)
		shrink(t, seed)
	}
}

// Trace returns the history of one seed, step by step.
func Trace(t *testing.T, seed uint64) string {
	t.Helper()
	s, err := traced(planOf(seed)).run(t, &Tally{})
	return fmt.Sprint(s.describe(), err)
}

// planOf is the plan of a seed.
func planOf(seed uint64) Plan { return plans().Example(int(seed)) } //nolint:gosec // a seed may be any number

// randomRun is a history to run under the random policy.
type randomRun struct {
	plan     Plan
	messages []*message
	states   []*state // at Clerk, for readers of its API
	bug      *Bug     // planted, unless nil
	tracing  bool     // the scheduler keeps every step
}

func newRandomRun(p Plan) randomRun {
	c := history(p, "")
	return randomRun{plan: p, messages: c.messages, states: c.states}
}

func traced(p Plan) randomRun {
	r := newRandomRun(p)
	r.tracing = true
	return r
}

// run runs the history and adds it to the tally.
func (r randomRun) run(t *testing.T, tally *Tally) (s *scheduler, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s = r.newScheduler()
		if err = s.run(); err == nil {
			err = s.check(t.Context(), s.memory)
		}
	})
	tally.add(s)
	return s, err
}

// eachHistory calls run, by so many workers at once, with the histories of the
// seeds from first on, leaving out those with too few events. It stops at a
// failure and returns the smallest seed that failed.
func eachHistory(
	workers int, first uint64, histories int, run func(seed uint64, r randomRun) error,
) (failedSeed uint64, failed error) {
	var (
		mu     sync.Mutex
		begun  atomic.Int64
		seeds  atomic.Uint64
		ending sync.WaitGroup
		plan   = plans()
	)
	seeds.Store(first - 1)
	for range workers {
		ending.Go(func() {
			for begun.Add(1) <= int64(histories) {
				seed, r := nextRun(plan, &seeds)
				if err := run(seed, r); err != nil {
					begun.Store(int64(histories))
					mu.Lock()
					if failed == nil || seed < failedSeed {
						failedSeed, failed = seed, err
					}
					mu.Unlock()
				}
			}
		})
	}
	ending.Wait()
	return failedSeed, failed
}

// nextRun is the history of the next seed that has enough events.
func nextRun(plan *rapid.Generator[Plan], seeds *atomic.Uint64) (seed uint64, r randomRun) {
	for len(r.messages) < minEvents {
		seed = seeds.Add(1)
		r = newRandomRun(plan.Example(int(seed))) //nolint:gosec // a seed may be any number
	}
	return seed, r
}

// describe returns a history that was traced, step by step.
func (s *scheduler) describe() string {
	var b strings.Builder
	p := s.plan
	fmt.Fprintf(&b, "policy %s, object storage %s, %d consumers, seed %d\n", p.Policy, p.Storage, p.Workers, p.Seed)
	b.WriteString("Clerk's events, in its order:\n")
	for _, m := range s.messages {
		fmt.Fprintf(&b, "  %-32s %s %s updated %d sent %d\n", m.eventType, m.svixID, m.entity, m.updated, m.sent)
	}
	b.WriteString("What happened:\n")
	for _, line := range s.trace {
		b.WriteString("  " + line + "\n")
	}
	return b.String()
}
