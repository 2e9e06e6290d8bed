package clerk_test

import (
	"slices"
	"testing"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/clerk"
)

func TestKnowledgeOf(t *testing.T) {
	t.Parallel()
	for eventType, want := range map[string]clerk.Knowledge{
		"user.created":                     clerk.Kept,
		"organizationInvitation.revoked":   clerk.Kept,
		"permission.deleted":               clerk.Kept,
		"session.created":                  clerk.NotKept,
		"waitlistEntry.updated":            clerk.NotKept,
		"subscriptionItem.freeTrialEnding": clerk.NotKept,
		"email.created":                    clerk.NotKept,
		"sms.created":                      clerk.NotKept,
		"paymentAttempt.updated":           clerk.NotKept,
		"organizationInvitation.deleted":   clerk.Unknown,
		"brandNew.thing":                   clerk.Unknown,
		"":                                 clerk.Unknown,
		"User.created":                     clerk.Unknown,
		"user":                             clerk.Unknown,
		"user.":                            clerk.Unknown,
		"user.created ":                    clerk.Unknown,
	} {
		if got := clerk.KnowledgeOf(eventType); got != want {
			t.Errorf("KnowledgeOf(%q) = %d, want %d", eventType, got, want)
		}
	}
}

// There is a sample of every type that Clerk documents: each is known, and each
// that is kept has one, so that the tests of every package run on it.
func TestSamplesAreOfTheKnownTypes(t *testing.T) {
	t.Parallel()
	samples := events.Types()
	for _, eventType := range samples {
		if clerk.KnowledgeOf(eventType) == clerk.Unknown {
			t.Errorf("KnowledgeOf(%q) = Unknown, want Kept or NotKept", eventType)
		}
	}
	for _, family := range clerk.KeptFamilies() {
		for _, event := range family.Events {
			if name := family.Name + "." + event; !slices.Contains(samples, name) {
				t.Errorf("events/clerk has no sample of %s, which is kept", name)
			}
		}
	}
}
