package projector_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/pkg/directory"
)

func TestUser(t *testing.T) {
	t.Parallel()
	address := func(id, text, verification string) string {
		return fmt.Sprintf(`{"id":%q,"email_address":%q,"verification":%s}`, id, text, verification)
	}
	const verified, unverified = `{"status":"verified"}`, `{"status":"unverified"}`
	a1, b2 := address("idn_1", "a@example.com", verified), address("idn_2", "Ada.B@Example.TEST", unverified)
	list := func(entries ...string) string { return `"email_addresses":[` + strings.Join(entries, ",") + `]` }
	for _, c := range []struct {
		name, data string // members beside the id
		want       map[string]any
	}{
		// https://github.com/adrianhajdin/podcastr/issues/6
		{"names null", `"first_name":null,"last_name":null`, map[string]any{"first_name": absent, "last_name": absent}},
		{"names absent", `"x":1`, map[string]any{"first_name": absent, "last_name": absent}},
		{"names empty", `"first_name":"","last_name":""`, map[string]any{"first_name": absent, "last_name": absent}},
		{"names of another type", `"first_name":5,"last_name":["a"]`, map[string]any{"first_name": absent, "last_name": absent}},
		{"a name that says null", `"first_name":"null"`, map[string]any{"first_name": "null"}},
		{"a name of blanks", `"first_name":" "`, map[string]any{"first_name": " "}},
		{"names with everything", `"first_name":"Zoé 🚒","last_name":"\u00c9\ud83d\ude92\n\u0000"`, map[string]any{"first_name": "Zoé 🚒", "last_name": "É🚒\n\x00"}},
		{"a name that SQS refuses", "\"first_name\":\"a\ufffe\uffff\"", map[string]any{"first_name": "a\ufffe\uffff"}},

		// https://github.com/adrianhajdin/ai_saas_app/pull/31
		{"user name null", `"username":null`, map[string]any{"username": absent, "by_username": absent}},
		{"user name empty", `"username":""`, map[string]any{"username": absent, "by_username": absent}},
		{"user name", `"username":"Ada.B"`, map[string]any{"username": "Ada.B", "by_username": "Ada.B"}},
		{"external id null", `"external_id":null`, map[string]any{"external_id": absent, "by_external_id": absent}},
		{"external id empty", `"external_id":""`, map[string]any{"external_id": absent, "by_external_id": absent}},
		{"external id a number", `"external_id":7`, map[string]any{"external_id": absent, "by_external_id": absent}},
		{"external id", `"external_id":"lo-7"`, map[string]any{"external_id": "lo-7", "by_external_id": "lo-7"}},
		// https://github.com/wellcomecollection/platform/issues/2285
		{"external id longer than an index key", `"external_id":"` + strings.Repeat("x", 3000) + `"`, map[string]any{"external_id": strings.Repeat("x", 3000), "by_external_id": absent}},
		{"external id as long as an index key", `"external_id":"` + strings.Repeat("x", 2048) + `"`, map[string]any{"by_external_id": strings.Repeat("x", 2048)}},
		{"user name longer than an index key", `"username":"` + strings.Repeat("é", 1025) + `"`, map[string]any{"username": strings.Repeat("é", 1025), "by_username": absent}},

		// https://github.com/SatyamPandey-07/WorkSphere/pull/596
		{"telephone alone", `"email_addresses":[],"primary_email_address_id":null,"phone_numbers":[{"id":"p","phone_number":"+15555550100"}]`, noEmail("+15555550100")},
		{"telephone, lists null", `"email_addresses":null,"phone_numbers":[{"id":"p","phone_number":"+15555550100"}]`, noEmail("+15555550100")},
		{"telephone, lists absent", `"phone_numbers":[{"id":"p","phone_number":"+15555550100"}]`, noEmail("+15555550100")},
		{"lists of another type", `"email_addresses":{"0":{"email_address":"a@example.com"}},"phone_numbers":"+15555550100"`, noEmail("")},
		{"lists of odd entries", `"email_addresses":[null,5,"a@example.com",{},[],{"email_address":null}],"phone_numbers":[null,{"phone_number":5}]`, noEmail("")},
		{"an address that is empty", list(`{"id":"idn_1","email_address":""}`), noEmail("")},
		{"primary id with an empty list", `"primary_email_address_id":"idn_1","email_addresses":[]`, noEmail("")},
		{"second telephone primary", `"primary_phone_number_id":"q","phone_numbers":[{"id":"p","phone_number":"+15555550100"},{"id":"q","phone_number":"+15555550101"}]`, map[string]any{"phone": "+15555550101"}},
		{"no telephone primary", `"primary_phone_number_id":null,"phone_numbers":[{"id":"p","phone_number":"+15555550100"},{"id":"q","phone_number":"+15555550101"}]`, map[string]any{"phone": "+15555550100"}},

		// https://github.com/clerk/clerk-docs/issues/1122
		{"second address primary", `"primary_email_address_id":"idn_2",` + list(a1, b2), map[string]any{
			"email": "ada.b@example.test", "by_email": "ada.b@example.test", "email_verified": false, "email_addresses": []string{"a@example.com", "Ada.B@Example.TEST"},
		}},
		{"no address primary", `"primary_email_address_id":null,` + list(b2, a1), map[string]any{
			"email": "ada.b@example.test", "email_verified": false, "email_addresses": []string{"Ada.B@Example.TEST", "a@example.com"},
		}},
		{"a primary that is not in the list", `"primary_email_address_id":"idn_9",` + list(a1, b2), map[string]any{"email": "a@example.com", "email_verified": true}},
		{"a primary id of another type", `"primary_email_address_id":5,` + list(a1, b2), map[string]any{"email": "a@example.com"}},
		{"addresses without ids", `"primary_email_address_id":"",` + list(`{"email_address":"a@example.com"}`, b2), map[string]any{"email": "a@example.com", "email_verified": false}},
		{"an address longer than an index key", list(address("idn_1", strings.Repeat("e", 2048)+"@example.com", verified)), map[string]any{"email": strings.Repeat("e", 2048) + "@example.com", "by_email": absent}},

		// https://github.com/clerk/javascript/pull/366
		{"primary never verified", `"primary_email_address_id":"idn_1",` + list(address("idn_1", "a@example.com", "null"), address("idn_2", "b@example.com", verified)), map[string]any{"email": "a@example.com", "email_verified": false}},
		{"verification of another type", list(address("idn_1", "a@example.com", `"verified"`)), map[string]any{"email_verified": false}},
		{"verification failed", list(address("idn_1", "a@example.com", `{"status":"failed"}`)), map[string]any{"email_verified": false}},
		{"verified", list(a1), map[string]any{"email_verified": true}},

		// https://github.com/guregu/null/issues/8
		{"times with exponents and points", `"created_at":1.7e12,"updated_at":1700000000000.0,"last_sign_in_at":"1.7E+12"`, times("1700000000000")},
		{"times in seconds", `"created_at":1700000000,"updated_at":1700000000.0004,"last_sign_in_at":"1700000000"`, times("1700000000000")},
		{"times zero", `"created_at":0,"updated_at":0.0,"last_sign_in_at":-0`, times("0")},
		{"times null, empty and absent", `"created_at":null,"updated_at":""`, map[string]any{"created_at": absent, "updated_at": absent, "last_sign_in_at": absent}},
		{"times outside rev that cannot be read", `"created_at":"yesterday","last_sign_in_at":-1`, map[string]any{"created_at": absent, "last_sign_in_at": absent}},
		{"times outside rev beyond 2100", `"created_at":4102444800000,"last_sign_in_at":1e400`, map[string]any{"created_at": absent, "last_sign_in_at": absent}},
		{"times outside rev of another type", `"created_at":{},"last_sign_in_at":[1]`, map[string]any{"created_at": absent, "last_sign_in_at": absent}},

		{"flags", `"banned":true,"locked":false`, map[string]any{"banned": true, "locked": false}},
		{"flags of another type", `"banned":null,"locked":"true"`, map[string]any{"banned": absent, "locked": absent}},
		// https://github.com/golang/go/issues/14750
		{"names by exact case, the last of doubles", `"ID":"user_b2","First_Name":"no","first_name":"one","\u0066irst_name":"two"`, map[string]any{"id": "user_a1", "first_name": "two"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			data := `{"id":"user_a1",` + c.data + `}`
			change := must(t, body("user.updated", data))
			if change.Key != directory.UserKey("user_a1") {
				t.Errorf("Key = %v, want that of user_a1", change.Key)
			}
			checkRow(t, change.Row, c.want)
			checkRow(t, change.Row, map[string]any{"object": data})
		})
	}
}

func noEmail(phone string) map[string]any {
	want := map[string]any{"email": absent, "email_verified": absent, "email_addresses": absent, "by_email": absent, "phone": absent}
	if phone != "" {
		want["phone"] = phone
	}
	return want
}

func times(n directory.Number) map[string]any {
	return map[string]any{"created_at": n, "updated_at": n, "last_sign_in_at": n}
}
