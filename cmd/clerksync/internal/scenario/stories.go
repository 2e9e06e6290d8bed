package scenario

import "time"

// story is a story as it is written down.
type story struct {
	name, point string
	tell        func(now time.Time) Story
}

func stories() []story {
	return []story{
		{
			name:  "signup",
			point: "Somebody signs up: what has no row is not kept, and a webhook that is sent twice counts once.",
			tell:  signup,
		},
		{
			name:  "org-life",
			point: "An organization from its first day to its last: children before parents, and none outlives it.",
			tell:  organizationLife,
		},
		{
			name:  "race",
			point: "An update that arrives after the deletion brings nobody back.",
			tell:  race,
		},
		{
			name:  "sign-in-race",
			point: "The first request of a new user comes before the webhook, and an update before the creation.",
			tell:  signInRace,
		},
		{
			name:  "storm",
			point: "200 requests in any order, some twice, some forged: the rows are those of a quiet day.",
			tell:  storm,
		},
	}
}

// Ids and addresses of the samples.
const (
	jonah        = "user_2exampleJonahAdeyemi0000000"
	jonahMail    = "jonah@lumenoak.example"
	mara         = "user_2exampleMaraLindqvist000000"
	organization = "org_2exampleLumenOak00000000000"
)

func signup(now time.Time) Story {
	c := newCast()
	return Story{
		Events: c.tell(now,
			occurrence{what: "a one-time code goes out", sample: "email.created"},
			occurrence{what: "Jonah signs up", sample: "user.created"},
			occurrence{what: "his session begins", sample: "session.created"},
			occurrence{what: "the same webhook, sent twice", sample: "user.created", again: true},
			occurrence{what: "he adds an address and a telephone", sample: "user.updated"},
		),
		Looks: []Look{{
			Kind: "user", Name: c.mail(jonahMail), Want: "one row, with the new telephone", Rows: 1,
			Attributes: map[string]string{"id": c.id(jonah), "first_name": "Jonah T.", "phone": "+15555550142"},
		}},
	}
}

// organizationLife sends a membership before its organization, and a change of
// one after everything has ended.
func organizationLife(now time.Time) Story {
	c := newCast()
	return Story{
		Events: c.tell(now,
			occurrence{what: "Mara signs up", sample: "user.created.founder"},
			occurrence{
				what:   "she is admin of an organization that is not here yet",
				sample: "organizationMembership.created.founder",
			},
			occurrence{what: "which now is", sample: "organization.created"},
			occurrence{what: "Jonah signs up", sample: "user.created"},
			occurrence{what: "and joins", sample: "organizationMembership.created"},
			occurrence{what: "Ines is invited", sample: "organizationInvitation.created"},
			occurrence{what: "the organization claims its domain", sample: "organizationDomain.created"},
			occurrence{what: "Ines signs up", sample: "user.created.invited"},
			occurrence{what: "by her invitation", sample: "organizationInvitation.accepted"},
			occurrence{what: "and is a member", sample: "organizationMembership.created.invited"},
			occurrence{what: "the organization changes its name", sample: "organization.updated"},
			occurrence{what: "Jonah leaves", sample: "organizationMembership.deleted"},
			occurrence{what: "and comes back", sample: "organizationMembership.created.rejoined"},
			occurrence{what: "the organization is deleted", sample: "organization.deleted"},
			occurrence{what: "a change of Jonah's role arrives too late", sample: "organizationMembership.updated"},
		),
		Looks: []Look{
			{Kind: "org", Name: c.id(organization), Want: "its tombstone, with deleted_at", Rows: 1, Deleted: true},
			{Kind: "members", Name: c.id(organization), Want: "none: they ended with it"},
			{
				Kind: "user", Name: c.mail("mara@lumenoak.example"), Want: "Mara, live", Rows: 1,
				Attributes: map[string]string{"id": c.id(mara)},
			},
			{Kind: "memberships", Name: c.id(jonah), Want: "none, though he had come back"},
		},
	}
}

func race(now time.Time) Story {
	c := newCast()
	return Story{
		Events: c.tell(now,
			occurrence{what: "Jonah signs up", sample: "user.created"},
			occurrence{what: "he deletes his account", sample: "user.deleted"},
			occurrence{what: "a change of before arrives too late", sample: "user.updated"},
			occurrence{what: "and once more", sample: "user.updated", again: true},
		),
		Looks: []Look{
			{Kind: "user", Name: c.id(jonah), Want: "his tombstone, with deleted_at", Rows: 1, Deleted: true},
			{Kind: "user", Name: c.mail(jonahMail), Want: "nobody: no index holds a deleted user"},
		},
	}
}

// userPause is how long the sign-in race leaves an application without the user.
const userPause = time.Second

// signInRace begins with the session, which is all that an application knows of
// the user then: docs/reading.md, "The sign-in race".
func signInRace(now time.Time) Story {
	c := newCast()
	return Story{
		Events: c.tell(now,
			occurrence{
				what: "Jonah's session begins; whoever looks for him now finds nobody", sample: "session.created",
			},
			occurrence{
				what: "his sign-in changes the user, and overtakes the creation", sample: "user.created",
				pause: userPause,
				edits: []string{
					"type=user.updated", "timestamp=1772447508900", "data.updated_at=1772447508900",
					"data.last_sign_in_at=1772447508800", "data.first_name=Jonah T.",
				},
			},
			occurrence{what: "the creation comes last", sample: "user.created"},
		),
		Looks: []Look{{
			Kind: "user", Name: c.mail(jonahMail), Want: "the user of the update, whose name is newer", Rows: 1,
			Attributes: map[string]string{"id": c.id(jonah), "first_name": "Jonah T."},
		}},
	}
}
