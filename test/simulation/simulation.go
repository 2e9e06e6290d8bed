package simulation

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// Run runs histories of the seeds first, first+1 ... under the random policy
// and fails t at the first that breaks a promise, with the line that replays
// it and a short history that breaks the same way. It returns what happened in
// all of them.
func Run(t *testing.T, first uint64, histories int) *Tally {
	t.Helper()
	tally := &Tally{}
	seed, err := eachHistory(runtime.GOMAXPROCS(0), first, histories, func(_ uint64, p Plan) error {
		_, err := runHistory(t, p, nil, tally, false)
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
	s, err := runHistory(t, planOf(seed), nil, tally, true)
	t.Logf("%s\n%s", s.describe(), tally)
	if err != nil {
		t.Errorf("the history of seed %d: %v", seed, err)
		shrink(t, seed)
	}
}

// Trace returns the history of one seed, step by step.
func Trace(t *testing.T, seed uint64) string {
	t.Helper()
	s, err := runHistory(t, planOf(seed), nil, &Tally{}, true)
	return fmt.Sprint(s.describe(), err)
}

// planOf is the plan of a seed.
func planOf(seed uint64) Plan { return plans().Example(int(seed)) } //nolint:gosec // a seed may be any number

// runHistory runs a history under the random policy and adds it to the tally.
// With tracing it keeps every step.
func runHistory(t *testing.T, p Plan, bug *Bug, tally *Tally, tracing bool) (s *scheduler, err error) {
	t.Helper()
	messages := history(p, "")
	synctest.Test(t, func(t *testing.T) {
		s = newRandomRun(p, messages, bug)
		s.tracing = tracing
		if err = s.run(); err == nil {
			err = s.check(t.Context(), s.memory)
		}
	})
	tally.add(s)
	return s, err
}

// eachHistory calls run, by so many workers at once, with the plans of the
// seeds from first on, leaving out plans of too few events. It stops at a
// failure and returns the smallest seed that failed.
func eachHistory(
	workers int, first uint64, histories int, run func(seed uint64, p Plan) error,
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
				seed, p := nextPlan(plan, &seeds)
				if err := run(seed, p); err != nil {
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
