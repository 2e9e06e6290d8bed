package bench_test

import (
	"maps"

	"github.com/clerksync/clerksync/pkg/consumer"
)

// scenario is an event and those that were processed before it.
type scenario struct {
	event   event
	before  []event
	policy  consumer.DeletionPolicy
	outcome consumer.Outcome // of the event
	onTopOf string           // the line of docs/cost.md whose cost is subtracted first, "" for none
	queue   int              // requests to SQS
}

// The events of the scenarios. Of one object, the second is newer than the first, and the last comes after every other.
func first(sample string) event  { return event{id: "1", sample: sample} }
func second(sample string) event { return event{id: "2", sample: sample} }
func last(sample string) event   { return event{id: "9", sample: sample} }

// other is an event of another object.
func other(id, sample string) event { return event{id: id, sample: sample} }

// changed is the event with other data than the sample's, and newer than the second.
func changed(sample string, set map[string]any) event {
	return event{id: "3", sample: sample, set: set}
}

// applied and hard are an event that has its effect under the soft and the hard deletion policy.
func applied(e event, before ...event) scenario {
	return scenario{event: e, before: before, policy: consumer.Soft, outcome: consumer.Applied}
}

func hard(e event, before ...event) scenario {
	return scenario{event: e, before: before, policy: consumer.Hard, outcome: consumer.Applied}
}

// stale is an event that comes after a newer one.
func stale(e event, before ...event) scenario {
	return scenario{event: e, before: before, policy: consumer.Soft, outcome: consumer.Stale}
}

// again is a scenario whose event is received once more after it was processed.
func again(s scenario) scenario {
	s.before = append(s.before, s.event)
	s.outcome = consumer.Duplicate
	return s
}

// onTopOf is a scenario of which only what exceeds another line counts.
func onTopOf(line string, s scenario) []scenario {
	s.onTopOf = line
	return []scenario{s}
}

// scenarios lists, by the line of docs/cost.md, every kind of event and every outcome that it may have. All scenarios
// of a line cost the same.
func scenarios() map[string][]scenario {
	all := map[string][]scenario{}
	for _, part := range []map[string][]scenario{
		users(), organizations(), memberships(), invitationsAndDomains(), rolesAndPermissions(),
	} {
		maps.Copy(all, part)
	}
	all["permanent error, to the dead-letter queue"] = []scenario{{
		event:   event{id: "9", sample: "user.updated", set: map[string]any{"id": nil}},
		policy:  consumer.Soft,
		outcome: consumer.Dead,
		queue:   1,
	}}
	return all
}

func users() map[string][]scenario {
	created, updated, deleted := first("user.created"), second("user.updated"), last("user.deleted")
	organization, member := other("4", "organization.created"), other("5", "organizationMembership.created")
	later := changed("user.updated", map[string]any{"updated_at": 1772999999999})
	renamed := changed("user.updated", map[string]any{"updated_at": 1772999999999, "username": "another"})
	return map[string][]scenario{
		"user created":                           {applied(created)},
		"user updated":                           {applied(later, created, updated)},
		"user updated, an indexed value changed": {applied(renamed, created, updated)},
		"user, duplicate":                        {again(applied(created)), again(applied(updated, created))},
		"user, stale":                            {stale(created, updated)},
		"user, stale, duplicate":                 {again(stale(created, updated))},
		"user deleted, soft":                     {applied(deleted, created)},
		"user deleted, hard":                     {hard(deleted, created)},
		"user deleted, soft, duplicate":          {again(applied(deleted, created))},
		"user deleted, hard, duplicate":          {again(hard(deleted, created))},
		"each membership deleted with its user": onTopOf("user deleted, soft",
			applied(deleted, created, organization, member)),
	}
}

