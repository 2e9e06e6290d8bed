package projector_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

func TestHopeless(t *testing.T) {
	t.Parallel()
	const canary = "canary@example.com"
	long := strings.Repeat("x", 3000)
	type hopeless struct{ name, body string }
	cases := []hopeless{
		{"a type that is not kept", body("session.created", `{"id":"s"}`)},
		{"a type that nobody knows", body("brandNew.thing", `{"id":"s"}`)},
		{"a kept family's unknown event", body("user.renamed", `{"id":"u"}`)},
		{"an invitation has no deletion", body("organizationInvitation.deleted", `{"id":"i","organization_id":"o"}`)},
		{"membership without created_at", body("organizationMembership.created", `{"id":"m","organization":{"id":"o"},"public_user_data":{"user_id":"u"}}`)},
		{"membership with created_at null", body("organizationMembership.updated", `{"id":"m","created_at":null,"organization":{"id":"o"},"public_user_data":{"user_id":"u"}}`)},
		{"membership with created_at empty", body("organizationMembership.deleted", `{"id":"m","created_at":"","organization":{"id":"o"},"public_user_data":{"user_id":"u"}}`)},
		{"membership without id", body("organizationMembership.created", `{"created_at":5,"organization":{"id":"o"},"public_user_data":{"user_id":"u"}}`)},
		{"membership without organization", body("organizationMembership.created", `{"id":"m","created_at":5,"public_user_data":{"user_id":"u"}}`)},
		{"membership whose organization is a text", body("organizationMembership.created", `{"id":"m","created_at":5,"organization":"o","public_user_data":{"user_id":"u"}}`)},
		{"membership whose organization has no id", body("organizationMembership.deleted", `{"id":"m","created_at":5,"organization":{"id":""},"public_user_data":{"user_id":"u"}}`)},
		{"membership without user", body("organizationMembership.created", `{"id":"m","created_at":5,"organization":{"id":"o"}}`)},
		{"membership whose user is null", body("organizationMembership.created", `{"id":"m","created_at":5,"organization":{"id":"o"},"public_user_data":null}`)},
		{"membership whose user has no id", body("organizationMembership.deleted", `{"id":"m","created_at":5,"organization":{"id":"o"},"public_user_data":{"user_id":7}}`)},
		{"invitation without organization", body("organizationInvitation.created", `{"id":"i","email_address":"`+canary+`"}`)},
		{"user id of 3,000 characters", body("user.created", `{"id":"`+long+`"}`)},
		{"organization id of 3,000 characters", body("organization.deleted", `{"id":"`+long+`"}`)},
		{"invitation id too long for a sort key", body("organizationInvitation.created", `{"id":"`+long[:1014]+`","organization_id":"o"}`)},
		{"member's user id too long for a sort key", body("organizationMembership.created", `{"id":"m","created_at":5,"organization":{"id":"o"},"public_user_data":{"user_id":"`+long[:1018]+`"}}`)},
		{"member's organization id too long for its pointer", body("organizationMembership.created", `{"id":"m","created_at":5,"organization":{"id":"`+long[:1014]+`"},"public_user_data":{"user_id":"u"}}`)},
		{"domain id too long for its pointer", body("organizationDomain.created", `{"id":"`+long[:1018]+`","organization_id":"o"}`)},
	}
	// https://github.com/vm0-ai/vm0/pull/6211
	for _, family := range []string{"user", "organization", "organizationMembership", "organizationDomain", "role", "permission"} {
		for _, id := range []string{`"x":1`, `"id":null`, `"id":""`, `"id":5`, `"id":["u"]`, `"ID":"u"`} {
			data := `{` + id + `,"created_at":5,"organization":{"id":"o"},"public_user_data":{"user_id":"u"}}`
			cases = append(cases,
				hopeless{family + " that ends, id as in " + id, body(family+".deleted", data)},
				hopeless{family + " that changes, id as in " + id, body(family+".updated", data)})
		}
	}
	for _, bad := range []string{`-1`, `"-0.5"`, `4102444800000`, `99999999999`, `1e13`, `1e400`, `"` + canary + `"`, `"0x10"`, `"1e"`, `" 1"`, `true`, `[]`, `[1]`, `{}`} {
		cases = append(cases,
			hopeless{"updated_at " + bad, body("user.updated", `{"id":"u","updated_at":`+bad+`}`)},
			hopeless{"updated_at of a deletion " + bad, body("role.deleted", `{"id":"u","updated_at":`+bad+`}`)},
			hopeless{"timestamp " + bad, `{"type":"user.updated","timestamp":` + bad + `,"data":{"id":"u"}}`},
			hopeless{"created_at of a membership " + bad, body("organizationMembership.updated", `{"id":"m","created_at":`+bad+`,"organization":{"id":"o"},"public_user_data":{"user_id":"u"}}`)})
	}
	for _, c := range cases {
		change, err := project(t, c.body)
		if !errors.Is(err, projector.ErrPermanent) {
			t.Errorf("%s: Project = %v, %v, want ErrPermanent", c.name, change.Key, err)
			continue
		}
		if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "xxx") {
			t.Errorf("%s: Project = %q, want an error without values", c.name, err)
		}
		if len(err.Error()) > 200 {
			t.Errorf("%s: Project = an error of %d bytes, want a short one", c.name, len(err.Error()))
		}
	}
}

// TestLongestIDs: what just fits is kept.
func TestLongestIDs(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3000)
	for _, c := range []struct{ name, eventType, data string }{
		{"user", "user.created", `{"id":"` + long[:directory.MaxPK-len("USER#")] + `"}`},
		{"membership", "organizationMembership.created", `{"id":"` + long + `","created_at":5,"organization":{"id":"` + long[:1013] + `"},"public_user_data":{"user_id":"` + long[:1017] + `"}}`},
		{"invitation", "organizationInvitation.created", `{"id":"` + long[:1013] + `","organization_id":"o"}`},
		{"domain without organization", "organizationDomain.created", `{"id":"` + long[:2041] + `"}`},
	} {
		if c := must(t, body(c.eventType, c.data)); !c.Key.Valid() {
			t.Errorf("Key has %d and %d bytes, want a valid key", len(c.Key.PK), len(c.Key.SK))
		}
	}
}
