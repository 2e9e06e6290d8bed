package simulation_test

import (
	"strings"
	"testing"

	"github.com/clerksync/clerksync/test/simulation"
)

// TestPlantedBugs shows that the simulation can fail: it finds each classic
// mistake.
func TestPlantedBugs(t *testing.T) {
	const atMost = 2000
	for _, bug := range simulation.Bugs() {
		t.Run(bug.Name, func(t *testing.T) {
			n, how := bug.Find(t, atMost)
			if n == 0 {
				t.Fatalf("not found in %d histories", atMost)
			}
			first, _, _ := strings.Cut(how.Error(), "\n")
			t.Logf("%s: found after %d histories: %s", bug.Name, n, first)
		})
	}
}
