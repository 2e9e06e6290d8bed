package clerk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

func (o *object) parsed() clerk.Object {
	p, _ := clerk.ParseObject([]byte(o.data))
	return p
}

func (o *object) text(name string) string { return o.parsed().Text(name) }

// all are the strings of one member in each object of a list.
func (o *object) all(list, name string) (values []string) {
	for _, element := range o.parsed().Objects(list) {
		values = append(values, element.Text(name))
	}
	return values
}

// sortKey is what an order compares: times and numbers as digits of one
// length, everything else as text without regard to case.
func (o *object) sortKey(order string) string {
	p := o.parsed()
	if person := p.Object("public_user_data"); person.Has("user_id") {
		p = person // the orders of memberships are by their users
	}
	switch order {
	case "email_address", "phone_number", "web3wallet":
		lists := map[string]string{
			"email_address": "email_addresses", "phone_number": "phone_numbers", "web3wallet": "web3_wallets",
		}
		if values := o.all(lists[order], strings.Replace(order, "web3wallet", "web3_wallet", 1)); len(values) > 0 {
			return strings.ToLower(values[0])
		}
		return strings.ToLower(p.Text(order) + p.Text("identifier"))
	case "updated_at", "last_active_at", "last_sign_in_at":
		t, _ := p.Time(order)
		return fmt.Sprintf("%020d", t)
	case "members_count":
		n, _ := p.Integer(order)
		return fmt.Sprintf("%020d", n)
	}
	return strings.ToLower(p.Text(order))
}

// matchesQuery is Clerk's search: ids exactly, other members in part. Those that
// count depend on the kind.
func (o *object) matchesQuery(kind, query string) bool {
	partial := []string{"name", "slug"}
	switch kind {
	case directory.KindUser:
		partial = []string{"username", "first_name", "last_name"}
	case directory.KindRole, directory.KindPermission:
		partial = []string{"name", "key"}
	case directory.KindInvitation:
		partial = []string{"email_address"}
	case directory.KindDomain:
		if strings.HasPrefix(query, "org_") {
			return o.org == query
		}
		partial = []string{"name"}
	}
	values := o.all("email_addresses", "email_address")
	for _, name := range partial {
		values = append(values, o.text(name))
	}
	return o.id == query || slices.ContainsFunc(values, func(v string) bool {
		return strings.Contains(strings.ToLower(v), strings.ToLower(query))
	})
}
