package clerkapi

import (
	"github.com/clerksync/clerksync/pkg/clerk"
)

// listing is what a reader must remember of a list to read each object once,
// though the list shifts while it is read. It relies on one thing: created_at,
// by which the list is sorted, never changes.
type listing struct {
	last clerk.Millis // created_at of the last object, 0 before the first
	// seen has the objects of the last page, and all older ones of the
	// same millisecond: among those the order says nothing.
	seen   map[string]clerk.Millis
	recent []string // ids of the last page, oldest first
}

func newListing(from Position) *listing {
	l := &listing{last: from.CreatedAt, seen: map[string]clerk.Millis{}}
	if from.ID != "" {
		l.seen[from.ID], l.recent = from.CreatedAt, []string{from.ID}
	}
	return l
}

// overlaps says whether a page begins with objects that were read before, so
// that none lies between it and them. At the beginning of a list every page does.
func (l *listing) overlaps(objects []clerk.Object) bool {
	if len(l.recent) == 0 {
		return true
	}
	if len(objects) == 0 {
		return false
	}
	created := createdAt(objects[0])
	_, seen := l.seen[objects[0].Text("id")]
	return seen || created > 0 && created < l.last
}

// add remembers a page and returns those of its objects that no page before
// had. An object without a time that can be read is never taken for a known
// one by its time: it is better to return it twice than not at all.
func (l *listing) add(objects []clerk.Object) (added []clerk.Object) {
	ids, newest := make([]string, 0, len(objects)), clerk.Millis(0)
	for _, o := range objects {
		id, created := o.Text("id"), createdAt(o)
		if _, seen := l.seen[id]; !seen && (created == 0 || created >= l.last) {
			added = append(added, o)
		}
		ids, newest = append(ids, id), max(newest, created)
	}
	// After a step back the page may be older than the last one, which then
	// stays what the list goes on from.
	if len(ids) > 0 && (newest == 0 || newest >= l.last) {
		l.recent = ids
	}
	l.last = max(l.last, newest)
	for id, created := range l.seen {
		if created > 0 && created < l.last {
			delete(l.seen, id)
		}
	}
	for i, o := range objects {
		l.seen[ids[i]] = createdAt(o)
	}
	return added
}

// lastID is the id of the last object of the last page.
func (l *listing) lastID() string {
	if len(l.recent) == 0 {
		return ""
	}
	return l.recent[len(l.recent)-1]
}

// createdAt is 0 where the object has no time that can be read.
func createdAt(o clerk.Object) clerk.Millis {
	t, err := o.Time("created_at")
	if err != nil {
		return 0
	}
	return t
}
