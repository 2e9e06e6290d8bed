package simulation_test

import (
	"testing"
	"time"

	"github.com/clerksync/clerksync/test/simulation"
)

// TestEveryInterleaving proves, for the races that the design is about, what
// random histories make only likely.
func TestEveryInterleaving(t *testing.T) {
	t.Parallel()
	began, total := time.Now(), 0
	for i, s := range simulation.Scenarios() {
		if !isWhole() && i%4 != 0 {
			continue
		}
		runs, ends, err := s.EveryInterleaving(t)
		if err != nil {
			t.Errorf("%s: run %d: %v", s.Name, runs, err)
		}
		t.Logf("%6d interleavings, %2d ends: %s", runs, ends, s.Name)
		total += runs
	}
	t.Logf("%6d interleavings in %v", total, time.Since(began).Round(time.Millisecond))
}

// TestReductionLosesNoEnd shows that the interleavings which are left out end
// as others do that are not.
func TestReductionLosesNoEnd(t *testing.T) {
	t.Parallel()
	scenarios := simulation.Scenarios()[:4]
	if !isWhole() {
		scenarios = scenarios[:1]
	}
	for _, s := range scenarios {
		s.ItemByItem = false
		_, want, err := s.EveryInterleaving(t)
		if err != nil {
			t.Fatal(err)
		}
		s.Unreduced = true
		runs, got, err := s.EveryInterleaving(t)
		if err != nil || got != want {
			t.Errorf("%s: %d interleavings have %d ends, %v; want %d", s.Name, runs, got, err, want)
		}
		t.Logf("%6d interleavings, %2d ends: %s", runs, got, s.Name)
	}
}

// TestInterleavingsFindBugs shows that trying every interleaving can fail, for
// the bugs that need no more than another order and a death.
func TestInterleavingsFindBugs(t *testing.T) {
	t.Parallel()
	if !isWhole() {
		t.Skip("it runs what the other tests run, only with bugs")
	}
	for _, bug := range simulation.Bugs() {
		switch bug.Name {
		case "check-then-act ledger", "tombstone not terminal", "pointer outside the transaction",
			"duplicate acknowledged before its follow-up", "ConditionCheck-only gate",
			"a child deleted without its condition", "a domain's deletion by `rev` alone":
		default:
			continue
		}
		t.Run(bug.Name, func(t *testing.T) {
			t.Parallel()
			total := 0
			for _, s := range simulation.Scenarios() {
				s.Bug = &bug
				runs, _, err := s.EveryInterleaving(t)
				total += runs
				if err != nil {
					t.Logf("%s: found after %d interleavings: %s: %.120s", bug.Name, total, s.Name, err)
					return
				}
			}
			t.Errorf("%s: not found in %d interleavings", bug.Name, total)
		})
	}
}
