package clerk

import (
	"slices"
	"strings"
)

// Family is a family of Clerk's event types: those that share what stands
// before the dot, such as user.created and user.deleted.
type Family struct {
	Name   string   // before the dot
	Events []string // after the dot
}

// KeptFamilies lists the event types that the directory keeps. To keep another
// family, add it here and say in families of pkg/projector how its object
// becomes a row; a test holds the two lists equal. The types are listed in this
// package so that ingest, which only asks KnowledgeOf, does not compile the
// projector.
func KeptFamilies() []Family {
	changes := []string{"created", "updated", "deleted"}
	return []Family{
		{Name: "user", Events: changes},
		{Name: "organization", Events: changes},
		{Name: "organizationMembership", Events: changes},
		{Name: "organizationInvitation", Events: []string{"created", "accepted", "revoked"}},
		{Name: "organizationDomain", Events: changes},
		{Name: "role", Events: changes},
		{Name: "permission", Events: changes},
	}
}

// notKeptFamilies lists the event types that Clerk documents
// (https://github.com/clerk/openapi-specs, webhooks/2025-04-15.yml) and that
// are not kept. The log names them; a type in neither list is logged as
// "unknown", because its name may be anything.
func notKeptFamilies() []Family {
	return []Family{
		{Name: "session", Events: []string{"created", "ended", "removed", "revoked", "pending"}},
		{Name: "waitlistEntry", Events: []string{"created", "updated"}},
		{Name: "email", Events: []string{"created"}},
		{Name: "sms", Events: []string{"created"}},
		{Name: "subscription", Events: []string{"created", "updated", "active", "pastDue"}},
		{Name: "subscriptionItem", Events: []string{
			"created", "updated", "active", "canceled", "upcoming", "ended", "abandoned", "incomplete", "pastDue",
			"freeTrialEnding",
		}},
		{Name: "paymentAttempt", Events: []string{"created", "updated"}},
	}
}

// Knowledge is what this version of clerksync knows of an event type.
type Knowledge int

// An event type is unknown, or Clerk documents it and it is not kept, or it is
// kept.
const (
	Unknown Knowledge = iota
	NotKept
	Kept
)

// KnowledgeOf returns what is known of an event type, by its exact case.
func KnowledgeOf(eventType string) Knowledge {
	switch {
	case listed(KeptFamilies(), eventType):
		return Kept
	case listed(notKeptFamilies(), eventType):
		return NotKept
	}
	return Unknown
}

func listed(families []Family, eventType string) bool {
	name, event, _ := strings.Cut(eventType, ".")
	return slices.ContainsFunc(families, func(f Family) bool {
		return f.Name == name && slices.Contains(f.Events, event)
	})
}
