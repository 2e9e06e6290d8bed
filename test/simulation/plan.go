package simulation

import (
	"math/rand/v2"

	"pgregory.net/rapid"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Plan is a history before it happens: the operations at Clerk in their order,
// and the conditions under which their messages are delivered and processed.
type Plan struct {
	Steps       []Step
	Seconds     bool // the times in data are seconds, not ms
	Policy      consumer.DeletionPolicy
	Storage     projector.ObjectStorage
	Workers     int    // consumers at once
	Page        int    // rows in a page of a listing
	Disorder    int    // of the deliveries: 0 is hardly any, 2 complete
	FaultRate   int    // the chance of a fault at each decision, in 1,000, while the budget lasts
	FaultBudget int    // how many faults there are at most
	MaxReceives int    // until SQS makes a dead letter of a message, which is then redriven
	Mixed       bool   // consumers of all policies and object storages at once
	ClocksOff   bool   // the consumers' clocks are wrong by hours
	Wide        bool   // two parents have more children than one receive can delete
	Restores    bool   // an operator restores the tables from a backup, by the runbook
	PutsBack    bool   // an operator puts a deleted row back at the end, by the runbook
	Readers     bool   // of Clerk's API write into the tables, and some messages are lost
	Seed        uint64 // of the deliveries, the interleaving and the faults
}

// Step is one operation at Clerk, by its index in operations. What it changes
// depends on what is there: Which and How choose among what is possible.
type Step struct {
	Operation, Which, How int
	After                 int64 // ms since the step before
}

// minEvents is how many events a history has at least. Shorter ones are left
// out, except where a failing one is shrunk.
const minEvents = 12

// plans generates plans. rapid shrinks one by leaving out steps, and toward
// deliveries in order and no faults.
func plans() *rapid.Generator[Plan] {
	steps := rapid.SliceOfN(rapid.Custom(drawStep), 0, 12)
	return rapid.Custom(func(t *rapid.T) Plan {
		var p Plan
		for range 4 { // a single slice would be short more often than not
			p.Steps = append(p.Steps, steps.Draw(t, "")...)
		}
		p.FaultRate = drawOne(t, 0, 40, 120, 300)
		p.FaultBudget = rapid.IntRange(0, 44).Draw(t, "")
		p.Disorder = drawOne(t, 0, 1, 2)
		p.Seconds = drawOne(t, false, true, false, false)
		p.Policy = drawOne(t, consumer.Soft, consumer.Hard)
		p.Storage = drawOne(t, projector.StoreFull, projector.StoreFull, projector.StorePublic, projector.StoreNone)
		p.Workers = drawOne(t, 4, 5, 6)
		p.Page = drawOne(t, 1, 2, 3, 4)
		p.MaxReceives = drawOne(t, mostReceives, mostReceives, 6, 3)
		p.Mixed = drawOne(t, false, false, false, true)
		p.ClocksOff = drawOne(t, false, false, true)
		p.Restores = !p.ClocksOff && drawOne(t, false, false, true)
		p.Wide = drawOne(t, false, false, false, false, false, false, false, false, false, false, false, true)
		if p.Restores { // so that backups hold parts of what they delete
			p.Wide = drawOne(t, false, false, true)
		}
		p.PutsBack = drawOne(t, false, false, true)
		p.Seed = rapid.Uint64().Draw(t, "")
		p.Readers = drawOne(t, false, false, true) && !p.Mixed
		return p
	})
}

func drawStep(t *rapid.T) Step {
	return Step{
		Operation: rapid.IntRange(0, len(operations())-1).Draw(t, ""),
		Which:     rapid.IntRange(0, 63).Draw(t, ""),
		How:       rapid.IntRange(0, 1023).Draw(t, ""),
		After:     drawOne[int64](t, 0, 0, 1, 3, 700, 1300, 61_000),
	}
}

// drawOne draws one of the values; rapid shrinks toward the first.
func drawOne[V any](t *rapid.T, values ...V) V {
	return values[rapid.IntRange(0, len(values)-1).Draw(t, "")]
}

// oneOf draws one element of the list.
func oneOf[E any](random *rand.Rand, list []E) E { return list[random.IntN(len(list))] }

// newRandom makes the random numbers of a seed, the same in every run. Each
// stream of a seed is for one purpose, so that a purpose that draws more does
// not change what the others draw.
func newRandom(seed, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, stream)) //nolint:gosec // a seed must give the same numbers in every run
}
