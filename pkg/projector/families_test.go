package projector_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

func TestOtherFamilies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, eventType, data string
		want                  map[string]any
	}{
		// https://github.com/clerk/javascript/pull/192
		{"slug null", "organization.created", `{"id":"org_a1","slug":null}`, map[string]any{"slug": absent, "by_slug": absent}},
		{"slug absent", "organization.created", `{"id":"org_a1"}`, map[string]any{"slug": absent, "by_slug": absent}},
		{"slug empty", "organization.updated", `{"id":"org_a1","slug":""}`, map[string]any{"slug": absent, "by_slug": absent}},
		{"slug", "organization.updated", `{"id":"org_a1","slug":"lamps"}`, map[string]any{"slug": "lamps", "by_slug": "lamps"}},
		{"slug longer than an index key", "organization.updated", `{"id":"org_a1","slug":"` + strings.Repeat("s", 2049) + `"}`, map[string]any{"slug": strings.Repeat("s", 2049), "by_slug": absent}},
		{"limit zero", "organization.updated", `{"id":"org_a1","max_allowed_memberships":0}`, map[string]any{"max_allowed_memberships": directory.Number("0")}},
		// https://github.com/guregu/null/issues/8
		{"limit with a fraction of zero", "organization.updated", `{"id":"org_a1","max_allowed_memberships":5.0}`, map[string]any{"max_allowed_memberships": directory.Number("5")}},
		{"limit as an exponent", "organization.updated", `{"id":"org_a1","max_allowed_memberships":1e2}`, map[string]any{"max_allowed_memberships": directory.Number("100")}},
		{"limit with a fraction", "organization.updated", `{"id":"org_a1","max_allowed_memberships":5.5}`, map[string]any{"max_allowed_memberships": absent}},
		{"limit null", "organization.updated", `{"id":"org_a1","max_allowed_memberships":null}`, map[string]any{"max_allowed_memberships": absent}},
		{"limit of another type", "organization.updated", `{"id":"org_a1","max_allowed_memberships":"5"}`, map[string]any{"max_allowed_memberships": absent}},
		{"limit beyond any integer", "organization.updated", `{"id":"org_a1","max_allowed_memberships":1e400}`, map[string]any{"max_allowed_memberships": absent}},

		{"membership", "organizationMembership.created", member(`"role":"org:admin","role_name":"Admin","permissions":["org:b","org:a",null,5,""]`), map[string]any{
			"pk": "ORG#org_a1", "sk": "MEMBER#user_a1", "kind": "membership", "id": "orgmem_a1", "org_id": "org_a1", "user_id": "user_a1",
			"role": "org:admin", "role_name": "Admin", "permissions": []string{"org:b", "org:a"}, "created_at": directory.Number("1700000000000"),
		}},
		{"membership with little", "organizationMembership.updated", member(`"role":null,"permissions":[]`), map[string]any{"role": absent, "role_name": absent, "permissions": absent}},
		// https://github.com/bmorrisondev/clerk-webhooks-handler/pull/5
		{"membership that ends, whole object", "organizationMembership.deleted", member(`"role":"org:admin"`), map[string]any{"role": "org:admin", "org_id": "org_a1", "deleted_at": absent}},

		// https://github.com/clerk/clerk-sdk-go/issues/420
		{"invitation", "organizationInvitation.created", `{"id":"orginv_a1","organization_id":"org_a1", "url":"https://accounts.example.com/?ticket=SECRET" , "new_a":[1.0,{"url":"kept"}],"new_b":"\u00e9"}`, map[string]any{
			"pk": "ORG#org_a1", "sk": "INVITATION#orginv_a1", "org_id": "org_a1",
			"object": `{"id":"orginv_a1","organization_id":"org_a1","new_a":[1.0,{"url":"kept"}],"new_b":"\u00e9"}`,
		}},
		{"invitation whose url comes first", "organizationInvitation.created", `{"url":"SECRET","id":"orginv_a1","organization_id":"org_a1"}`, map[string]any{"object": `{"id":"orginv_a1","organization_id":"org_a1"}`}},
		{"invitation with its url twice, once escaped", "organizationInvitation.created", `{"id":"orginv_a1","\u0075rl":{"t":"SECRET"},"organization_id":"org_a1","url":"SECRET"}`, map[string]any{"object": `{"id":"orginv_a1","organization_id":"org_a1"}`}},
		{"invitation accepted", "organizationInvitation.accepted", `{"id":"orginv_a1","organization_id":"org_a1","status":"accepted","user_id":"user_a1","inviter_id":null,"expires_at":null}`, map[string]any{
			"status": "accepted", "user_id": "user_a1", "inviter_id": absent, "expires_at": absent, "deleted_at": absent,
		}},
		{"invitation revoked", "organizationInvitation.revoked", `{"id":"orginv_a1","organization_id":"org_a1","status":"revoked"}`, map[string]any{"status": "revoked"}},

		{"domain", "organizationDomain.created", `{"id":"orgdmn_a1","organization_id":"org_a1","name":"example.com","enrollment_mode":"manual_invitation"}`, map[string]any{
			"pk": "DOMAIN#orgdmn_a1", "sk": "DOMAIN", "org_id": "org_a1", "name": "example.com", "enrollment_mode": "manual_invitation",
		}},
		{"domain without organization", "organizationDomain.updated", `{"id":"orgdmn_a1","organization_id":null}`, map[string]any{"org_id": absent}},
		// https://github.com/clerk/javascript/issues/4818
		{"domain that ends", "organizationDomain.deleted", `{"id":"orgdmn_a1","object":"organization_domain","deleted":true}`, map[string]any{"pk": "DOMAIN#orgdmn_a1", "id": "orgdmn_a1", "org_id": absent, "object": absent}},

		{"role", "role.created", `{"id":"role_a1","key":"org:x","permissions":[{"key":"org:b"},{"key":"org:a"},{"key":""},null,"org:c"],"is_creator_eligible":false,"description":null}`, map[string]any{
			"permissions": []string{"org:b", "org:a"}, "is_creator_eligible": false, "description": absent, "key": "org:x",
		}},
		{"role that ends, whole object", "role.deleted", `{"id":"role_a1","key":"org:x"}`, map[string]any{"id": "role_a1", "key": absent, "object": absent}},
		{"role that ends, stub", "role.deleted", `{"id":"role_a1","slug":null,"deleted":true}`, map[string]any{"id": "role_a1"}},
		{"permission", "permission.updated", `{"id":"perm_a1","key":"org:a","name":"A","type":"custom"}`, map[string]any{"key": "org:a", "name": "A", "type": "custom"}},
		{"an update that says deleted", "organization.updated", `{"id":"org_a1","deleted":true}`, map[string]any{"deleted_at": absent}},

		// https://github.com/warpstreamlabs/bento/pull/909
		{"numbers that DynamoDB refuses", "user.updated", `{"id":"user_a1","public_metadata":{"a":1234567890123456789012345678901234567890,"b":1e400,"c":-0.0}}`, map[string]any{
			"object": `{"id":"user_a1","public_metadata":{"a":1234567890123456789012345678901234567890,"b":1e400,"c":-0.0}}`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			change := must(t, body(c.eventType, c.data))
			checkRow(t, change.Row, c.want)
			if change.Delete != strings.HasSuffix(c.eventType, ".deleted") {
				t.Errorf("Delete = %t, want it told by the type %s", change.Delete, c.eventType)
			}
			for name, v := range change.Row {
				if strings.Contains(fmt.Sprint(v), "SECRET") {
					t.Errorf("attribute %s = %v, want no credential in it", name, v)
				}
			}
		})
	}
}

// member is a membership's data with members beside what places it.
func member(more string) string {
	return `{"id":"orgmem_a1","created_at":1700000000000,"organization":{"id":"org_a1"},"public_user_data":{"user_id":"user_a1"},` + more + `}`
}

func TestObjectStorage(t *testing.T) {
	t.Parallel()
	const data = `{"id":"user_a1", "private_metadata":{"a":1},"b":{"private_metadata":2, "c":{"private_metadata":3}},"list":[{"private_metadata":4}],"private\u005fmetadata":5,"d":1.0}`
	for _, c := range []struct {
		storage projector.ObjectStorage
		want    any
	}{
		{projector.StoreFull, data},
		{projector.StorePublic, `{"id":"user_a1","b":{"c":{"private_metadata":3}},"list":[{"private_metadata":4}],"d":1.0}`},
		{projector.StoreNone, absent},
	} {
		e, err := clerk.Decode([]byte(body("user.updated", data)))
		if err != nil {
			t.Fatal(err)
		}
		change, err := projector.New(c.storage).Project(e, "msg_1")
		if err != nil {
			t.Fatal(err)
		}
		checkRow(t, change.Row, map[string]any{"object": c.want, "id": "user_a1"})
	}
}
