package simulation

import (
	"pgregory.net/rapid"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Plan is a history before it happens: what is done at Clerk, in this order,
// and how the day is that it happens on.
type Plan struct {
	Steps    []Step
	Seconds  bool // the times in data are seconds
	Policy   consumer.DeletionPolicy
	Storage  projector.ObjectStorage
	Workers  int    // consumers at once
	Page     int    // rows in a page of a listing
	Mix      int    // how much the deliveries are out of order: 0 hardly, 2 wholly
	Faults   int    // per 1,000 steps, while the budget lasts
	Budget   int    // of faults
	Schedule uint64 // seeds the deliveries, the interleaving and the faults
}

// Step is one deed at Clerk. What it means depends on what is there: Which and
// How choose among what can be done.
type Step struct {
	Kind, Which, How int
	After            int64 // ms since the step before
}

// minEvents is how many events a history has at least; shorter ones are left
// out, save where a failing one is shrunk.
const minEvents = 12

// plans generates them. rapid shrinks them by leaving out steps, and toward
// no disorder and no faults.
func plans() *rapid.Generator[Plan] {
	step := rapid.Custom(drawStep)
	return rapid.Custom(func(t *rapid.T) Plan {
		var p Plan
		for range 4 { // one slice would be short more often than not
			p.Steps = append(p.Steps, rapid.SliceOfN(step, 0, 12).Draw(t, "")...)
		}
		draw := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "") }
		p.Faults = []int{0, 20, 60, 150}[draw(4)]
		p.Budget = draw(45)
		p.Mix = draw(3)
		p.Seconds = draw(4) == 1
		p.Policy = []consumer.DeletionPolicy{consumer.Soft, consumer.Hard}[draw(2)]
		p.Storage = []projector.ObjectStorage{projector.StoreFull, projector.StoreFull, projector.StorePublic, projector.StoreNone}[draw(4)]
		p.Workers = 4 + draw(3)
		p.Page = 1 + draw(4)
		p.Schedule = rapid.Uint64().Draw(t, "")
		return p
	})
}

func drawStep(t *rapid.T) Step {
	return Step{
		Kind:  rapid.IntRange(0, len(deeds())-1).Draw(t, ""),
		Which: rapid.IntRange(0, 63).Draw(t, ""),
		How:   rapid.IntRange(0, 1023).Draw(t, ""),
		After: []int64{0, 0, 1, 3, 700, 1300, 61_000}[rapid.IntRange(0, 6).Draw(t, "")],
	}
}
