package projector_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/projector"
)

// What is special to one family. TestColumns has the columns that are copied,
// the golden files have whole rows.
func TestFamilies(t *testing.T) {
	t.Parallel()
	const hugeNumbers = `{"id":"user_a1","public_metadata":` +
		`{"a":1234567890123456789012345678901234567890,"b":1e400,"c":-0.0}}`
	check := func(name, event, data string, want attributes) {
		t.Helper()
		change := mustProject(t, body(event, data))
		checkRow(t, name, change.Row, want)
		if want := strings.HasSuffix(event, ".deleted"); change.Delete != want {
			t.Errorf("%s: Delete = %t, want %t, by the type %s", name, change.Delete, want, event)
		}
		if strings.Contains(fmt.Sprint(change.Row), "SECRET") {
			t.Errorf("%s: row = %v, want no credential in it", name, change.Row)
		}
	}
	check("list with odd entries", "organizationMembership.created",
		membershipData(`,"permissions":["org:b","org:a",null,5,""]`),
		attributes{"permissions": []string{"org:b", "org:a"}})
	check("empty list", "organizationMembership.updated", membershipData(`,"permissions":[]`),
		attributes{"permissions": absent})
	// https://github.com/bmorrisondev/clerk-webhooks-handler/pull/5
	check("membership deleted, whole object", "organizationMembership.deleted", membershipData(`,"role":"org:admin"`),
		attributes{"role": "org:admin", "org_id": "org_a1", "deleted_at": absent})

	// https://github.com/clerk/clerk-sdk-go/issues/420
	check("invitation, whose url is a credential", "organizationInvitation.created",
		`{"id":"orginv_a1","organization_id":"org_a1", "url":"https://accounts.example.com/?ticket=SECRET" ,`+
			` "new_a":[1.0,{"url":"kept"}],"new_b":"\u00e9"}`, attributes{
			"object": `{"id":"orginv_a1","organization_id":"org_a1","new_a":[1.0,{"url":"kept"}],"new_b":"\u00e9"}`,
		})
	check("invitation with its url twice, once escaped", "organizationInvitation.created",
		`{"\u0075rl":{"t":"SECRET"},"id":"orginv_a1","url":"SECRET","organization_id":"org_a1"}`,
		attributes{"object": `{"id":"orginv_a1","organization_id":"org_a1"}`})
	check("invitation revoked, which is an update", "organizationInvitation.revoked",
		`{"id":"i","organization_id":"o","status":"revoked"}`, attributes{"status": "revoked", "deleted_at": absent})

	check("domain without organization", "organizationDomain.updated", `{"id":"orgdmn_a1","organization_id":null}`,
		attributes{"org_id": absent})
	// https://github.com/clerk/javascript/issues/4818
	check("domain deleted", "organizationDomain.deleted", `{"id":"d","organization_id":"o","deleted":true}`,
		attributes{"pk": "DOMAIN#d", "id": "d", "org_id": absent, "object": absent})

	check("role", "role.created",
		`{"id":"role_a1","permissions":[{"key":"org:b"},{"key":"org:a"},{"key":""},null,"org:c"]}`,
		attributes{"permissions": []string{"org:b", "org:a"}})
	check("role deleted, whole object", "role.deleted", `{"id":"role_a1","key":"org:x"}`,
		attributes{"id": "role_a1", "key": absent, "object": absent})
	check("role deleted, stub", "role.deleted", `{"id":"role_a1","slug":null,"deleted":true}`,
		attributes{"id": "role_a1"})
	check("an update that says deleted", "organization.updated", `{"id":"org_a1","deleted":true}`,
		attributes{"deleted_at": absent})
	// https://github.com/warpstreamlabs/bento/pull/909
	check("numbers that DynamoDB refuses", "user.updated", hugeNumbers, attributes{"object": hugeNumbers})
}

// private_metadata are left out of data and of the objects directly in it, under
// any spelling of the name, and nowhere else.
func TestObjectStorage(t *testing.T) {
	t.Parallel()
	const data = `{"id":"user_a1", "private_metadata":{"a":1},"b":{"private_metadata":2, "c":{"private_metadata":3}},` +
		`"l":[{"private_metadata":4}],"private\u005fmetadata":5,"d":1.0}`
	for storage, want := range map[projector.ObjectStorage]any{
		projector.StoreFull:   data,
		projector.StorePublic: `{"id":"user_a1","b":{"c":{"private_metadata":3}},"l":[{"private_metadata":4}],"d":1.0}`,
		projector.StoreNone:   absent,
	} {
		e, err := clerk.Decode([]byte(body("user.updated", data)))
		if err != nil {
			t.Fatal(err)
		}
		change, err := projector.New(storage).Project(e, "msg_1")
		if err != nil {
			t.Fatal(err)
		}
		checkRow(t, string(storage), change.Row, attributes{"object": want, "id": "user_a1"})
	}
}
