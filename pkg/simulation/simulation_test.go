package simulation_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/clerksync/clerksync/pkg/simulation"
)

func TestSimulation(t *testing.T) {
	if text := os.Getenv("SIMULATION_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("SIMULATION_SEED = %q: %v", text, err)
		}
		simulation.Replay(t, seed)
		return
	}
	n := 300
	if text := os.Getenv("SIMULATION_HISTORIES"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatalf("SIMULATION_HISTORIES = %q: %v", text, err)
		}
	}
	tally := simulation.Run(t, 1, n)
	t.Log("\n" + tally.String())
	for _, f := range tally.Missing() {
		t.Errorf("no history had the fault %q", f)
	}
}