func organizations() map[string][]scenario {
	created, updated := first("organization.created"), second("organization.updated")
	deleted := last("organization.deleted")
	later := changed("organization.updated", map[string]any{"updated_at": 1772999999999})
	member, invitation := other("4", "organizationMembership.created"), other("6", "organizationInvitation.created")
	domain := other("7", "organizationDomain.created")
	anotherMember := event{id: "5", sample: "organizationMembership.created", set: map[string]any{
		"id": "orgmem_2second", "public_user_data.user_id": "user_2second",
	}}
	const soft = "organization deleted, soft"
	return map[string][]scenario{
		"organization created":                          {applied(created)},
		"organization updated":                          {applied(later, created, updated)},
		"organization, duplicate":                       {again(applied(created)), again(applied(updated, created))},
		"organization, stale":                           {stale(created, updated)},
		soft:                                            {applied(deleted, created)},
		"organization deleted, hard":                    {hard(deleted, created)},
		"organization deleted, soft, duplicate":         {again(applied(deleted, created))},
		"organization deleted, hard, duplicate":         {again(hard(deleted, created))},
		"each membership deleted with its organization": onTopOf(soft, applied(deleted, created, member)),
		"each invitation deleted with its organization": onTopOf(soft, applied(deleted, created, invitation)),
		"each domain deleted with its organization":     onTopOf(soft, applied(deleted, created, domain)),
		"organization of two members, an invitation and a domain deleted, soft": {
			applied(deleted, created, member, anotherMember, invitation, domain),
		},
	}
}

func memberships() map[string][]scenario {
	user, org := other("4", "user.created"), other("5", "organization.created")
	created, updated := first("organizationMembership.created"), second("organizationMembership.updated")
	deleted := last("organizationMembership.deleted")
	return map[string][]scenario{
		"membership created or updated": {applied(created, user, org), applied(updated, user, org, created)},
		"membership, duplicate":         {again(applied(created, user, org)), again(applied(updated, user, org))},
		"membership, stale":             {stale(created, user, org, updated)},
		"membership deleted, soft":      {applied(deleted, user, org, created)},
		"membership deleted, hard":      {hard(deleted, user, org, created)},
	}
}

func invitationsAndDomains() map[string][]scenario {
	org := other("4", "organization.created")
	invited, accepted := first("organizationInvitation.created"), second("organizationInvitation.accepted")
	revoked := second("organizationInvitation.revoked")
	revoked.set = map[string]any{"id": "orginv_2exampleInesCalder000000000"} // the sample's is another invitation's
	created, updated := first("organizationDomain.created"), second("organizationDomain.updated")
	deleted := last("organizationDomain.deleted")
	return map[string][]scenario{
		"invitation created, accepted or revoked": {
			applied(invited, org), applied(accepted, org, invited), applied(revoked, org, invited),
		},
		"invitation, duplicate":     {again(applied(invited, org)), again(applied(accepted, org, invited))},
		"invitation, stale":         {stale(invited, org, accepted), stale(invited, org, revoked)},
		"domain created or updated": {applied(created, org), applied(updated, org, created)},
		"domain, duplicate or stale": {
			again(applied(created, org)), again(applied(updated, org, created)), stale(created, org, updated),
		},
		"domain deleted, soft or hard": {applied(deleted, org, created), hard(deleted, org, created)},
	}
}

// A role's permissions are in its row, which decides its size.
func rolesAndPermissions() map[string][]scenario {
	role, large, roleDeleted := first("role.created"), second("role.updated"), last("role.deleted")
	small := second("role.updated")
	small.set = map[string]any{"permissions": []any{}}
	permission, renamed := first("permission.created"), second("permission.updated")
	deleted := last("permission.deleted")
	return map[string][]scenario{
		"role up to 1 KB, created or updated":    {applied(role), applied(small, role)},
		"role over 1 KB, updated":                {applied(large, role)},
		"role, duplicate or stale":               {again(applied(large, role)), stale(role, small), stale(role, large)},
		"role up to 1 KB, deleted, soft or hard": {applied(roleDeleted, role), hard(roleDeleted, role)},
		"role over 1 KB, deleted, soft or hard":  {applied(roleDeleted, role, large), hard(roleDeleted, role, large)},
		"permission created, updated or duplicate": {
			applied(permission), applied(renamed, permission), again(applied(renamed, permission)),
		},
		"permission, stale":        {stale(permission, renamed)},
		"permission deleted, soft": {applied(deleted, permission)},
		"permission deleted, hard": {hard(deleted, permission)},
	}
}
