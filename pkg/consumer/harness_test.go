package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
	"github.com/clerksync/clerksync/pkg/projector"
)

// errFault is the error of a remote call that is made to fail.
var errFault = errors.New("made up fault")

// harness is a consumer with all that it works on.
type harness struct {
	*consumer.Consumer
	memory *directorytest.Memory
	queue  *queue

	mu       sync.Mutex
	reports  []consumer.Report
	warnings []error
}

type option func(*harness, *consumer.Config)

// newHarness makes a consumer on a table in memory.
func newHarness(options ...option) *harness {
	h := &harness{memory: directorytest.NewMemory(), queue: &queue{delays: map[string]time.Duration{}}}
	c := consumer.Config{
		Table: h.memory, Queue: h.queue, Projector: projector.New(projector.StoreFull),
		Policy: consumer.Soft, Retention: 90 * 24 * time.Hour,
		Now:    func() time.Time { return time.UnixMilli(1_772_500_000_123) },
		Random: func() float64 { return 0 },
		Observe: func(_ context.Context, r consumer.Report) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.reports = append(h.reports, r)
		},
		Warn: func(_ context.Context, _ string, err error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.warnings = append(h.warnings, err)
		},
	}
	for _, o := range options {
		o(h, &c)
	}
	h.Consumer = consumer.New(c)
	return h
}

func withPolicy(p consumer.DeletionPolicy) option {
	return func(_ *harness, c *consumer.Config) { c.Policy = p }
}

// withBothPolicies runs the test with each.
func withBothPolicies(t *testing.T, test func(*testing.T, consumer.DeletionPolicy)) {
	t.Helper()
	for _, p := range []consumer.DeletionPolicy{consumer.Soft, consumer.Hard} {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// handle hands over each record in a batch of its own and returns how each came
// out.
func (h *harness) handle(t *testing.T, records ...delivery.Record) (outcomes []consumer.Outcome) {
	t.Helper()
	for _, r := range records {
		h.mu.Lock()
		before := len(h.reports)
		h.mu.Unlock()
		failed := h.Handle(t.Context(), []delivery.Record{r})
		got := h.reports[before]
		returned := slices.Equal(failed, []string{r.MessageID})
		if (got.Outcome == consumer.Failed) != returned || got.MessageID != r.MessageID {
			t.Errorf("Handle(%s) = %q for one that is %s, want its id if it failed", r.MessageID, failed, got.Outcome)
		}
		outcomes = append(outcomes, got.Outcome)
	}
	return outcomes
}

// check is handle with the outcomes that are wanted, in their order.
func (h *harness) check(t *testing.T, want string, records ...delivery.Record) {
	t.Helper()
	var got []string
	for _, o := range h.handle(t, records...) {
		got = append(got, string(o))
	}
	if diff := cmp.Diff(strings.Fields(want), got); diff != "" {
		t.Errorf("outcomes differ (-want +got):\n%s", diff)
	}
}

// handleAll hands over all records in one batch, none of which may fail.
func (h *harness) handleAll(t *testing.T, records []delivery.Record) {
	t.Helper()
	if failed := h.Handle(t.Context(), records); len(failed) > 0 {
		t.Errorf("Handle(%v) = %q, want none to come again", ids(records), failed)
	}
}

// row is the row of that key, nil for none.
func (h *harness) row(k directory.Key) directory.Row { return h.memory.Rows()[k] }

// live are the keys of the live rows, sorted.
func (h *harness) live() (keys []string) {
	for k, r := range h.memory.Rows() {
		if r.Live() {
			keys = append(keys, k.PK+"/"+k.SK)
		}
	}
	slices.Sort(keys)
	return keys
}

func (h *harness) checkLive(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(want)
	if diff := cmp.Diff(want, h.live()); diff != "" {
		t.Errorf("live rows differ (-want +got):\n%s", diff)
	}
}

// outcomes are what the Deliveries table holds, by svix id.
func (h *harness) outcomes() map[string]consumer.Outcome {
	out := map[string]consumer.Outcome{}
	for id, e := range h.memory.Ledger() {
		out[id] = consumer.Outcome(e.Outcome)
	}
	return out
}

// state is what must not depend on order, duplicates and crashes: live rows
// whole, and of deleted users, organizations, roles and permissions the key,
// rev and deleted_at.
func (h *harness) state() map[directory.Key]directory.Row {
	out := map[directory.Key]directory.Row{}
	for k, r := range h.memory.Rows() {
		delete(r, directory.AttrSyncedAt)
		switch kind := r.Text(directory.AttrKind); {
		case r.Live():
			out[k] = r
		case isRoot(kind):
			out[k] = directory.Row{"rev": r["rev"], "deleted_at": r["deleted_at"]}
		}
	}
	return out
}

// isRoot says whether rows of that kind are no children of others.
func isRoot(kind string) bool {
	switch kind {
	case directory.KindUser, directory.KindOrganization, directory.KindRole, directory.KindPermission:
		return true
	}
	return false
}

// tester is *testing.T or *rapid.T.
type tester interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}

// checkInvariants holds the tables to what holds at all times between batches.
func (h *harness) checkInvariants(t tester) {
	t.Helper()
	rows := h.memory.Rows()
	for k, r := range rows {
		if r.Key() != k || r.Text(directory.AttrRev) == "" {
			t.Errorf("row %v has key %v and rev %q", k, r.Key(), r.Text(directory.AttrRev))
		}
		if strings.Contains(fmt.Sprint(r), "SECRET") {
			t.Errorf("row %v holds an invitation's url", k)
		}
		for _, index := range directory.Indexes() {
			if r.Gone() && r[index] != nil {
				t.Errorf("tombstone %v is in index %s", k, index)
			}
		}
		if p := directory.Pointer(r); p != nil {
			want := directory.Row(nil)
			if r.Live() {
				want = p
			}
			if diff := cmp.Diff(want, rows[p.Key()]); diff != "" {
				t.Errorf("pointer of %v differs (-want +got):\n%s", k, diff)
			}
		}
		checkParents(t, rows, r)
	}
}

// checkParents holds that no row outlives what it belongs to.
func checkParents(t tester, rows map[directory.Key]directory.Row, r directory.Row) {
	t.Helper()
	kind, org, user := r.Text(directory.AttrKind), r.Text("org_id"), r.Text("user_id")
	if r.Live() && org != "" && rows[directory.OrganizationKey(org)].Gone() {
		t.Errorf("%s %v outlives its organization", kind, r.Key())
	}
	switch kind {
	case directory.KindMembership:
		if r.Live() && rows[directory.UserKey(user)].Gone() {
			t.Errorf("%s %v outlives its user", kind, r.Key())
		}
	case directory.KindMembershipOf:
		if !rows[directory.MembershipKey(org, user)].Live() {
			t.Errorf("pointer %v has no live membership", r.Key())
		}
	case directory.KindDomainOf:
		if d := rows[directory.DomainKey(r.Text("id"))]; !d.Live() || d.Text("org_id") != org {
			t.Errorf("pointer %v has no live domain", r.Key())
		}
	case directory.KindRoleByKey:
		if role := rows[directory.RoleKey(r.Text("id"))]; !role.Live() || role.Text("key") != r.Text("key") {
			t.Errorf("pointer %v has no live role", r.Key())
		}
	}
}
