package projector

import (
	"slices"
	"strings"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// family is one kind of thing that Clerk tells about: the events that are
// kept, and how its object becomes a row.
type family struct {
	prefix  string   // of the event types, before the dot
	events  []string // after the dot
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

// families is the one table of what is kept. To add a family, add an entry
// and its sample in events/clerk.
func families() []family {
	changes := []string{"created", "updated", "deleted"}
	return []family{
		{prefix: "user", events: changes, kind: directory.KindUser, project: projectUser, place: byID(directory.UserKey, "user"), ends: MembershipsOfUser},
		{prefix: "organization", events: changes, kind: directory.KindOrganization, project: projectOrganization, place: byID(directory.OrganizationKey, "organization"), ends: AllOfOrganization},
		{prefix: "organizationMembership", events: changes, kind: directory.KindMembership, project: projectMembership, place: placeMembership, wholeDeletion: true},
		{prefix: "organizationInvitation", events: []string{"created", "accepted", "revoked"}, kind: directory.KindInvitation, project: projectInvitation, place: placeInvitation, secret: "url"},
		{prefix: "organizationDomain", events: changes, kind: directory.KindDomain, project: projectDomain, place: placeDomain, readFirst: true},
		{prefix: "role", events: changes, kind: directory.KindRole, project: projectRole, place: byID(directory.RoleKey, "role")},
		{prefix: "permission", events: changes, kind: directory.KindPermission, project: projectPermission, place: byID(directory.PermissionKey, "permission")},
	}
}

// index finds a kept event type's family.
type index map[string]*family

func newIndex() index {
	x := index{}
	for _, f := range families() {
		for _, e := range f.events {
			x[f.prefix+"."+e] = &f
		}
	}
	return x
}

// known are the event types that Clerk documents and that are not kept. The
// log tells them from what nobody has heard of.
func known() map[string][]string {
	return map[string][]string{
		"session":          {"created", "ended", "removed", "revoked", "pending"},
		"waitlistEntry":    {"created", "updated"},
		"email":            {"created"},
		"sms":              {"created"},
		"subscription":     {"created", "updated", "active", "pastDue"},
		"subscriptionItem": {"created", "updated", "active", "canceled", "upcoming", "ended", "abandoned", "incomplete", "pastDue", "freeTrialEnding"},
		"paymentAttempt":   {"created", "updated"},
	}
}

// Knowledge is what is known of an event type.
type Knowledge int

// An event type is kept, known by name and not kept, or unknown.
const (
	Unknown Knowledge = iota
	NotKept
	Kept
)

// Know says what is known of an event type.
func (p *Projector) Know(eventType string) Knowledge {
	if _, ok := p.types[eventType]; ok {
		return Kept
	}
	family, event, _ := strings.Cut(eventType, ".")
	if slices.Contains(known()[family], event) {
		return NotKept
	}
	return Unknown
}
