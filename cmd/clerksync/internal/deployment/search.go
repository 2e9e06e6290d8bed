package deployment

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/pkg/directory"
)

// Filter says which rows of the Directory table a listing has.
type Filter struct {
	Kind    string // one of directory's kinds or AnyPointer, "" for all but pointers
	Query   string // what a row is found by (see match), "" for every row
	Deleted bool   // tombstones too
}

// AnyPointer is the kind of all rows that only point to others.
const AnyPointer = "pointer"

// HasKind says whether the filter lets rows of a kind through. Pointers repeat what
// they point to, so they show where they are asked for.
func (f Filter) HasKind(kind string) bool {
	isPointer := slices.Contains([]string{
		directory.KindMembershipOf, directory.KindDomainOf, directory.KindRoleByKey,
	}, kind)
	switch f.Kind {
	case "":
		return !isPointer
	case AnyPointer:
		return isPointer
	}
	return kind == f.Kind
}

// match is how well a row fits a filter.
type match int

const (
	noMatch match = iota
	prefixMatch
	exactMatch
)

// match compares what a row is known by with the query, without regard to upper
// and lower case, as people type. Ids of other objects do not count: a user's id
// finds the user and not each membership.
func (f Filter) match(row Record) match {
	if !f.Deleted && row.Deleted() || !f.HasKind(row.Text(directory.AttrKind)) {
		return noMatch
	}
	if f.Query == "" {
		return exactMatch
	}
	query, best := strings.ToLower(f.Query), noMatch
	for _, name := range []string{
		row.ID(), row.Text(directory.AttrPK), row.Text("email"), row.Text("username"),
		row.Text("external_id"), row.Text("slug"), row.Text("key"),
	} {
		switch value := strings.ToLower(name); {
		case value == query:
			return exactMatch
		case strings.HasPrefix(value, query):
			best = prefixMatch
		}
	}
	for _, name := range []string{ // several may share them
		row.Text("name"), row.Text("first_name") + " " + row.Text("last_name"), row.Text("last_name"),
		row.Text("email_address"),
	} {
		if strings.HasPrefix(strings.ToLower(name), query) {
			best = prefixMatch
		}
	}
	return best
}

// Lookup returns the rows that the query names exactly, of whatever kind: by the
// ids of what has a key of its own, and by the indexes. It costs a few read units
// in a table of any size. Indexes have live rows alone, so a tombstone is found by
// its id. With an error it returns what was found: ids may be asked for where indexes
// may not.
func (r *Rows) Lookup(ctx context.Context, f Filter) (found []Record, err error) {
	if f.Query == "" {
		return nil, nil
	}
	keys := []directory.Key{
		directory.UserKey(f.Query), directory.OrganizationKey(f.Query), directory.RoleKey(f.Query),
		directory.PermissionKey(f.Query), directory.DomainKey(f.Query),
	}
	for _, k := range keys {
		rows, err := r.Get(ctx, k)
		if err != nil {
			return nil, err
		}
		found = append(found, rows...)
	}
	for _, index := range directory.Indexes() {
		value := f.Query
		if index == "by_email" {
			value = directory.FoldEmail(value)
		}
		if len(value) > directory.MaxIndexKey {
			continue // DynamoDB would refuse it
		}
		rows, failed := r.findIndexed(ctx, index, value)
		if failed != nil {
			err = failed
			break
		}
		found = append(found, rows...)
	}
	found = slices.DeleteFunc(found, func(row Record) bool {
		return !f.Deleted && row.Deleted() || !f.HasKind(row.Text(directory.AttrKind))
	})
	slices.SortFunc(found, func(a, b Record) int {
		return cmp.Or(strings.Compare(a.Key().PK, b.Key().PK), strings.Compare(a.Key().SK, b.Key().SK))
	})
	return slices.CompactFunc(found, func(a, b Record) bool { return a.Key() == b.Key() }), err
}

// ID is the id of the object; of a tombstone that has no more than its key, the one
// in there.
func (r Record) ID() string {
	_, child, isChild := strings.Cut(r.Text(directory.AttrSK), "#")
	_, own, _ := strings.Cut(r.Text(directory.AttrPK), "#")
	if isChild {
		own = child
	}
	return cmp.Or(r.Text("id"), own)
}
