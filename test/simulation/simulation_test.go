package simulation_test

import (
	"cmp"
	"os"
	"runtime/debug"
	"strconv"
	"testing"

	"github.com/clerksync/clerksync/test/simulation"
)

// isWhole says whether all is to run, which takes minutes: every interleaving, and every planted bug until it is
// found.
func isWhole() bool { return os.Getenv("SIMULATION_HISTORIES") != "" && !testing.Short() }

// TestSimulation is the proof itself. A run in which some kind of fault never
// happened proves too little, so it fails.
func TestSimulation(t *testing.T) {
	first, err := strconv.ParseUint(cmp.Or(os.Getenv("SIMULATION_SEED"), "1"), 10, 64)
	if err != nil {
		t.Fatalf("SIMULATION_SEED: %v", err)
	}
	n, err := strconv.Atoi(cmp.Or(os.Getenv("SIMULATION_HISTORIES"), "300"))
	if err != nil {
		t.Fatalf("SIMULATION_HISTORIES: %v", err)
	}
	if os.Getenv("SIMULATION_SEED") != "" && os.Getenv("SIMULATION_HISTORIES") == "" {
		simulation.Replay(t, first)
		return
	}
	debug.SetGCPercent(400) // a history is short, and its garbage costs a quarter of the time otherwise
	tally := simulation.Run(t, first, n)
	t.Log("\n" + tally.String())
	if t.Failed() {
		return
	}
	for _, f := range tally.Missing() {
		t.Errorf("no history had the fault %q", f)
	}
}

// The same seed is the same history, step by step.
func TestSimulationReplays(t *testing.T) {
	for seed := uint64(1); seed <= 40; seed++ {
		if first, second := simulation.Trace(t, seed), simulation.Trace(t, seed); first != second {
			t.Fatalf("the history of seed %d differs from itself:\n%s\n%s", seed, first, second)
		}
	}
}
