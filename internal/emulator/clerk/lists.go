package clerk

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// list is a route that lists objects. Its orders and filters are all that Clerk
// documents for it, in words with spaces between them.
type list struct {
	path    string
	kind    string
	orders  string
	filters string // those that this emulator has, see filter
	missing string // those that it lacks
}

const (
	partial = "email_address_query phone_number_query username_query name_query"
	active  = "last_active_at_before last_active_at_after"
	people  = "email_address phone_number first_name last_name username"
)

func lists() []list {
	memberships := list{
		path: "/organization_memberships", kind: directory.KindMembership, orders: people + " created_at",
	}
	ofOrganization := memberships
	ofOrganization.path = "/organizations/{org}/memberships"
	ofOrganization.filters = "user_id role"
	ofOrganization.missing = "query email_address phone_number username web3_wallet " +
		"created_at_before created_at_after " + partial + " " + active
	invitations := list{
		path: "/organization_invitations", kind: directory.KindInvitation, orders: "created_at email_address",
		filters: "status query",
	}
	invitationsOf := invitations
	invitationsOf.path, invitationsOf.filters = "/organizations/{org}/invitations", "status email_address"
	domains := list{
		path: "/organization_domains", kind: directory.KindDomain, orders: "name created_at",
		filters: "organization_id query domains enrollment_mode", missing: "verified",
	}
	domainsOf := domains
	domainsOf.path, domainsOf.filters = "/organizations/{org}/domains", "enrollment_mode"
	roles := list{
		path: "/organization_roles", kind: directory.KindRole, orders: "created_at name key", filters: "query",
	}
	permissions := roles
	permissions.path, permissions.kind = "/organization_permissions", directory.KindPermission
	return []list{
		users(), memberships, ofOrganization, invitations, invitationsOf, domains, domainsOf, roles, permissions, {
			path: "/organizations", kind: directory.KindOrganization, orders: "name created_at members_count",
			filters: "organization_id user_id query include_members_count " +
				"include_missing_member_with_elevated_permissions",
		},
	}
}

func users() list {
	return list{
		path: "/users", kind: directory.KindUser,
		orders: people + " created_at updated_at web3wallet last_active_at last_sign_in_at",
		filters: "user_id external_id email_address username organization_id query banned " +
			"created_at_before created_at_after starting_after",
		missing: "phone_number web3_wallet last_active_at_since last_sign_in_at_before last_sign_in_at_after " +
			"provider provider_user_id " + partial + " " + active,
	}
}

// userCount takes the filters of users, and has no pages.
func userCount() list {
	l := users()
	l.path, l.filters = "/users/count", strings.Replace(l.filters, " starting_after", "", 1)
	return l
}

// list answers with one page.
func (c *call) list(l list) (any, *apiError) {
	if err := c.checkEnabled(l.kind); err != nil {
		return nil, err
	}
	s, err := c.selection(l)
	if err != nil {
		return nil, err
	}
	bare := l.kind == directory.KindUser
	if s.cursor != "" {
		// Where the cursor's user is not there, Clerk's answer is not documented.
		if s.after = c.store.get(l.kind, s.cursor, c.at); s.after == nil {
			return nil, &apiError{c.o.GoneCursor, "resource_not_found", "not found", "starting_after"}
		}
	}
	page, total := c.page(l.kind, s, !bare)
	data := make([]json.RawMessage, len(page))
	for i, o := range page {
		data[i] = c.show(l.kind, o, l.path == "/organization_invitations")
	}
	if bare {
		return data, nil
	}
	return struct {
		Data  []json.RawMessage `json:"data"`
		Total int               `json:"total_count"`
	}{data, total}, nil
}

// show is an object as the API has it. What only webhooks have is left out, and
// so is what an organization has only when it is asked for.
func (c *call) show(kind string, o *object, withOrganization bool) json.RawMessage {
	data, _ := clerk.ParseObject([]byte(o.data))
	counts := []string{"members_count", "pending_invitations_count", "missing_member_with_elevated_permissions"}
	switch kind {
	case directory.KindUser:
		return json.RawMessage(data.Without([]string{"scim"}, nil))
	case directory.KindMembership:
		return json.RawMessage(data.Without(nil, counts))
	case directory.KindInvitation:
		text := data.Without([]string{"user_id", "public_organization_data"}, nil)
		if withOrganization {
			text = text[:len(text)-1] + `,"public_organization_data":` + c.publicData(o.org) + "}"
		}
		return json.RawMessage(text)
	case directory.KindOrganization:
		query := c.request.URL.Query()
		if query.Get("include_members_count") == "true" {
			counts = counts[2:]
		}
		if query.Get("include_missing_member_with_elevated_permissions") == "true" {
			counts = counts[:len(counts)-1]
		}
		return json.RawMessage(data.Without(counts, nil))
	}
	return json.RawMessage(o.data)
}

// publicData is what an invitation shows of its organization.
func (c *call) publicData(org string) string {
	o := c.store.get(directory.KindOrganization, org, c.at)
	if o == nil {
		return "null"
	}
	data, _ := clerk.ParseObject([]byte(o.data))
	var members []string
	for _, name := range []string{"id", "name", "slug", "has_image", "image_url"} {
		if raw := data.Raw(name); raw != nil {
			members = append(members, `"`+name+`":`+string(raw))
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// list returns the objects of a kind at a time, sorted by compare. The caller may
// change the list.
func (s *store) list(kind string, at time.Time) []*object {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.sorted(kind, at))
}

// span is a part of a list that is sorted by compare, or the other way round.
type span struct {
	descending bool
	after      *object // the last one before it, nil for the beginning of the list
	offset, n  int     // leave out so many, and take so many at most
}

// part returns a part of the objects of a kind at a time, and how many there are
// in all. It costs what it returns, however long the list is.
func (s *store) part(kind string, at time.Time, p span) (part []*object, total int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := s.sorted(kind, at)
	begin, end := 0, len(list)
	if p.after != nil {
		i, found := slices.BinarySearchFunc(list, p.after, compare)
		switch {
		case p.descending:
			end = i
		case found:
			begin = i + 1
		default:
			begin = i
		}
	}
	if p.descending {
		end = max(begin, end-p.offset)
		part = slices.Clone(list[max(begin, end-p.n):end])
		slices.Reverse(part)
		return part, len(list)
	}
	begin = min(end, begin+p.offset)
	return slices.Clone(list[begin:min(end, begin+p.n)]), len(list)
}

// sorted is the list itself. s.mu is held, and nobody may change it.
func (s *store) sorted(kind string, at time.Time) []*object {
	if at.Equal(newest()) {
		return s.live[kind]
	}
	var list []*object
	for _, versions := range s.history[kind] {
		if o := latest(versions, at); o != nil {
			list = append(list, o)
		}
	}
	slices.SortFunc(list, compare)
	return list
}
