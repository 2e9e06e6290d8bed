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
