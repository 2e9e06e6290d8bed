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

	diff "github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
	"github.com/clerksync/clerksync/pkg/projector"
)

// errFault is what a remote call that failed says.
var errFault = errors.New("made up fault")

// queue is a consumer.Queue that remembers.
type queue struct {
	mu           sync.Mutex
	dead         []deadLetter
	acknowledged []string // message ids
	delays       map[string]time.Duration
	steps        []string // calls in their order

	deadLetter func(r delivery.Record) error // a fault, unless nil
	hangs      bool                          // Delay does not answer
}

type deadLetter struct {
	record delivery.Record
	reason string
}

func (q *queue) DeadLetter(ctx context.Context, r delivery.Record, reason string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.deadLetter != nil {
		if err := q.deadLetter(r); err != nil {
			return err
		}
	}
	q.dead = append(q.dead, deadLetter{r, reason})
	return ctx.Err()
}

func (q *queue) Acknowledge(ctx context.Context, records []delivery.Record) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range records {
		q.acknowledged = append(q.acknowledged, r.MessageID)
	}
	q.steps = append(q.steps, fmt.Sprint("acknowledge ", len(records)))
	return ctx.Err()
}

func (q *queue) Delay(ctx context.Context, delays []delivery.Delay) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.hangs {
		<-ctx.Done()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, d := range delays {
		q.delays[d.Record.MessageID] = d.For
	}
	return nil
}

// world is a consumer with all that it works on.
type world struct {
	*consumer.Consumer
	memory *directorytest.Memory
	queue  *queue

	mu      sync.Mutex
	reports []consumer.Report
	warned  []error
}

// newWorld makes a consumer on a table in memory; change fits it, unless nil.
func newWorld(change func(w *world, c *consumer.Config)) *world {
	w := &world{memory: directorytest.NewMemory(), queue: &queue{delays: map[string]time.Duration{}}}
	c := consumer.Config{
		Table: w.memory, Queue: w.queue, Projector: projector.New(projector.StoreFull),
		Policy: consumer.Soft, Retention: 90 * 24 * time.Hour,
		Now:    func() time.Time { return time.UnixMilli(1_772_500_000_123) },
		Random: func() float64 { return 0 },
		Observe: func(_ context.Context, r consumer.Report) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.reports = append(w.reports, r)
		},
		Warn: func(_ context.Context, _ string, err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.warned = append(w.warned, err)
		},
	}
	if change != nil {
		change(w, &c)
	}
	w.Consumer = consumer.New(c)
	return w
}

// policies are both.
func policies() []consumer.DeletionPolicy {
	return []consumer.DeletionPolicy{consumer.Soft, consumer.Hard}
}

func with(p consumer.DeletionPolicy) func(*world, *consumer.Config) {
	return func(_ *world, c *consumer.Config) { c.Policy = p }
}

// handle takes each record in a batch of its own and says what became of it.
func (w *world) handle(t *testing.T, records ...delivery.Record) (outcomes []consumer.Outcome) {
	t.Helper()
	for _, r := range records {
		w.mu.Lock()
		before := len(w.reports)
		w.mu.Unlock()
		failed := w.Handle(t.Context(), []delivery.Record{r})
		got := w.reports[before]
		if (got.Outcome == consumer.Failed) != slices.Equal(failed, []string{r.MessageID}) || got.MessageID != r.MessageID {
			t.Errorf("Handle(%s) = %q, want it listed if it failed, but it is %s", r.MessageID, failed, got.Outcome)
		}
		outcomes = append(outcomes, got.Outcome)
	}
	return outcomes
}

// check is handle with the outcomes that are wanted, in their order.
func (w *world) check(t *testing.T, want string, records ...delivery.Record) {
	t.Helper()
	var got []string
	for _, o := range w.handle(t, records...) {
		got = append(got, string(o))
	}
	if diff := diff.Diff(strings.Fields(want), got); diff != "" {
		t.Errorf("outcomes differ (-want +got):\n%s", diff)
	}
}

// row is the row of that key, nil for none.
func (w *world) row(k directory.Key) directory.Row { return w.memory.Rows()[k] }

