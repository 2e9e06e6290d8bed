package projector

import (
	"fmt"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// identity says which row an object belongs to.
type identity struct {
	key         directory.Key
	entity      string // Change.Entity
	incarnation directory.Incarnation
	ids         directory.Row   // the attributes that hold the ids of the key
	parents     []directory.Key // rows that it must not outlive
}

// byID identifies what is found by its own id alone.
func byID(entity string, key func(id string) directory.Key) func(clerk.Object, bool) (identity, error) {
	return func(data clerk.Object, _ bool) (identity, error) {
		id, err := requireID(data, "id")
		return identity{
			key:         key(id),
			entity:      entity + "/" + id,
			incarnation: directory.NoIncarnation,
			ids:         directory.Row{"id": id},
		}, err
	}
}

// identifyMembership identifies a membership by its organization and its user.
// A user who is removed and added again gets a new membership, with a new id
// and created_at, in the same row: these two tell its incarnations apart, so
// without them no order could be decided.
func identifyMembership(data clerk.Object, _ bool) (identity, error) {
	id, err := requireID(data, "id")
	if err != nil {
		return identity{}, err
	}
	org := data.Object("organization").Text("id")
	user := data.Object("public_user_data").Text("user_id")
	switch {
	case org == "":
		return identity{}, permanent("data.organization.id is missing")
	case user == "":
		return identity{}, permanent("data.public_user_data.user_id is missing")
	case !data.Has("created_at"):
		return identity{}, permanent("data.created_at is missing")
	}
	created, err := data.Time("created_at")
	if err != nil {
		return identity{}, permanent("data." + err.Error())
	}
	return identity{
		key:         directory.MembershipKey(org, user),
		entity:      fmt.Sprintf("membership/%s/%s", org, user),
		incarnation: directory.NewIncarnation(int64(created), id),
		ids:         directory.Row{"id": id, "org_id": org, "user_id": user},
		parents:     []directory.Key{directory.OrganizationKey(org), directory.UserKey(user)},
	}, nil
}

func identifyInvitation(data clerk.Object, _ bool) (identity, error) {
	id, err := requireID(data, "id")
	if err != nil {
		return identity{}, err
	}
	org, err := requireID(data, "organization_id")
	return identity{
		key:         directory.InvitationKey(org, id),
		entity:      "invitation/" + id,
		incarnation: directory.NoIncarnation,
		ids:         directory.Row{"id": id, "org_id": org},
		parents:     []directory.Key{directory.OrganizationKey(org)},
	}, err
}

// identifyDomain identifies a domain by its own id, for its deletion names no
// organization, and a domain may have none.
func identifyDomain(data clerk.Object, deleted bool) (identity, error) {
	domain, err := byID("domain", directory.DomainKey)(data, deleted)
	if org := data.Text("organization_id"); org != "" && !deleted {
		domain.ids["org_id"] = org
		domain.parents = []directory.Key{directory.OrganizationKey(org)}
	}
	return domain, err
}

func requireID(data clerk.Object, name string) (string, error) {
	if id := data.Text(name); id != "" {
		return id, nil
	}
	return "", permanent("data." + name + " is missing, empty or not a text")
}
