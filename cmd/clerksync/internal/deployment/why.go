package deployment

import (
	"context"
	"fmt"
	"strings"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
)

// WhyDelivery says for people why a message came out as its row of the Deliveries
// table says, by a look at the row that it was about. What the message itself said
// is not kept, so of a stale one it is known who won, and not by which field.
func (r *Rows) WhyDelivery(ctx context.Context, delivery Record) (string, error) {
	outcome, entity := delivery.Text("outcome"), delivery.Text("entity")
	if outcome == string(consumer.Dead) {
		return delivery.Text("reason"), nil
	}
	var row Record
	if k, ok := KeyOf(entity); ok {
		rows, err := r.Get(ctx, k)
		if err != nil {
			return "", err
		}
		if len(rows) == 0 {
			return "there is no row of " + entity + " any more", nil
		}
		row = rows[0]
	}
	now := directory.Revision(row.Text(directory.AttrRev)).Describe()
	switch {
	case outcome == string(consumer.Stale) && row == nil:
		return "the row was newer when it came", nil
	case outcome == string(consumer.Stale):
		return "the row was newer when it came; now it is: " + now, nil
	case row == nil:
		return "its change was written", nil
	case row.Text(directory.AttrSvixID) == delivery.Text("svix_id"):
		return "its change is what the row has now", nil
	}
	return "its change was written, and another came later: " + now, nil
}

// KeyOf is the key of the row that an entity of the Deliveries table is about. It is
// not ok for an invitation, whose key holds an organization that the entity lacks.
func KeyOf(entity string) (k directory.Key, ok bool) {
	kind, id, _ := strings.Cut(entity, "/")
	if kind == directory.KindMembership {
		organization, user, found := strings.Cut(id, "/")
		return directory.MembershipKey(organization, user), found
	}
	key, ok := map[string]func(string) directory.Key{
		directory.KindUser: directory.UserKey, directory.KindOrganization: directory.OrganizationKey,
		directory.KindDomain: directory.DomainKey, directory.KindRole: directory.RoleKey,
		directory.KindPermission: directory.PermissionKey,
	}[kind]
	if !ok || id == "" {
		return k, false
	}
	return key(id), true
}

// Fact is something that people ask of a row, in words.
type Fact struct{ Name, Text string }

// maxMemberships bounds how many memberships of a user are named among the facts.
const maxMemberships = 20

// Facts are what people ask first of a user or an organization: who it is, whether
// it is live, what it belongs to, and what made the row. Of other rows there are
// none.
func (r *Rows) Facts(ctx context.Context, row Record) (facts []Fact, err error) {
	add := func(name, text string) {
		if text != "" {
			facts = append(facts, Fact{name, text})
		}
	}
	switch row.Text(directory.AttrKind) {
	case directory.KindUser:
		add("name", strings.TrimSpace(row.Text("first_name")+" "+row.Text("last_name")))
		email := row.Text("email")
		if verified, known := row["email_verified"].(bool); known && email != "" {
			email += map[bool]string{true: ", verified", false: ", not verified"}[verified]
		}
		add("e-mail", email)
	case directory.KindOrganization:
		add("name", row.Text("name"))
		add("slug", row.Text("slug"))
	default:
		return nil, nil
	}
	state := "live"
	if row.Deleted() {
		state = "deleted " + row.Text(directory.AttrDeletedAt)
	}
	add("state", state)
	if row.Text(directory.AttrKind) == directory.KindUser {
		memberships, err := r.Memberships(ctx, row.ID())
		if err != nil {
			return nil, err
		}
		for _, m := range memberships[:min(len(memberships), maxMemberships)] {
			text, err := r.describeMembership(ctx, m)
			if err != nil {
				return nil, err
			}
			add("member", text)
		}
		if n := len(memberships) - maxMemberships; n > 0 {
			add("member", fmt.Sprintf("and of %d more", n))
		}
	}
	add("last change", directory.Revision(row.Text(directory.AttrRev)).Describe())
	return facts, nil
}

// describeMembership names the organization, whose row may come later than the
// membership.
func (r *Rows) describeMembership(ctx context.Context, m Record) (string, error) {
	id := m.Text("org_id")
	rows, err := r.Get(ctx, directory.OrganizationKey(id))
	if err != nil {
		return "", err
	}
	name := id
	if len(rows) > 0 && rows[0].Text("name") != "" {
		name = rows[0].Text("name") + " (" + id + ")"
	}
	return m.Text("role") + " of " + name, nil
}
