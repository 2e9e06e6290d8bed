package dynamodb

import (
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/tidwall/btree"
)

// row is one item. It is replaced, never changed, so that an answer can still be
// written from it when the lock is gone.
type row struct {
	packed packed
	size   int // in bytes, of the item
}

// rows are sorted by position, which makes a page of a Query or Scan a range, and
// lets it start after an item that was deleted meanwhile. A tree takes a new row
// among a million as fast as among ten; in a slice half of them would move.
type rows struct{ tree btree.Map[string, row] }

func (r *rows) len() int { return r.tree.Len() }

// at returns the row of that rank, which is less than len.
func (r *rows) at(i int) (position string, x row) {
	position, x, _ = r.tree.GetAt(i)
	return position, x
}

// search returns the rank of the first row at the position or beyond it.
func (r *rows) search(position string) int {
	return sort.Search(r.len(), func(i int) bool {
		at, _ := r.at(i)
		return at >= position
	})
}

// after returns the rank of the first row beyond the position.
func (r *rows) after(position string) int {
	return sort.Search(r.len(), func(i int) bool {
		at, _ := r.at(i)
		return at > position
	})
}

// get returns the item at a position, nil if there is none.
func (r *rows) get(position string) item {
	x, _ := r.tree.Get(position)
	return x.packed.item()
}

// put adds an item, or replaces the one at its position.
func (r *rows) put(position string, it item) {
	r.tree.Set(position, row{it.pack(), it.size()})
}

func (r *rows) remove(position string) { r.tree.Delete(position) }

// copy are rows of their own. Both share what neither has changed since.
func (r *rows) copy() rows { return rows{*r.tree.Copy()} }

// index is a global secondary index. Its rows are what it projects.
type index struct {
	name       string
	key        keySchema
	projection projection
	rows       rows
}

// project is what the index holds of an item of the table.
func (x *index) project(t *table, it item) item {
	if x.projection.ProjectionType == "ALL" {
		return it
	}
	projected := t.key.of(it)
	maps.Copy(projected, x.key.of(it))
	for _, name := range x.projection.NonKeyAttributes {
		if v, ok := it[name]; ok {
			projected[name] = v
		}
	}
	return projected
}

// projects says whether the index holds the named attribute at all.
func (x *index) projects(t *table, name string) bool {
	return x.projection.ProjectionType == "ALL" || t.key.has(name) || x.key.has(name) ||
		slices.Contains(x.projection.NonKeyAttributes, name)
}

// position of an item in the index: its key there, then its key in the table.
func (x *index) position(t *table, it item) string {
	return x.key.position(it) + t.key.position(it)
}

// table is one table: its rows, and its settings as they were asked for.
type table struct {
	name       string
	key        keySchema
	indexes    []*index
	rows       rows
	definition createTableInput
	created    time.Time
	ttl        ttlSpecification
	recovery   bool // point-in-time recovery, which is only remembered
}

// copy is a table of its own with the same rows. It needs the lock of a write:
// the rows that it copies are marked as shared.
func (t *table) copy() *table {
	c := *t
	c.rows = t.rows.copy()
	c.indexes = make([]*index, len(t.indexes))
	for i, x := range t.indexes {
		same := *x
		same.rows = x.rows.copy()
		c.indexes[i] = &same
	}
	return &c
}

// index finds an index of the table by its name.
func (t *table) index(name string) (*index, error) {
	for _, x := range t.indexes {
		if x.name == name {
			return x, nil
		}
	}
	return nil, invalid("The table does not have the specified index: %s", name)
}

// check refuses an item that the table, or one of its indexes, could not hold.
func (t *table) check(it item) error {
	if err := t.key.checkItem(it); err != nil {
		return err
	}
	for name := range it {
		if name == "" || len(name) > 65535 {
			return badParameter("an attribute's name has 1 to 65535 bytes")
		}
	}
	for _, x := range t.indexes {
		if err := x.key.checkValues(it, x.name); err != nil {
			return err
		}
	}
	if it.size() > maxItem {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	return nil
}

// store replaces the item at a position; nil deletes it. Each index loses the old
// item before it gets the new one, whose key there may be another.
func (t *table) store(position string, next item) {
	old := t.rows.get(position)
	for _, x := range t.indexes {
		if old != nil && x.key.in(old) {
			x.rows.remove(x.position(t, old))
		}
		if next != nil && x.key.in(next) {
			x.rows.put(x.position(t, next), x.project(t, next))
		}
	}
	if next == nil {
		t.rows.remove(position)
		return
	}
	t.rows.put(position, next)
}
