package scenario_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/scenario"
)

// Of two times of a story the later one is never moved before the earlier, and the
// last event is of the time that is wanted.
func TestMoveKeepsTheOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Int64Range(1_600_000_000_000, 1_600_001_000_000), 3, 8).Draw(t, "times")
		marks := slices.Compact(slices.Sorted(slices.Values(times[2:])))
		a, b := min(times[0], times[1]), max(times[0], times[1])
		const last = 1_700_000_000_000
		if scenario.Move(a, last, marks...) > scenario.Move(b, last, marks...) {
			t.Errorf("of %d and %d the earlier is moved to %d, the later to %d",
				a, b, scenario.Move(a, last, marks...), scenario.Move(b, last, marks...))
		}
		if got := scenario.Move(marks[len(marks)-1], last, marks...); got != last {
			t.Errorf("the last event is moved to %d, want %d", got, int64(last))
		}
	})
}