// live are the keys of the live rows, sorted.
func (w *world) live() (keys []string) {
	for k, r := range w.memory.Rows() {
		if r.Live() {
			keys = append(keys, k.PK+"/"+k.SK)
		}
	}
	slices.Sort(keys)
	return keys
}

func (w *world) checkLive(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(want)
	if diff := diff.Diff(want, w.live()); diff != "" {
		t.Errorf("live rows differ (-want +got):\n%s", diff)
	}
}

// state is what must not depend on order, duplicates and crashes: live rows
// whole, and of deleted users, organizations, roles and permissions the key,
// rev and deleted_at.
func state(rows map[directory.Key]directory.Row) map[directory.Key]directory.Row {
	out := map[directory.Key]directory.Row{}
	for k, r := range rows {
		r = r.Clone()
		delete(r, directory.AttrSyncedAt)
		if r.Live() {
			out[k] = r
			continue
		}
		switch r.Text(directory.AttrKind) {
		case directory.KindUser, directory.KindOrganization, directory.KindRole, directory.KindPermission:
			out[k] = directory.Row{directory.AttrRev: r[directory.AttrRev], directory.AttrDeletedAt: r[directory.AttrDeletedAt]}
		}
	}
	return out
}

// checkInvariants holds the tables to what holds at all times between batches.
func (w *world) checkInvariants(t interface {
	Helper()
	Errorf(string, ...any)
},
) {
	t.Helper()
	rows := w.memory.Rows()
	gone := func(k directory.Key) bool { return rows[k].Gone() }
	for k, r := range rows {
		kind, org, user := r.Text(directory.AttrKind), r.Text("org_id"), r.Text("user_id")
		if r.Key() != k || r.Text(directory.AttrRev) == "" {
			t.Errorf("row %v has key %v and rev %q", k, r.Key(), r.Text(directory.AttrRev))
		}
		if strings.Contains(fmt.Sprint(r), "SECRET") {
			t.Errorf("row %v holds an invitation's url", k)
		}
		if r.Gone() {
			for _, x := range directory.Indexes() {
				if r[x] != nil {
					t.Errorf("tombstone %v is in index %s", k, x)
				}
			}
		}
		if p := directory.Pointer(r); p != nil {
			if got, want := rows[p.Key()] != nil, r.Live(); got != want {
				t.Errorf("pointer of %v is there = %t, want %t", k, got, want)
			} else if got {
				if d := diff.Diff(p, rows[p.Key()]); d != "" {
					t.Errorf("pointer of %v differs (-want +got):\n%s", k, d)
				}
			}
		}
		if r.Live() && org != "" && gone(directory.OrganizationKey(org)) {
			t.Errorf("%s %v outlives its organization", kind, k)
		}
		if r.Live() && kind == directory.KindMembership && gone(directory.UserKey(user)) {
			t.Errorf("%s %v outlives its user", kind, k)
		}
		if kind == directory.KindMembershipOf && !rows[directory.MembershipKey(org, user)].Live() {
			t.Errorf("pointer %v has no live membership", k)
		}
		if kind == directory.KindDomainOf && (!rows[directory.DomainKey(r.Text("id"))].Live() || rows[directory.DomainKey(r.Text("id"))].Text("org_id") != org) {
			t.Errorf("pointer %v has no live domain", k)
		}
	}
}

// permutations are all orders of the records, by Heap's algorithm.
func permutations(records []delivery.Record) (all [][]delivery.Record) {
	var permute func(n int)
	permute = func(n int) {
		if n <= 1 {
			all = append(all, slices.Clone(records))
			return
		}
		for i := range n {
			permute(n - 1)
			j := 0
			if n%2 == 0 {
				j = i
			}
			records[j], records[n-1] = records[n-1], records[j]
		}
	}
	records = slices.Clone(records)
	permute(len(records))
	return all
}

func ids(records []delivery.Record) (out []string) {
	for _, r := range records {
		out = append(out, strings.TrimPrefix(r.MessageID, "sqs-"))
	}
	return out
}
