package bench_test

import (
	"github.com/clerksync/clerksync/pkg/consumer"
)

// price is what some events cost: a line of the table in docs/cost.md.
type price struct {
	line string
	want cost
	over cost    // where the line is about what comes on top: what the event costs without it
	of   []story // all of that price
}

// unkept is the line of what sync never sees: TestIngestCost.
const unkept = "not kept (sessions, e-mails, billing), forged, stale signature"

// story is an event and what came before it. The event's outcome is applied
// where none is said; the policy is soft.
type story struct {
	event   step
	before  []step
	outcome consumer.Outcome
	policy  consumer.DeletionPolicy
}

// The events of the stories. first and second are of one thing, the second
// the newer one; ended comes last.
func first(name string) step  { return at("1", name) }
func second(name string) step { return at("2", name) }
func ended(name string) step  { return at("9", name) }

// changed is the second event with other data than the sample's.
func changed(name string, set map[string]any) step { return step{"3", name, set} }

func soft(event step, before ...step) story { return story{event: event, before: before} }

func hard(event step, before ...step) story {
	return story{event: event, before: before, policy: consumer.Hard}
}

func duplicate(event step, before ...step) story {
	return story{event: event, before: append(before, event), outcome: consumer.Duplicate}
}

// stale is an event that comes after the one that is newer.
func stale(event step, before ...step) story {
	return story{event: event, before: before, outcome: consumer.Stale}
}

// again is a story's event once more, after it was done.
func again(s story) story {
	s.before = append(s.before, s.event)
	s.outcome = consumer.Duplicate
	return s
}

// prices lists every kind of event, what may become of it and what that costs.
func prices() (all []price) {
	for _, part := range [][]price{userPrices(), organizationPrices(), membershipPrices(), otherPrices()} {
		all = append(all, part...)
	}
	return all
}

func userPrices() []price {
	created, updated, deleted := first("user.created"), second("user.updated"), ended("user.deleted")
	later := map[string]any{"updated_at": 1772999999999}
	renamed := map[string]any{"updated_at": 1772999999999, "username": "another"}
	ends := cost{Requests: 3, Write: 12, Index: 2, Read: 3}
	return []price{
		{line: "user created", want: cost{Requests: 1, Write: 12, Index: 2}, of: []story{soft(created)}},
		{line: "user updated", want: cost{Requests: 1, Write: 12}, of: []story{soft(changed("user.updated", later), created, updated)}},
		{line: "user updated, an indexed value changed", want: cost{Requests: 1, Write: 12, Index: 2}, of: []story{soft(changed("user.updated", renamed), created, updated)}},
		{line: "user, duplicate", want: cost{Requests: 1, Write: 12}, of: []story{duplicate(created), duplicate(updated, created)}},
		{line: "user, stale", want: cost{Requests: 2, Write: 13}, of: []story{stale(created, updated)}},
		{line: "user, stale, duplicate", want: cost{Requests: 1, Write: 12}, of: []story{again(stale(created, updated))}},
		{line: "user deleted, soft", want: ends, of: []story{soft(deleted, created)}},
		{line: "user deleted, hard", want: cost{Requests: 2, Write: 12, Index: 2, Read: 1}, of: []story{hard(deleted, created)}},
		{line: "user deleted, soft, duplicate", want: cost{Requests: 4, Write: 1, Read: 5}, of: []story{again(soft(deleted, created))}},
		{line: "user deleted, hard, duplicate", want: cost{Requests: 3, Write: 4, Read: 2}, of: []story{again(hard(deleted, created))}},
		{
			line: "each membership deleted with its user", want: cost{Requests: 2, Write: 6, Read: 1}, over: ends,
			of: []story{soft(deleted, created, at("4", "organization.created"), at("5", "organizationMembership.created"))},
		},
	}
}

func organizationPrices() []price {
	created, updated, deleted := first("organization.created"), second("organization.updated"), ended("organization.deleted")
	later := map[string]any{"updated_at": 1772999999999}
	ends := cost{Requests: 3, Write: 6, Index: 1, Read: 2}
	another := step{"5", "organizationMembership.created", map[string]any{"id": "orgmem_2second", "public_user_data.user_id": "user_2second"}}
	return []price{
		{line: "organization created", want: cost{Requests: 1, Write: 6, Index: 1}, of: []story{soft(created)}},
		{line: "organization updated", want: cost{Requests: 1, Write: 6}, of: []story{soft(changed("organization.updated", later), created, updated)}},
		{line: "organization, duplicate", want: cost{Requests: 1, Write: 6}, of: []story{duplicate(created), duplicate(updated, created)}},
		{line: "organization, stale", want: cost{Requests: 2, Write: 7}, of: []story{stale(created, updated)}},
		{line: "organization deleted, soft", want: ends, of: []story{soft(deleted, created)}},
		{line: "organization deleted, hard", want: cost{Requests: 2, Write: 6, Index: 1, Read: 1}, of: []story{hard(deleted, created)}},
		{line: "organization deleted, soft, duplicate", want: cost{Requests: 4, Write: 1, Read: 3}, of: []story{again(soft(deleted, created))}},
		{line: "organization deleted, hard, duplicate", want: cost{Requests: 3, Write: 4, Read: 2}, of: []story{again(hard(deleted, created))}},
		{line: "each membership deleted with its organization", want: cost{Requests: 1, Write: 6}, over: ends, of: []story{soft(deleted, created, at("4", "organizationMembership.created"))}},
		{line: "each invitation deleted with its organization", want: cost{Requests: 1, Write: 2}, over: ends, of: []story{soft(deleted, created, at("4", "organizationInvitation.created"))}},
		{line: "each domain deleted with its organization", want: cost{Requests: 2, Write: 6, Read: 1}, over: ends, of: []story{soft(deleted, created, at("4", "organizationDomain.created"))}},
		{
			line: "organization of two members, an invitation and a domain deleted, soft", want: cost{Requests: 8, Write: 26, Index: 1, Read: 4},
			of: []story{soft(deleted, created, at("4", "organizationMembership.created"), another, at("6", "organizationInvitation.created"), at("7", "organizationDomain.created"))},
		},
	}
}

