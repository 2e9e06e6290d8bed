package projector

import (
	"fmt"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// place is where an object's row lies and what it hangs on.
type place struct {
	key         directory.Key
	entity      string
	incarnation directory.Incarnation
	ids         directory.Row   // the attributes that hold the ids of the key
	parents     []directory.Key // rows that it cannot outlive
}

// byID places what is found by its own id alone.
func byID(key func(id string) directory.Key, entity string) func(clerk.Object, bool) (place, error) {
	return func(data clerk.Object, _ bool) (place, error) {
		id, err := need(data, "id")
		return place{
			key:         key(id),
			entity:      entity + "/" + id,
			incarnation: directory.NoIncarnation,
			ids:         directory.Row{"id": id},
		}, err
	}
}

func placeMembership(data clerk.Object, _ bool) (place, error) {
	id, err := need(data, "id")
	if err != nil {
		return place{}, err
	}
	org := data.Object("organization").Text("id")
	user := data.Object("public_user_data").Text("user_id")
	switch {
	case org == "":
		return place{}, hopeless("data.organization.id is missing")
	case user == "":
		return place{}, hopeless("data.public_user_data.user_id is missing")
	case !data.Has("created_at"):
		return place{}, hopeless("data.created_at is missing")
	}
	created, err := data.Time("created_at")
	if err != nil {
		return place{}, hopeless("data." + err.Error())
	}
	return place{
		key:         directory.MembershipKey(org, user),
		entity:      fmt.Sprintf("membership/%s/%s", org, user),
		incarnation: directory.NewIncarnation(int64(created), id),
		ids:         directory.Row{"id": id, "org_id": org, "user_id": user},
		parents:     []directory.Key{directory.OrganizationKey(org), directory.UserKey(user)},
	}, nil
}

func placeInvitation(data clerk.Object, _ bool) (place, error) {
	id, err := need(data, "id")
	if err != nil {
		return place{}, err
	}
	org, err := need(data, "organization_id")
	return place{
		key:         directory.InvitationKey(org, id),
		entity:      "invitation/" + id,
		incarnation: directory.NoIncarnation,
		ids:         directory.Row{"id": id, "org_id": org},
		parents:     []directory.Key{directory.OrganizationKey(org)},
	}, err
}

// placeDomain places a domain; its deletion names no organization, and a
// domain may have none.
func placeDomain(data clerk.Object, deleted bool) (place, error) {
	id, err := need(data, "id")
	p := place{
		key:         directory.DomainKey(id),
		entity:      "domain/" + id,
		incarnation: directory.NoIncarnation,
		ids:         directory.Row{"id": id},
	}
	if org := data.Text("organization_id"); org != "" && !deleted {
		p.ids["org_id"] = org
		p.parents = []directory.Key{directory.OrganizationKey(org)}
	}
	return p, err
}

func need(data clerk.Object, name string) (string, error) {
	if id := data.Text(name); id != "" {
		return id, nil
	}
	return "", hopeless("data." + name + " is missing, empty or no text")
}
