package clerk

import (
	"cmp"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// selection says which objects of a list a page holds.
type selection struct {
	limit, offset int
	order         string
	descending    bool
	cursor        string
	after         *object // the cursor's
	filters       []func(*object) bool
}

const (
	defaultLimit = 10
	maxLimit     = 500
	maxValues    = 100 // of one parameter
)

// selection reads the parameters of a list.
func (c *call) selection(l list) (*selection, *apiError) {
	q, s := c.request.URL.Query(), &selection{limit: defaultLimit, order: "created_at", descending: true}
	filters := strings.Fields(l.filters)
	for name, values := range q {
		switch {
		case slices.Contains([]string{"limit", "offset", "order_by", "__clerk_api_version"}, name):
		case slices.Contains(strings.Fields(l.missing), name):
			return nil, &apiError{501, "not_in_emulator", "This emulator has no such filter", name}
		case !slices.Contains(filters, name):
			return nil, invalid(name, "is no parameter of this route")
		case len(values) > maxValues:
			return nil, invalid(name, "has more than 100 values")
		}
	}
	var err *apiError
	if s.limit, err = number(q, "limit", defaultLimit, 1, maxLimit); err != nil {
		return nil, err
	}
	if s.offset, err = number(q, "offset", 0, 0, 1<<31-1); err != nil {
		return nil, err
	}
	if err := s.readOrder(q, l); err != nil {
		return nil, err
	}
	if s.cursor = q.Get("starting_after"); s.cursor != "" && (s.order != "created_at" || s.offset > 0) {
		return nil, invalid("starting_after", "needs the order created_at and no offset")
	}
	if c.org != "" {
		s.filters = append(s.filters, func(o *object) bool { return o.org == c.org })
	}
	for _, name := range filters {
		if values := q[name]; len(values) > 0 {
			f, err := c.filter(l.kind, name, values)
			if err != nil {
				return nil, err
			}
			s.filters = append(s.filters, f)
		}
	}
	return s, nil
}

// number is a parameter that is a whole number between two bounds.
func number(q url.Values, name string, standard, least, most int) (int, *apiError) {
	if !q.Has(name) {
		return standard, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	switch {
	case err != nil:
		return 0, malformed(name)
	case n < least || n > most:
		return 0, invalid(name, "is out of bounds")
	}
	return n, nil
}

// readOrder reads order_by, of which only the first counts. A literal + in a
// query is a space.
func (s *selection) readOrder(q url.Values, l list) *apiError {
	if !q.Has("order_by") {
		return nil
	}
	order := q.Get("order_by")
	s.order = strings.TrimLeft(order, "+-")
	s.descending = strings.HasPrefix(order, "-")
	if !slices.Contains(strings.Fields(l.orders), s.order) {
		return invalid("order_by", "is no order of this route")
	}
	return nil
}

// page returns the objects of a page and, if it is wanted, how many the filters
// leave.
func (c *call) page(kind string, s *selection, wantTotal bool) (page []*object, total int) {
	if len(s.filters) == 0 && s.order == "created_at" {
		return c.store.part(kind, c.at, s.span(s.after, s.offset, s.limit))
	}
	for o := range c.sorted(kind, s) {
		if slices.ContainsFunc(s.filters, func(f func(*object) bool) bool { return !f(o) }) {
			continue
		}
		if total++; total > s.offset && len(page) < s.limit {
			page = append(page, o)
		}
		if len(page) == s.limit && !wantTotal {
			break
		}
	}
	return page, total
}

func (s *selection) span(after *object, offset, n int) span {
	return span{descending: s.descending, after: after, offset: offset, n: n}
}

// sorted goes through the objects of a kind in the order of the selection, from
// its cursor on. Lists are kept in one order: any other costs the whole list.
func (c *call) sorted(kind string, s *selection) iter.Seq[*object] {
	if s.order != "created_at" {
		list := c.store.list(kind, c.at)
		slices.SortStableFunc(list, func(a, b *object) int {
			return cmp.Compare(a.sortKey(s.order), b.sortKey(s.order))
		})
		if s.descending {
			slices.Reverse(list)
		}
		return slices.Values(list)
	}
	return func(yield func(*object) bool) {
		for after := s.after; ; {
			part, _ := c.store.part(kind, c.at, s.span(after, 0, maxLimit))
			for _, o := range part {
				if !yield(o) {
					return
				}
			}
			if len(part) < maxLimit {
				return
			}
			after = part[len(part)-1]
		}
	}
}

// filter is the condition that one parameter sets. Values that Clerk does not
// know are ignored without a word, as long as it knows one.
func (c *call) filter(kind, name string, values []string) (func(*object) bool, *apiError) {
	switch name {
	case "created_at_before", "created_at_after":
		bound, err := strconv.ParseInt(values[0], 10, 64)
		if err != nil {
			return nil, malformed(name)
		}
		wanted := map[bool]int{true: -1, false: 1}[name == "created_at_before"]
		return func(o *object) bool {
			got := cmp.Compare(o.created, clerk.Millis(bound))
			return got == wanted || got == 0 && c.o.InclusiveBounds
		}, nil
	case "query":
		if strings.TrimSpace(values[0]) == "" {
			return nil, invalid(name, "is empty")
		}
		return func(o *object) bool { return o.matchesQuery(kind, values[0]) }, nil
	case "starting_after", "include_members_count", "include_missing_member_with_elevated_permissions":
		return func(*object) bool { return true }, nil
	case "banned":
		return func(o *object) bool { return string(o.parsed().Raw("banned")) == values[0] }, nil
	}
	return oneOf(values, func(value string) func(*object) bool { return c.has(kind, name, value) }), nil
}

// oneOf is a filter by several values: + includes and - excludes.
func oneOf(values []string, has func(string) func(*object) bool) func(*object) bool {
	var included, excluded []func(*object) bool
	for _, v := range values {
		if value, not := strings.CutPrefix(v, "-"); not {
			excluded = append(excluded, has(value))
			continue
		}
		included = append(included, has(strings.TrimPrefix(v, "+")))
	}
	return func(o *object) bool {
		matches := func(f func(*object) bool) bool { return f(o) }
		return !slices.ContainsFunc(excluded, matches) &&
			(len(included) == 0 || slices.ContainsFunc(included, matches))
	}
}

// has says whether an object has one value of a parameter.
func (c *call) has(kind, name, value string) func(*object) bool {
	switch {
	case kind == directory.KindMembership && name == "user_id":
		return func(o *object) bool { return o.user == value }
	case name == "user_id" && kind == directory.KindOrganization:
		return func(o *object) bool { return c.store.get(directory.KindMembership, o.id+"/"+value, c.at) != nil }
	case name == "organization_id" && kind == directory.KindUser:
		return func(o *object) bool { return c.store.get(directory.KindMembership, value+"/"+o.id, c.at) != nil }
	case name == "organization_id" && kind == directory.KindDomain:
		return func(o *object) bool { return o.org == value }
	case name == "user_id" || name == "organization_id":
		return func(o *object) bool { return o.id == value }
	case name == "domains":
		return func(o *object) bool { return o.text("name") == value }
	case name == "email_address" && kind == directory.KindUser:
		return func(o *object) bool { return slices.Contains(o.all("email_addresses", "email_address"), value) }
	}
	return func(o *object) bool { return o.text(name) == value } // external_id, username, role, status ...
}