func membershipPrices() []price {
	user, org := at("4", "user.created"), at("5", "organization.created")
	created, updated, deleted := first("organizationMembership.created"), second("organizationMembership.updated"), ended("organizationMembership.deleted")
	return []price{
		{line: "membership created or updated", want: cost{Requests: 2, Write: 8, Read: 3}, of: []story{soft(created, user, org), soft(updated, user, org, created)}},
		{line: "membership, duplicate", want: cost{Requests: 2, Write: 8, Read: 3}, of: []story{duplicate(created, user, org), duplicate(updated, user, org)}},
		{line: "membership, stale", want: cost{Requests: 3, Write: 9, Read: 3}, of: []story{stale(created, user, org, updated)}},
		{line: "membership deleted, soft", want: cost{Requests: 2, Write: 8, Read: 1}, of: []story{soft(deleted, user, org, created)}},
		{line: "membership deleted, hard", want: cost{Requests: 1, Write: 8}, of: []story{hard(deleted, user, org, created)}},
	}
}

func otherPrices() []price {
	org := at("4", "organization.created")
	invited, accepted := first("organizationInvitation.created"), second("organizationInvitation.accepted")
	revoked := step{"2", "organizationInvitation.revoked", map[string]any{"id": "orginv_2exampleInesCalder000000000"}} // the sample's is another one's
	domain, renewed, dropped := first("organizationDomain.created"), second("organizationDomain.updated"), ended("organizationDomain.deleted")
	role, permission := first("role.created"), first("permission.created")
	largeRole, newPermission := second("role.updated"), second("permission.updated") // a role's permissions are in its row
	newRole := step{"2", "role.updated", map[string]any{"permissions": []any{}}}
	noRole, noPermission := ended("role.deleted"), ended("permission.deleted")
	return []price{
		{line: "invitation created, accepted or revoked", want: cost{Requests: 2, Write: 6, Read: 1}, of: []story{soft(invited, org), soft(accepted, org, invited), soft(revoked, org, invited)}},
		{line: "invitation, duplicate", want: cost{Requests: 2, Write: 6, Read: 1}, of: []story{duplicate(invited, org), duplicate(accepted, org, invited)}},
		{line: "invitation, stale", want: cost{Requests: 3, Write: 7, Read: 1}, of: []story{stale(invited, org, accepted), stale(invited, org, revoked)}},
		{line: "domain created or updated", want: cost{Requests: 3, Write: 8, Read: 2}, of: []story{soft(domain, org), soft(renewed, org, domain)}},
		{line: "domain, duplicate or stale", want: cost{Requests: 3, Write: 1, Read: 2}, of: []story{duplicate(domain, org), duplicate(renewed, org, domain), stale(domain, org, renewed)}},
		{line: "domain deleted, soft or hard", want: cost{Requests: 2, Write: 8, Read: 1}, of: []story{soft(dropped, org, domain), hard(dropped, org, domain)}},
		{
			line: "role or permission up to 1 KB, created, updated or duplicate", want: cost{Requests: 1, Write: 4},
			of: []story{soft(role), soft(newRole, role), soft(permission), soft(newPermission, permission), duplicate(newRole, role), duplicate(newPermission, permission)},
		},
		{line: "role or permission up to 1 KB, stale", want: cost{Requests: 2, Write: 5}, of: []story{stale(role, newRole), stale(permission, newPermission)}},
		{line: "role or permission up to 1 KB, deleted, soft", want: cost{Requests: 2, Write: 4, Read: 1}, of: []story{soft(noRole, role), soft(noPermission, permission)}},
		{line: "role or permission up to 1 KB, deleted, hard", want: cost{Requests: 1, Write: 4}, of: []story{hard(noRole, role), hard(noPermission, permission)}},
		{line: "role over 1 KB, updated or duplicate", want: cost{Requests: 1, Write: 6}, of: []story{soft(largeRole, role), duplicate(largeRole, role)}},
		{line: "role over 1 KB, stale", want: cost{Requests: 2, Write: 7}, of: []story{stale(role, largeRole)}},
		{line: "role over 1 KB, deleted, soft", want: cost{Requests: 2, Write: 6, Read: 1}, of: []story{soft(noRole, role, largeRole)}},
		{line: "role over 1 KB, deleted, hard", want: cost{Requests: 1, Write: 6}, of: []story{hard(noRole, role, largeRole)}},
		{line: unkept},
		{
			line: "permanent error, to the dead-letter queue", want: cost{Queue: 1},
			of: []story{{event: step{"9", "user.updated", map[string]any{"id": nil}}, outcome: consumer.Dead}},
		},
	}
}
