package dynamodb

import (
	"maps"
	"slices"
	"sort"
	"strings"
	"time"
)

// row is one item at its position. It is replaced, never changed, so that an
// answer can still be written from it when the lock is gone.
type row struct {
	position string
	packed   packed
	size     int // in bytes, of the item
}

// rows are sorted by position, which makes a page of a Query or Scan a slice, and
// lets it start after an item that was deleted meanwhile.
type rows []row

// search returns where the position is or would be.
func (r rows) search(position string) (int, bool) {
	return slices.BinarySearchFunc(r, position, func(x row, position string) int {
		return strings.Compare(x.position, position)
	})
}

// after returns the index of the first row beyond the position.
func (r rows) after(position string) int {
	return sort.Search(len(r), func(i int) bool { return r[i].position > position })
}

// get returns the item at a position, nil if there is none.
func (r rows) get(position string) item {
	if i, ok := r.search(position); ok {
		return r[i].packed.item()
	}
	return nil
}

// put adds a row, or replaces the one at its position.
func (r *rows) put(x row) {
	i, ok := r.search(x.position)
	if ok {
		(*r)[i] = x
		return
	}
	*r = slices.Insert(*r, i, x)
}

func (r *rows) remove(position string) {
	if i, ok := r.search(position); ok {
		*r = slices.Delete(*r, i, i+1)
	}
}

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

// copy is a table of its own with the same rows, each of which is replaced, never
// changed.
func (t *table) copy() *table {
	c := *t
	c.rows = slices.Clone(t.rows)
	c.indexes = make([]*index, len(t.indexes))
	for i, x := range t.indexes {
		same := *x
		same.rows = slices.Clone(x.rows)
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
			projected := x.project(t, next)
			x.rows.put(row{x.position(t, next), projected.pack(), projected.size()})
		}
	}
	if next == nil {
		t.rows.remove(position)
		return
	}
	t.rows.put(row{position, next.pack(), next.size()})
}
