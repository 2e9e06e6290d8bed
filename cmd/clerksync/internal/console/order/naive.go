package order

import (
	"maps"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// naive is a handler of webhooks as people write it first, over a map. It is given
// what costs most work: what an event means, the key of its row, and a database
// that deletes the children of a row with it (ON DELETE CASCADE). What is left of
// it is how it bears another order.
type naive struct {
	// compare skips a change whose updated_at is before the row's. Without it, what
	// arrives is written.
	compare bool
	rows    map[directory.Key]projector.Change
}

// handle is the naive webhook handler: a deletion deletes, anything else is put.
func (n *naive) handle(c projector.Change) {
	if c.Delete {
		delete(n.rows, c.Key)
		maps.DeleteFunc(n.rows, func(_ directory.Key, row projector.Change) bool {
			return slices.Contains(row.Parents, c.Key)
		})
		return
	}
	old, ok := n.rows[c.Key]
	if n.compare && ok && updatedAt(c.Row) < updatedAt(old.Row) {
		return
	}
	n.rows[c.Key] = c
}

// updatedAt is the row's updated_at as text of one width, so that it sorts.
func updatedAt(r directory.Row) string {
	n, _ := r["updated_at"].(directory.Number)
	return strings.Repeat("0", max(0, 20-len(n))) + string(n)
}

// runNaive runs the changes in an order and returns the rows in the end, sorted by
// their keys. `rev`, which such a handler does not have, is left out.
func runNaive(compare bool, changes []*projector.Change) []directory.Row {
	n := naive{compare: compare, rows: map[directory.Key]projector.Change{}}
	for _, c := range changes {
		if c != nil {
			n.handle(*c)
		}
	}
	rows := make([]directory.Row, 0, len(n.rows))
	for _, c := range n.rows {
		r := c.Row.Clone()
		delete(r, directory.AttrRev)
		delete(r, directory.AttrSvixID)
		rows = append(rows, r)
	}
	sortByKey(rows)
	return rows
}

// changesOf says what each message means: nil for nothing, where the consumer makes
// a dead letter of it and such a handler would refuse it, too.
func (r *Runner) changesOf(messages []Message) []*projector.Change {
	changes := make([]*projector.Change, len(messages))
	for i, m := range messages {
		e, err := clerk.Decode(m.Body)
		if err != nil {
			continue
		}
		if c, err := r.projector.Project(e, m.SvixID); err == nil {
			changes[i] = &c
		}
	}
	return changes
}
