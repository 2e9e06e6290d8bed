package crash_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/test/program"
)

// A death at any remote call, before it or after it, changes nothing in the
// end: what was not deleted from the queue is received again, and every row of
// both tables is then what it is without a death. A death after a call that only reads is one
// before the next call.
func TestDeathAtEveryCall(t *testing.T) {
	t.Parallel()
	bootstrap := program.Build(t, "./functions/sync")
	calm := newEnvironment(t)
	calm.processHistory(t, bootstrap)
	want := calm.historyState(t)
	checkWithoutDeath(t, want)
	last := calm.proxy.last
	t.Logf("a death before each of %d remote calls, and after each of %d that change something", last.n, last.changes)
	for at, calls := range map[fault]int{killedBefore: last.n, killedAfter: last.changes} {
		for i := 1; i <= calls; i++ {
			t.Run(fmt.Sprintf("%s %d", at, i), func(t *testing.T) {
				t.Parallel()
				e := newEnvironment(t)
				e.proxy.inject = func(c call) fault {
					if at == killedBefore && c.n == i || at == killedAfter && c.changes == i && c.changesSomething() {
						return at
					}
					return none
				}
				e.processHistory(t, bootstrap)
				got := e.historyState(t)
				// A death after the dead letter was sent sends another: at least once.
				if got.DeadLetters[invalidMessage] == 2 {
					got.DeadLetters[invalidMessage] = 1
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("state after a death (-without +with):\n%s", diff)
				}
			})
		}
	}
}

// processHistory lets the function process the whole history, one batch after
// the other.
func (e *environment) processHistory(t *testing.T, bootstrap string) {
	t.Helper()
	l := newLambda(t, bootstrap, e)
	for _, batch := range history() {
		e.processAll(t, l, batch)
	}
}

// historyState is what the history leaves, less what depends on the order of
// arrival.
func (e *environment) historyState(t *testing.T) state {
	t.Helper()
	s := e.state(t)
	membership := directory.MembershipKey(lumenOak, jonah)
	s.checkDeletedByEither(t, membership, directory.UserKey(jonah), directory.OrganizationKey(lumenOak))
	return s
}

// checkWithoutDeath checks that the history does what it is made for: else a
// death could change nothing because there is nothing to change.
func checkWithoutDeath(t *testing.T, s state) {
	t.Helper()
	for _, k := range survivors() {
		if r := s.Directory[k.PK+" "+k.SK]; !r.Live() {
			t.Errorf("row %v = %v, want a live one", k, r)
		}
	}
	for id, want := range map[string]string{
		"msg_01": "applied", "msg_12": "applied", "msg_14": "applied", "msg_16": "stale", "msg_20": "applied",
	} {
		if got := s.Deliveries[id].Text("outcome"); got != want {
			t.Errorf("outcome of %s = %q, want %q", id, got, want)
		}
	}
	if diff := cmp.Diff(map[string]int{invalidMessage: 1}, s.DeadLetters); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
	if len(s.Deliveries) != 20 || len(s.Directory) != 17 {
		t.Errorf("%d rows in Deliveries, %d in Directory, want 20 and 17", len(s.Deliveries), len(s.Directory))
	}
	if t.Failed() {
		t.FailNow()
	}
}
