package scenario

import "time"

// Week is the first week of the samples' company as its webhooks arrive, which
// `clerksync dev --demo` shows, with the ids of the samples: the README and the
// commands to type next name them. In a table that holds it already it comes out
// otherwise, for what it deletes stays deleted.
func Week(now time.Time) []Event {
	var bodies [][]byte
	for _, o := range firstWeek() {
		bodies = append(bodies, o.body())
	}
	return eventsOf(firstWeek(), bodies, now)
}

// firstWeek is what happens to a small company, with what goes wrong in any
// week: a webhook that is sent twice, one that overtakes another, one that
// arrives too late, one that is forged.
func firstWeek() []occurrence {
	return []occurrence{
		{day: "Mon", what: "Mara signs up", sample: "user.created.founder", want: "applied"},
		{day: "Mon", what: "and founds Lumen & Oak", sample: "organization.created", want: "applied"},
		{day: "Mon", what: "whose admin she is", sample: "organizationMembership.created.founder", want: "applied"},
		{day: "Mon", what: "Jonah signs up", sample: "user.created", want: "applied"},
		{day: "Mon", what: "the same webhook, sent twice", sample: "user.created", again: true, want: "duplicate"},
		{day: "Mon", what: "he joins the company", sample: "organizationMembership.created", want: "applied"},
		{day: "Mon", what: "his session begins", sample: "session.created", want: "ignored"},
		{day: "Mon", what: "Ines is invited", sample: "organizationInvitation.created", want: "applied"},
		{day: "Tue", what: "she signs up", sample: "user.created.invited", want: "applied"},
		{day: "Tue", what: "by her invitation", sample: "organizationInvitation.accepted", want: "applied"},
		{day: "Tue", what: "and is a member", sample: "organizationMembership.created.invited", want: "applied"},
		{day: "Tue", what: "Jonah changes his address", sample: "user.updated", want: "applied"},
		{
			day: "Tue", what: "an older change, overtaken on its way", sample: "user.updated", want: "stale",
			edits: []string{"data.first_name=Jon", "data.updated_at=1772447600000", "timestamp=1772447600000"},
		},
		{day: "Wed", what: "the company changes its name", sample: "organization.updated", want: "applied"},
		{day: "Wed", what: "Jonah gets another role", sample: "organizationMembership.updated", want: "applied"},
		{
			day: "Thu", what: "a forged deletion of his account", sample: "user.deleted", forged: true,
			want: "rejected 400 invalid_signature",
		},
		{day: "Fri", what: "Jonah leaves the company", sample: "organizationMembership.deleted", want: "applied"},
		{
			day: "Fri", what: "and comes back an hour later", sample: "organizationMembership.created.rejoined",
			want: "applied",
		},
		{day: "Sat", what: "he deletes his account", sample: "user.deleted", want: "applied"},
		{
			day: "Sun", what: "a change of his arrives too late", sample: "user.updated", want: "stale",
			edits: []string{"data.updated_at=1772970000000", "timestamp=1772970000000"},
		},
	}
}
