package simulation_test

import (
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/simulation"
)

func TestEveryInterleaving(t *testing.T) {
	began, total := time.Now(), 0
	for i, s := range simulation.Scenarios() {
		if testing.Short() && i%4 != 0 {
			continue
		}
		runs, err := s.Every(t)
		if err != nil {
			t.Errorf("%s: run %d: %v", s.Name, runs, err)
		}
		t.Logf("%6d interleavings: %s", runs, s.Name)
		total += runs
	}
	t.Logf("%6d interleavings in %v", total, time.Since(began).Round(time.Millisecond))
}

// TestInterleavingsFindBugs shows that trying all of them can fail, too.
func TestInterleavingsFindBugs(t *testing.T) {
	for _, bug := range simulation.Bugs() {
		switch bug.Name {
		case "check-then-act ledger", "tombstone not terminal", "pointer outside the transaction",
			"duplicate acknowledged before its follow-up", "ConditionCheck-only gate",
			"a child ended without its condition", "a domain's deletion by `rev` alone":
		default:
			continue // needs more than order and a crash
		}
		t.Run(bug.Name, func(t *testing.T) {
			total := 0
			for _, s := range simulation.Scenarios() {
				s.Bug = &bug
				runs, err := s.Every(t)
				total += runs
				if err != nil {
					t.Logf("%s: found after %d interleavings: %s: %.200s", bug.Name, total, s.Name, err)
					return
				}
			}
			t.Errorf("%s: not found in %d interleavings", bug.Name, total)
		})
	}
}
