package projector_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// An event that can never be applied is a permanent error, which names what is
// wrong and holds no value: the text goes into the log and to the dead letter.
func TestPermanentErrors(t *testing.T) {
	t.Parallel()
	const canary = "canary@example.com"
	for name, text := range permanentErrors(canary) {
		change, err := project(t, text)
		if !errors.Is(err, projector.ErrPermanent) {
			t.Errorf("%s: Project = %v, %v, want ErrPermanent", name, change.Key, err)
			continue
		}
		if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "xxx") {
			t.Errorf("%s: Project = %q, want an error without values", name, err)
		}
		if len(err.Error()) > 200 {
			t.Errorf("%s: Project = an error of %d bytes, want a short one", name, len(err.Error()))
		}
	}
}

// permanentErrors are bodies by what is wrong with them.
func permanentErrors(canary string) map[string]string {
	long := strings.Repeat("x", 3000)
	const inO, ofU = `,"organization":{"id":"o"}`, `,"public_user_data":{"user_id":"u"}`
	bodies := map[string]string{}
	add := func(name, eventType, data string) { bodies[name] = body(eventType, data) }
	const invited, domain = "organizationInvitation.created", "organizationDomain.created"
	const member, removed = "organizationMembership.created", "organizationMembership.deleted"
	add("membership without created_at", member, `{"id":"m"`+inO+ofU+`}`)
	add("membership with created_at null", member, `{"id":"m","created_at":null`+inO+ofU+`}`)
	add("membership with created_at empty", removed, `{"id":"m","created_at":""`+inO+ofU+`}`)
	add("membership without id", member, `{"created_at":5`+inO+ofU+`}`)
	add("membership without organization", member, `{"id":"m","created_at":5`+ofU+`}`)
	add("membership whose organization is a text", member, `{"id":"m","created_at":5,"organization":"o"`+ofU+`}`)
	add("membership whose organization has no id", removed, `{"id":"m","created_at":5,"organization":{"id":""}`+ofU+`}`)
	add("membership without user", member, `{"id":"m","created_at":5`+inO+`}`)
	add("membership whose user is null", member, `{"id":"m","created_at":5`+inO+`,"public_user_data":null}`)
	add("membership whose user has no id", removed, `{"id":"m","created_at":5`+inO+`,"public_user_data":{"user_id":7}}`)
	add("invitation without organization", invited, `{"id":"i","email_address":"`+canary+`"}`)

	add("user id too long", "user.created", `{"id":"`+long+`"}`)
	add("organization id too long", "organization.deleted", `{"id":"`+long+`"}`)
	add("invitation id too long", invited, `{"id":"`+long[:1014]+`","organization_id":"o"}`)
	add("domain id too long for its pointer", domain, `{"id":"`+long[:1018]+`","organization_id":"o"}`)
	add("role's key too long for its pointer", "role.updated", `{"id":"r","key":"`+long[:2040]+`"}`)
	add("role id too long for its pointer", "role.updated", `{"id":"`+long[:1020]+`","key":"k"}`)
	add("member's user id too long", member,
		`{"id":"m","created_at":5`+inO+`,"public_user_data":{"user_id":"`+long[:1018]+`"}}`)
	add("member's organization id too long for its pointer", member,
		`{"id":"m","created_at":5,"organization":{"id":"`+long[:1014]+`"}`+ofU+`}`)

	// https://github.com/vm0-ai/vm0/pull/6211
	for _, family := range []string{
		"user", "organization", "organizationMembership", "organizationDomain", "role", "permission",
	} {
		for _, id := range []string{`"x":1`, `"id":null`, `"id":""`, `"id":5`, `"id":["u"]`, `"ID":"u"`} {
			data := `{` + id + `,"created_at":5` + inO + ofU + `}`
			add(family+" deleted, id as in "+id, family+".deleted", data)
			add(family+" updated, id as in "+id, family+".updated", data)
		}
	}
	for _, time := range []string{
		`-1`, `"-0.5"`, `4102444800000`, `99999999999`, `1e13`, `1e400`, `"` + canary + `"`, `"0x10"`, `"1e"`, `" 1"`,
		`true`, `[]`, `[1]`, `{}`,
	} {
		add("updated_at "+time, "user.updated", `{"id":"u","updated_at":`+time+`}`)
		add("updated_at of a deletion "+time, "role.deleted", `{"id":"u","updated_at":`+time+`}`)
		add("created_at of a membership "+time, member, `{"id":"m","created_at":`+time+inO+ofU+`}`)
		bodies["timestamp "+time] = envelope("user.updated", time, `{"id":"u"}`)
	}
	return bodies
}

// A type without a row is no permanent error: a newer version may have a row for
// it. Its error does not quote the type, which may be anything.
func TestUnknownTypes(t *testing.T) {
	t.Parallel()
	for name, eventType := range map[string]string{
		"a type that is not kept":           "session.created",
		"an unknown type":                   "brandNew.thing",
		"an unknown event of a kept family": "user.renamed",
		"an event that invitations lack":    "organizationInvitation.deleted",
		"a family alone":                    "user",
		"another case":                      "User.created",
		"a prefix of a type":                "user.create",
		"a type with more behind it":        "user.created.v2",
		"a type that is data":               "canary@example.com",
	} {
		change, err := project(t, body(eventType, `{"id":"u"}`))
		if !errors.Is(err, projector.ErrUnknownType) || errors.Is(err, projector.ErrPermanent) {
			t.Errorf("%s: Project = %v, %v, want ErrUnknownType, which is not permanent", name, change.Key, err)
		}
		if err != nil && strings.Contains(err.Error(), eventType) {
			t.Errorf("%s: Project = %q, want an error without the type", name, err)
		}
	}
}

// The longest ids that fit are kept.
func TestLongestIDs(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3000)
	for eventType, data := range map[string]string{
		"user.created":                   `{"id":"` + long[:directory.MaxPK-len("USER#")] + `"}`,
		"organizationInvitation.created": `{"id":"` + long[:1013] + `","organization_id":"o"}`,
		"organizationDomain.created":     `{"id":"` + long[:2041] + `"}`,
		"organizationMembership.created": `{"id":"` + long + `","created_at":5,` +
			`"organization":{"id":"` + long[:1013] + `"},"public_user_data":{"user_id":"` + long[:1017] + `"}}`,
	} {
		if c := mustProject(t, body(eventType, data)); !c.Key.Valid() {
			t.Errorf("%s: Key has %d and %d bytes, want a valid key", eventType, len(c.Key.PK), len(c.Key.SK))
		}
	}
}
