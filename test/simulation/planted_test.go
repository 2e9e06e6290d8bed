package simulation_test

import (
	"strings"
	"testing"

	"github.com/clerksync/clerksync/test/simulation"
)

// TestPlantedBugs shows that the simulation can fail: it finds each classic
// mistake.
func TestPlantedBugs(t *testing.T) {
	t.Parallel()
	atMost := 2000
	if !isWhole() {
		atMost = 100
	}
	for _, bug := range simulation.Bugs() {
		t.Run(bug.Name, func(t *testing.T) {
			t.Parallel()
			n, how := bug.Find(t, atMost)
			switch {
			case n == 0 && !isWhole():
				t.Skip("it needs more than a hundred histories: SIMULATION_HISTORIES=10000 looks at 2,000")
			case n == 0:
				t.Fatalf("not found in %d histories", atMost)
			}
			first, _, _ := strings.Cut(how.Error(), "\n")
			t.Logf("%s: found after %d histories: %s", bug.Name, n, first)
		})
	}
}
