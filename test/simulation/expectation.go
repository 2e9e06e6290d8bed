package simulation

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// expectation is what the tables should hold when all is done, by the fields of
// the model's messages.
type expectation struct {
	policy   consumer.DeletionPolicy
	storage  []projector.ObjectStorage    // one of which the row is of
	keys     []directory.Key              // of all rows, sorted
	winner   map[directory.Key]*message   // the greatest message of each key
	deleted  map[directory.Key]bool       // users and organizations
	messages map[directory.Key][]*message // of each key, those that can be applied
	restored bool                         // the tables were restored from a backup meanwhile
}

func expect(p Plan, messages []*message) (*expectation, error) {
	e := &expectation{
		policy:   p.Policy,
		storage:  []projector.ObjectStorage{p.Storage},
		winner:   map[directory.Key]*message{},
		deleted:  map[directory.Key]bool{},
		messages: map[directory.Key][]*message{},
		restored: p.Restores,
	}
	if p.Mixed { // a soft deletion leaves more than a hard one
		e.policy, e.storage = consumer.Soft, objectStorages()
	}
	for _, m := range messages {
		if m.invalid {
			continue
		}
		if w := e.winner[m.key]; w == nil || less(w, m) {
			e.winner[m.key] = m
		}
		e.messages[m.key] = append(e.messages[m.key], m)
		if m.deletion && (m.key.SK == "USER" || m.key.SK == "ORG") {
			e.deleted[m.key] = true
		}
	}
	e.keys = slices.SortedFunc(maps.Keys(e.winner), compareKeys)
	return e, e.agreesWithClerk(messages)
}

func compareKeys(a, b directory.Key) int {
	return cmp.Or(cmp.Compare(a.PK, b.PK), cmp.Compare(a.SK, b.SK))
}

// agreesWithClerk compares the order with what Clerk meant: where Clerk's last
// event about a key is a deletion, or is later than all the others by Clerk's
// own updated_at, it must be the winner.
func (e *expectation) agreesWithClerk(messages []*message) error {
	last, unclear := map[directory.Key]*message{}, map[directory.Key]bool{}
	for _, m := range messages {
		if m.invalid || m.repeated {
			continue
		}
		if l := last[m.key]; l != nil {
			sameIncarnation := l.incarnation == m.incarnation && l.incarnationID == m.incarnationID
			decided := m.incarnation > l.incarnation ||
				sameIncarnation && !l.deletion && (m.deletion || m.updated > l.updated)
			unclear[m.key] = unclear[m.key] || !decided
		}
		last[m.key] = m
	}
	for k, m := range last {
		if w := e.winner[k]; !unclear[k] && string(w.body) != string(m.body) {
			return fmt.Errorf("the order chooses %s for %v, Clerk meant %s", w.svixID, k, m.svixID)
		}
	}
	return nil
}

func (e *expectation) anyDeleted(keys []directory.Key) bool {
	return slices.ContainsFunc(keys, func(k directory.Key) bool { return e.deleted[k] })
}

// hadDeletedParent says whether any message of the key has a parent that is
// deleted: what its tombstone holds may then depend on the order of arrival.
func (e *expectation) hadDeletedParent(k directory.Key) bool {
	return slices.ContainsFunc(e.messages[k], func(m *message) bool { return e.anyDeleted(m.parents) })
}

// undecided says whether the end of a domain depends on the order of arrival:
// it has moved away from an organization that is deleted, whose deletion may
// have deleted the domain before the move arrived.
func (e *expectation) undecided(k directory.Key) bool {
	w := e.winner[k]
	return k.SK == "DOMAIN" && !w.deletion && !e.anyDeleted(w.parents) && e.hadDeletedParent(k)
}

// survivesRestoration says whether a domain may be live though its winner's
// organization is deleted: another message has it in an organization that is not,
// or in none, and the tables were restored. The runbook deletes the rows of the last minutes
// before the backup, and so the domain's tombstone, while the ledger still has
// the winner: a late message, stale until then, may now be the only one.
func (e *expectation) survivesRestoration(k directory.Key) bool {
	return e.restored && k.SK == "DOMAIN" && e.anyDeleted(e.winner[k].parents) &&
		slices.ContainsFunc(e.messages[k], func(m *message) bool { return !m.deletion && !e.anyDeleted(m.parents) })
}

// pointers returns the pointer that should be there, given that the key's row
// is right, and the keys of former pointers, which should not.
func (e *expectation) pointers(k directory.Key, row directory.Row, messages []*message) (
	want directory.Row, none []directory.Key,
) {
	switch {
	case row.Live() && e.survivesRestoration(k):
		want = directory.Pointer(row)
		delete(want, directory.AttrSyncedAt) // no message tells it
	case row.Live():
		want = e.winner[k].pointer
	}
	for _, m := range messages {
		if m.key == k && m.pointer != nil && (want == nil || m.pointer.Key() != want.Key()) {
			none = append(none, m.pointer.Key())
		}
	}
	return want, none
}
