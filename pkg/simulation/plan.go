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

// Steps of a plan. Each of them makes at least one event, save those that
// shrinking has struck out.
const (
	minSteps = 12
	maxSteps = 22
	idleKind = -1
)

// plans generates them. rapid shrinks toward idle steps, one consumer's worth
// of choices and no faults.
func plans() *rapid.Generator[Plan] {
	return rapid.Custom(func(t *rapid.T) Plan {
		draw := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "") }
		p := Plan{
			Seconds:  draw(4) == 1,
			Policy:   []consumer.DeletionPolicy{consumer.Soft, consumer.Hard}[draw(2)],
			Storage:  []projector.ObjectStorage{projector.StoreFull, projector.StoreFull, projector.StorePublic, projector.StoreNone}[draw(4)],
			Workers:  4 + draw(3),
			Page:     1 + draw(4),
			Mix:      draw(3),
			Faults:   []int{0, 20, 60, 150}[draw(4)],
			Budget:   5 + draw(40),
			Schedule: rapid.Uint64().Draw(t, ""),
		}
		n := minSteps + 2 + draw(maxSteps-minSteps-1)
		for range n {
			p.Steps = append(p.Steps, drawStep(t))
		}
		return p
	})
}

func drawStep(t *rapid.T) Step {
	// All false, and thus idle, is rare (1 in 256) but what a failing history
	// shrinks to, each flip on the way leaving the step as it is.
	busy := false
	for range 8 {
		busy = rapid.Bool().Draw(t, "") || busy
	}
	s := Step{
		Kind:  rapid.IntRange(0, len(deeds())-1).Draw(t, ""),
		Which: rapid.IntRange(0, 63).Draw(t, ""),
		How:   rapid.IntRange(0, 1023).Draw(t, ""),
		After: []int64{0, 0, 1, 3, 700, 1300, 61_000}[rapid.IntRange(0, 6).Draw(t, "")],
	}
	if !busy {
		s.Kind = idleKind
	}
	return s
}
