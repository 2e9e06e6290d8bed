package simulation_test

import (
	"testing"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
	"github.com/clerksync/clerksync/test/simulation"
)

// The engine of the simulation keeps the contract that DynamoDB is held to.
func TestMemoryIsATable(t *testing.T) {
	directorytest.Run(t, func(*testing.T) directory.Table { return simulation.NewMemory(50) })
}

func TestSimulationOnOtherTables(t *testing.T) {
	tally := simulation.RunOn(t, simulation.Options{Table: simulation.NewMemory(3), Histories: 20, AtOnce: 10})
	t.Log("\n" + tally.String())
}
