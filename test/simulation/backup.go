package simulation

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// tear is how far apart the moments may be to which a backup holds two items.
// AWS says only that a transaction may be there in part; the runbook's five minutes
// must be enough for more than it does.
const tear = 40 * time.Second

// change is one change of one item, of which a backup is made.
type change struct {
	at    time.Time
	key   directory.Key
	row   directory.Row          // nil where it was deleted
	entry *directory.LedgerEntry // likewise, of the Deliveries
}

// note keeps a change for the backups, where there are any.
func (m *Memory) note(c change) {
	if m.clock != nil {
		c.at = m.clock()
		m.changes = append(m.changes, c)
	}
}

// restore gives both tables their states of two seconds, each item that of a
// moment of its own shortly before.
func (m *Memory) restore(directoryTo, deliveriesTo time.Time, random *rand.Rand) {
	m.rows, m.ledger = map[directory.Key]directory.Row{}, map[string]directory.LedgerEntry{}
	until := map[directory.Key]time.Time{}
	for _, c := range m.changes {
		isEntry := c.key.SK == ""
		if _, ok := until[c.key]; !ok {
			until[c.key] = directoryTo
			if isEntry {
				until[c.key] = deliveriesTo
			}
			if random.IntN(2) == 0 {
				until[c.key] = until[c.key].Add(-time.Duration(random.Int64N(int64(tear))))
			}
		}
		switch {
		case c.at.After(until[c.key]):
		case c.entry != nil:
			m.ledger[c.key.PK] = *c.entry
		case isEntry:
			delete(m.ledger, c.key.PK)
		case c.row != nil:
			m.rows[c.key] = c.row
		default:
			delete(m.rows, c.key)
		}
	}
	m.index, m.unindexed = maps.Clone(m.rows), nil
}

// deleteRecent deletes the rows that were written since then, with their pointers,
// as docs/examples/recent-keys.jq chooses them.
func (m *Memory) deleteRecent(since string, pointersToo bool) {
	recent, partitions := map[directory.Key]directory.Row{}, map[string]bool{}
	for k, r := range m.rows {
		if r.Text("synced_at") >= since {
			recent[k] = r
			partitions[k.PK] = true
		}
	}
	for k, r := range m.rows { // the pointer of a domain or a role names its row
		names := slices.Contains([]string{"domain_of", "role_key"}, r.Text("kind")) && partitions[k.SK]
		if names && pointersToo {
			delete(m.rows, k)
		}
	}
	for k, r := range recent {
		delete(m.rows, k)
		if r.Text("kind") == directory.KindMembership && pointersToo {
			org, user := strings.TrimPrefix(k.PK, "ORG#"), strings.TrimPrefix(k.SK, "MEMBER#")
			delete(m.rows, directory.Key{PK: "USER#" + user, SK: "MEMBERSHIP#" + org})
		}
	}
	m.index = maps.Clone(m.rows)
}

// writeMissingPointers writes the pointers of live memberships and domains that
// have none, as docs/examples/missing-pointers.jq does.
func (m *Memory) writeMissingPointers() {
	for _, r := range m.rows {
		has := slices.Contains([]string{"membership", "domain"}, r.Text("kind"))
		if p := directory.Pointer(r); has && r.Live() && p != nil && m.rows[p.Key()] == nil {
			m.rows[p.Key()] = p
		}
	}
	m.index = maps.Clone(m.rows)
}
