package simulation

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
)

// expectation is what the tables hold when all is done, by the model's fields.
type expectation struct {
	policy consumer.DeletionPolicy
	keys   []directory.Key
	final  map[directory.Key]*message // the greatest of each key
	gone   map[directory.Key]bool     // deleted users and organizations
	former map[directory.Key][]directory.Key
}

func expect(p Plan, messages []*message) (*expectation, error) {
	e := &expectation{
		policy: p.Policy,
		final:  map[directory.Key]*message{},
		gone:   map[directory.Key]bool{},
		former: map[directory.Key][]directory.Key{},
	}
	for _, m := range messages {
		if m.hopeless {
			continue
		}
		if w := e.final[m.key]; w == nil || less(w, m) {
			e.final[m.key] = m
		}
		e.former[m.key] = append(e.former[m.key], m.parents...)
		if m.deletion && (m.key.SK == "USER" || m.key.SK == "ORG") {
			e.gone[m.key] = true
		}
	}
	e.keys = slices.SortedFunc(maps.Keys(e.final), compareKeys)
	return e, e.agreesWithClerk(messages)
}

func compareKeys(a, b directory.Key) int {
	return cmp.Or(cmp.Compare(a.PK, b.PK), cmp.Compare(a.SK, b.SK))
}

// agreesWithClerk holds the order against what Clerk meant: where the last
// thing that Clerk said of a key is a deletion, or was later than all the rest
// by its own updated_at, it is what the order must choose.
func (e *expectation) agreesWithClerk(messages []*message) error {
	last, unclear := map[directory.Key]*message{}, map[directory.Key]bool{}
	for _, m := range messages {
		if m.hopeless || m.again {
			continue
		}
		l := last[m.key]
		if l == nil {
			last[m.key] = m
			continue
		}
		sameLife := l.incarnation == m.incarnation && l.incarnID == m.incarnID
		plain := m.incarnation > l.incarnation || sameLife && !l.deletion && (m.deletion || m.updated > l.updated)
		unclear[m.key] = unclear[m.key] || !plain
		last[m.key] = m
	}
	for k, m := range last {
		if w := e.final[k]; !unclear[k] && string(w.body) != string(m.body) {
			return fmt.Errorf("the order chooses %s for %v, Clerk meant %s", w.svixID, k, m.svixID)
		}
	}
	return nil
}

// undecided says whether a domain's end depends on the order of arrival: it
// moved on from an organization that is deleted, which may have ended it
// before its move was heard of.
func (e *expectation) undecided(k directory.Key) bool {
	if k.SK != "DOMAIN" {
		return false
	}
	w := e.final[k]
	if w.deletion || len(w.parents) > 0 && e.gone[w.parents[0]] {
		return false
	}
	return slices.ContainsFunc(e.former[k], func(p directory.Key) bool { return e.gone[p] })
}

// orphan says whether a parent is gone.
func (e *expectation) orphan(m *message) bool {
	return slices.ContainsFunc(m.parents, func(p directory.Key) bool { return e.gone[p] })
}

// outlived says whether a parent of any message of the key is gone: what is
// kept of it as a tombstone may then depend on the order.
func (e *expectation) outlived(k directory.Key) bool {
	return slices.ContainsFunc(e.former[k], func(p directory.Key) bool { return e.gone[p] })
}

// check compares a row that is there, nil for none, with what should be.
func (e *expectation) check(k directory.Key, there directory.Row) error {
	w := e.final[k]
	if there.Gone() {
		if err := e.checkTombstone(there); err != nil {
			return err
		}
	}
	switch {
	case e.undecided(k) && !there.Live():
		return nil
	case w.deletion:
		switch {
		case there.Live():
			return fmt.Errorf("%v is live after its deletion by %s", k, w.svixID)
		case there == nil && !e.outlived(k):
			return fmt.Errorf("%v has no tombstone", k)
		case !e.outlived(k) && there.Text("rev") != w.rev():
			return fmt.Errorf("rev of the tombstone %v = %s, want %s", k, there.Text("rev"), w.rev())
		case !e.outlived(k) && there.Text("deleted_at") != w.deletedAt():
			return fmt.Errorf("deleted_at of %v = %s, want %s", k, there.Text("deleted_at"), w.deletedAt())
		}
		return nil
	case e.orphan(w):
		if there.Live() {
			return fmt.Errorf("%v is live under a deleted parent", k)
		}
		return nil
	}
	return same(k, there, w.row)
}

// pointers says which pointers of a key there should be, given that the row
// there was found right, and which should not.
func (e *expectation) pointers(k directory.Key, there directory.Row, messages []*message) (want directory.Row, none []directory.Key) {
	if there.Live() {
		want = e.final[k].pointer
	}
	for _, m := range messages {
		if m.key == k && m.pointer != nil && (want == nil || m.pointer.Key() != want.Key()) {
			none = append(none, m.pointer.Key())
		}
	}
	return want, none
}

// checkTombstone holds a tombstone against what its policy leaves.
func (e *expectation) checkTombstone(r directory.Row) error {
	allowed := []string{"pk", "sk", "kind", "rev", "svix_id", "synced_at", "instance_id", "deleted_at"}
	for name := range r {
		if e.policy == consumer.Hard && !slices.Contains(allowed, name) {
			return fmt.Errorf("tombstone %v keeps %s", r.Key(), name)
		}
		if slices.Contains([]string{"by_email", "by_external_id", "by_username", "by_slug"}, name) {
			return fmt.Errorf("tombstone %v is in index %s", r.Key(), name)
		}
	}
	return nil
}

// same compares byte by byte, synced_at aside.
func same(k directory.Key, there, want directory.Row) error {
	if there == nil {
		return fmt.Errorf("%v is missing", k)
	}
	there = there.Clone()
	if there.Text("synced_at") == "" {
		return fmt.Errorf("%v has no synced_at", k)
	}
	delete(there, "synced_at")
	if diff := gocmp.Diff(want, there); diff != "" {
		return fmt.Errorf("%v differs (-want +got):\n%s", k, diff)
	}
	return nil
}
