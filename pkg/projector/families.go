package projector

import (
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// family says how the objects of one family of event types become rows.
type family struct {
	kind    string
	project func(clerk.Object, directory.Row)

	// place finds the row. data is a stub for deletions, save those of
	// memberships, which carry the whole object.
	place func(data clerk.Object, deleted bool) (place, error)

	// wholeDeletion says that a deletion carries the whole object, no stub.
	wholeDeletion bool
	// secret is a member of data that is a credential and never stored.
	secret string
	// readFirst asks that every write is made on the condition that the row
	// is unchanged since it was read, for what hangs on it may have moved.
	readFirst bool
	// ends says which rows below a deleted row's key are its children.
	ends Children
}

// families is the table of what becomes a row, by the family's name in
// clerk.KeptFamilies, which lists its event types. To keep another family, add
// it there, an entry here, and a sample of each event in events/clerk; a test
// holds the two lists equal.
func families() map[string]family {
	return map[string]family{
		"user": {
			kind: directory.KindUser, project: projectUser, place: byID(directory.UserKey, "user"),
			ends: MembershipsOfUser,
		},
		"organization": {
			kind: directory.KindOrganization, project: projectOrganization,
			place: byID(directory.OrganizationKey, "organization"), ends: AllOfOrganization,
		},
		"organizationMembership": {
			kind: directory.KindMembership, project: projectMembership, place: placeMembership, wholeDeletion: true,
		},
		"organizationInvitation": {
			kind: directory.KindInvitation, project: projectInvitation, place: placeInvitation, secret: "url",
		},
		"organizationDomain": {
			kind: directory.KindDomain, project: projectDomain, place: placeDomain, readFirst: true,
		},
		"role": {kind: directory.KindRole, project: projectRole, place: byID(directory.RoleKey, "role")},
		"permission": {
			kind: directory.KindPermission, project: projectPermission,
			place: byID(directory.PermissionKey, "permission"),
		},
	}
}

// index finds the family of a kept event type.
type index map[string]*family

func newIndex() index {
	x := index{}
	byName := families()
	for _, kept := range clerk.KeptFamilies() {
		f := byName[kept.Name]
		for _, event := range kept.Events {
			x[kept.Name+"."+event] = &f
		}
	}
	return x
}
