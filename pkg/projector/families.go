package projector

import (
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// family says how the objects of one family of event types become rows.
type family struct {
	kind string // of the rows
	// identify finds the row that an object belongs to. What it needs and does
	// not find is a permanent error: without a key there is no row.
	identify func(data clerk.Object, deleted bool) (identity, error)
	// setAttributes copies what the table has a column for. It cannot fail: what
	// it cannot read is left out.
	setAttributes func(data clerk.Object, r directory.Row)

	// wholeDeletion says that a deletion's event carries the whole object, as
	// only memberships' do: the others carry a stub with the id.
	wholeDeletion bool
	// secret is a member of data that is a credential and never stored.
	secret string
	// readFirst is Change.ReadFirst of every change.
	readFirst bool
	// children says which rows are deleted together with one of these.
	children Children
}

// families is the table of what becomes a row, by the family's name in
// clerk.KeptFamilies, which lists its event types. To keep another family, add
// it there, an entry here, and a sample of each event in events/clerk; a test
// holds the two lists equal.
func families() map[string]family {
	return map[string]family{
		"user": {
			kind:          directory.KindUser,
			identify:      byID("user", directory.UserKey),
			setAttributes: setUser,
			children:      MembershipsOfUser,
		},
		"organization": {
			kind:          directory.KindOrganization,
			identify:      byID("organization", directory.OrganizationKey),
			setAttributes: setOrganization,
			children:      AllOfOrganization,
		},
		"organizationMembership": {
			kind:          directory.KindMembership,
			identify:      identifyMembership,
			setAttributes: setMembership,
			// Its key is made of two ids that a stub would not have.
			wholeDeletion: true,
		},
		"organizationInvitation": {
			kind:          directory.KindInvitation,
			identify:      identifyInvitation,
			setAttributes: setInvitation,
			// The link holds a ticket: whoever has it can accept the invitation.
			secret: "url",
		},
		"organizationDomain": {
			kind:          directory.KindDomain,
			identify:      identifyDomain,
			setAttributes: setDomain,
			// A domain that moved to another organization has its pointer there:
			// only the row that exists says which pointer is to be deleted.
			readFirst: true,
		},
		"role": {
			kind:          directory.KindRole,
			identify:      byID("role", directory.RoleKey),
			setAttributes: setRole,
			// A role that changed its key has its pointer under the former one, and a
			// deletion's event names no key: only the row that exists does.
			readFirst: true,
		},
		"permission": {
			kind:          directory.KindPermission,
			identify:      byID("permission", directory.PermissionKey),
			setAttributes: setPermission,
		},
	}
}

// familiesByType finds the family of an event type, for the types that are kept.
func familiesByType() map[string]family {
	byType, byName := map[string]family{}, families()
	for _, kept := range clerk.KeptFamilies() {
		for _, event := range kept.Events {
			byType[kept.Name+"."+event] = byName[kept.Name]
		}
	}
	return byType
}
