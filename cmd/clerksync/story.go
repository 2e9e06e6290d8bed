package main

import (
	"strings"

	"github.com/clerksync/clerksync/events"
)

// scene is one request of the demo.
type scene struct {
	when   string
	what   string
	sample string // of package events
	set    []string
	again  bool // the message of the scene before, once more
	forged bool
	want   string
}

func (s scene) eventType() string {
	parts := strings.SplitN(s.sample, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

func (s scene) body() ([]byte, error) {
	body, err := events.Body(s.sample)
	if err != nil {
		return nil, err
	}
	return setAll(body, s.set)
}

// message numbers the scene's message.
func (s scene) message(i int) int {
	if s.again {
		return i - 1
	}
	return i
}

// story is a small company's first week, with what goes wrong in any week: a
// webhook that is sent twice, one that overtakes another, one that comes too
// late, one that is forged.
func story() []scene {
	return []scene{
		{when: "Mon", what: "Mara signs up", sample: "user.created.founder", want: "applied"},
		{when: "Mon", what: "and founds Lumen & Oak", sample: "organization.created", want: "applied"},
		{when: "Mon", what: "whose admin she is", sample: "organizationMembership.created.founder", want: "applied"},
		{when: "Mon", what: "Jonah signs up", sample: "user.created", want: "applied"},
		{when: "Mon", what: "the same webhook, sent twice", sample: "user.created", again: true, want: "duplicate"},
		{when: "Mon", what: "he joins the company", sample: "organizationMembership.created", want: "applied"},
		{when: "Mon", what: "his session begins", sample: "session.created", want: "ignored"},
		{when: "Mon", what: "Ines is invited", sample: "organizationInvitation.created", want: "applied"},
		{when: "Tue", what: "she signs up", sample: "user.created.invited", want: "applied"},
		{when: "Tue", what: "by her invitation", sample: "organizationInvitation.accepted", want: "applied"},
		{when: "Tue", what: "and is a member", sample: "organizationMembership.created.invited", want: "applied"},
		{when: "Tue", what: "Jonah changes his address", sample: "user.updated", want: "applied"},
		{
			when: "Tue", what: "an older change, overtaken on its way", sample: "user.updated", want: "stale",
			set: []string{"data.first_name=Jon", "data.updated_at=1772447600000", "timestamp=1772447600000"},
		},
		{when: "Wed", what: "the company changes its name", sample: "organization.updated", want: "applied"},
		{when: "Wed", what: "Jonah gets another role", sample: "organizationMembership.updated", want: "applied"},
		{when: "Thu", what: "somebody forges his deletion", sample: "user.deleted", forged: true, want: "rejected 400 invalid_signature"},
		{when: "Fri", what: "Jonah leaves the company", sample: "organizationMembership.deleted", want: "applied"},
		{when: "Fri", what: "and comes back an hour later", sample: "organizationMembership.created.rejoined", want: "applied"},
		{when: "Sat", what: "he deletes his account", sample: "user.deleted", want: "applied"},
		{
			when: "Sun", what: "a change of his arrives too late", sample: "user.updated", want: "stale",
			set: []string{"data.updated_at=1772970000000", "timestamp=1772970000000"},
		},
	}
}
