package simulation

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

// Run runs histories of the seeds first, first+1 ... and fails t at the
// first that breaks a promise, with the line that replays it and a short
// history that breaks the same way. It returns what happened in all of them.
func Run(t *testing.T, first uint64, histories int) *Tally {
	t.Helper()
	tally := &Tally{}
	seed, err := search(t, first, histories, nil, tally)
	if err != nil {
		t.Errorf("the history of seed %d: %v\nreplay: SIMULATION_SEED=%d go test -count=1 -v -run Simulation ./pkg/simulation", seed, err, seed)
		shrink(t, seed, nil)
	}
	return tally
}

// Replay runs the history of one seed and tells its every step; it shrinks it
// if it breaks a promise.
func Replay(t *testing.T, seed uint64) {
	t.Helper()
	tally := &Tally{}
	story, err := tell(t, plans().Example(int(seed)), nil, tally) //nolint:gosec // a seed may be any number
	t.Logf("%s\n%s", story, tally)
	if err != nil {
		t.Errorf("the history of seed %d: %v", seed, err)
		shrink(t, seed, nil)
	}
}

// Story tells the history of one seed, step by step.
func Story(t *testing.T, seed uint64) string {
	t.Helper()
	story, err := tell(t, plans().Example(int(seed)), nil, &Tally{}) //nolint:gosec // a seed may be any number
	if err != nil {
		story += err.Error()
	}
	return story
}

// search runs histories on all cores and returns the smallest seed that it
// found to fail.
func search(t *testing.T, first uint64, histories int, bug *Bug, tally *Tally) (at uint64, failed error) {
	t.Helper()
	var (
		mu      sync.Mutex
		begun   atomic.Int64
		seeds   atomic.Uint64
		workers sync.WaitGroup
		plan    = plans()
	)
	seeds.Store(first - 1)
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for begun.Add(1) <= int64(histories) {
				seed, p := nextPlan(plan, &seeds)
				if err := live(t, p, bug, tally); err != nil {
					begun.Store(int64(histories))
					mu.Lock()
					if failed == nil || seed < at {
						at, failed = seed, err
					}
					mu.Unlock()
				}
			}
		})
	}
	workers.Wait()
	return at, failed
}

// nextPlan is the next seed's whose history is long enough.
func nextPlan(plan *rapid.Generator[Plan], seeds *atomic.Uint64) (uint64, Plan) {
	for {
		seed := seeds.Add(1)
		p := plan.Example(int(seed)) //nolint:gosec // a seed may be any number
		if len(history(p, "")) >= minEvents {
			return seed, p
		}
	}
}

// live runs one history.
func live(t *testing.T, p Plan, bug *Bug, tally *Tally) error {
	t.Helper()
	_, err := enact(t, p, bug, tally, false)
	return err
}

// tell runs one history and tells what happened in it.
func tell(t *testing.T, p Plan, bug *Bug, tally *Tally) (string, error) {
	t.Helper()
	d, err := enact(t, p, bug, tally, true)
	var b strings.Builder
	fmt.Fprintf(&b, "policy %s, object storage %s, %d consumers, schedule %d\n", p.Policy, p.Storage, p.Workers, p.Schedule)
	b.WriteString("Clerk's events, in its order:\n")
	for _, m := range d.messages {
		fmt.Fprintf(&b, "  %-32s %s %s updated %d sent %d\n", m.eventType, m.svixID, m.entity, m.updated, m.sent)
	}
	b.WriteString("What happened:\n")
	for _, line := range d.trace {
		b.WriteString("  " + line + "\n")
	}
	return b.String(), err
}

func enact(t *testing.T, p Plan, bug *Bug, tally *Tally, tracing bool) (d *day, err error) {
	t.Helper()
	messages := history(p, "")
	synctest.Test(t, func(*testing.T) {
		d = newDay(p, messages, bug, tally)
		d.tracing = tracing
		if err = d.run(); err == nil {
			err = d.check()
		}
	})
	tally.histories.Add(1)
	tally.events.Add(int64(len(messages)))
	return d, err
}

// schedules is under how many interleavings a shorter history is tried: it
// has another one than the longer had, in any case.
const schedules = 40

// shrink finds a short history that fails as the seed's did, and prints it.
func shrink(t *testing.T, seed uint64, bug *Bug) {
	t.Helper()
	restore, err := rapidFlags(map[string]string{
		"rapid.seed": strconv.FormatUint(seed, 10), "rapid.checks": "5", "rapid.nofailfile": "true", "rapid.shrinktime": "20s",
	})
	if err != nil {
		t.Logf("shrink: %v", err)
		return
	}
	defer restore()
	generator, story := plans(), ""
	done := make(chan struct{})
	go func() { // rapid ends the goroutine of a test that failed
		defer close(done)
		rapid.Check(&quietTB{name: t.Name()}, func(rt *rapid.T) {
			if s := shortest(t, generator.Draw(rt, ""), bug); s != "" {
				story = s
				rt.Fatalf("broken")
			}
		})
	}()
	<-done
	t.Logf("a short history that fails:\n%s", story)
}

// shortest is the story of the interleaving of a plan that fails soonest, ""
// where none fails.
func shortest(t *testing.T, p Plan, bug *Bug) (story string) {
	t.Helper()
	tally, found := &Tally{}, 0
	for range schedules {
		if live(t, p, bug, tally) != nil {
			s, err := tell(t, p, bug, tally)
			if s += err.Error(); story == "" || len(s) < len(story) {
				story = s
			}
			if found++; found == 3 {
				break
			}
		}
		p.Schedule++
	}
	return story
}
