package simulation_test

import (
	"testing"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
	"github.com/clerksync/clerksync/test/simulation"
)

// The tables of the simulation keep the contract that DynamoDB is held to;
// else what it proves would say nothing about DynamoDB.
func TestMemoryIsATable(t *testing.T) {
	directorytest.Run(t, func(*testing.T) directory.Table { return simulation.NewMemory(50) })
}

// TestRealTablePolicy runs the policy for real tables where none is at hand;
// test/engines runs it over HTTP and on other engines.
func TestRealTablePolicy(t *testing.T) {
	tally := simulation.RunOn(t, simulation.Options{Table: simulation.NewMemory(3), Histories: 20, AtOnce: 10})
	t.Log("\n" + tally.String())
}
