package crash_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/test/program"
)

// A death at any remote call, before it or after it, changes nothing in the
// end: what was not acknowledged comes again, and every row of both tables is
// then what it is without a death. A death after a call that only reads is one
// before the next.
func TestDeathAtEveryCall(t *testing.T) {
	t.Parallel()
	bootstrap := program.Build(t, "./functions/sync")
	calm := newWorld(t)
	deliver(t, newLambda(t, bootstrap, calm), story()...)
	want := told(t, calm)
	for _, k := range survivors() {
		if r := want.Directory[k.PK+" "+k.SK]; !r.Live() {
			t.Errorf("without a death: row %v = %v, want a live one", k, r)
		}
	}
	for id, outcome := range map[string]string{"msg_01": "applied", "msg_12": "applied", "msg_14": "applied", "msg_16": "stale", "msg_20": "applied"} {
		if got := want.Deliveries[id].Text("outcome"); got != outcome {
			t.Errorf("without a death: outcome of %s = %q, want %q", id, got, outcome)
		}
	}
	if len(want.Deliveries) != 20 || len(want.Directory) != 16 || len(want.Dead) != 1 || want.Dead["msg_poison"] != 1 {
		t.Fatalf("without a death: %d deliveries, %d rows, dead letters %v", len(want.Deliveries), len(want.Directory), want.Dead)
	}
	t.Logf("a death before each of %d remote calls, and after each of %d that change something", calm.last.n, calm.last.changes)
	for b, n := range map[blow]int{before: calm.last.n, after: calm.last.changes} {
		for i := 1; i <= n; i++ {
			t.Run(fmt.Sprintf("%s %d", b, i), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.strike = func(c call) blow {
					if b == before && c.n == i || b == after && c.changes == i && c.change() {
						return b
					}
					return none
				}
				deliver(t, newLambda(t, bootstrap, w), story()...)
				got := told(t, w)
				// At least once: a death after the letter was sent sends another.
				if got.Dead["msg_poison"] == 2 {
					got.Dead["msg_poison"] = 1
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("it ended otherwise (-calm +killed):\n%s", d)
				}
			})
		}
	}
}

// told is what a story leaves.
func told(t *testing.T, w *world) state {
	t.Helper()
	s := w.ended(t)
	s.settle(t, directory.MembershipKey(lumenOak, jonah), directory.UserKey(jonah), directory.OrganizationKey(lumenOak))
	return s
}
