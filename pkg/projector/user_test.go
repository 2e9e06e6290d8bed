package projector_test

import (
	"fmt"
	"strings"
	"testing"
)

// Which of a user's addresses and telephones become `email` and `phone`: the
// primary one, else the first, and none where Clerk has none.
func TestUserAddresses(t *testing.T) {
	t.Parallel()
	const verified, unverified = `{"status":"verified"}`, `{"status":"unverified"}`
	address := func(id, text, verification string) string {
		return fmt.Sprintf(`{"id":%q,"email_address":%q,"verification":%s}`, id, text, verification)
	}
	addresses := func(list ...string) string { return `,"email_addresses":[` + strings.Join(list, ",") + `]` }
	const phones = `,"phone_numbers":[{"id":"p","phone_number":"+15550100"},{"id":"q","phone_number":"+15550101"}]`
	ada, bo := address("idn_1", "Ada.B@Example.TEST", unverified), address("idn_2", "bo@example.com", verified)
	long := strings.Repeat("e", 2048) + "@example.com"
	phone := func(want any) attributes { return attributes{"phone": want} }
	noEmail := attributes{"email": absent, "email_verified": absent, "email_addresses": absent, "by_email": absent}
	check := func(name, data string, want attributes) {
		t.Helper()
		data = `{"id":"user_a1"` + data + `}`
		row := mustProject(t, body("user.updated", data)).Row
		checkRow(t, name, row, want)
		checkRow(t, name, row, attributes{"object": data})
	}
	// https://github.com/SatyamPandey-07/WorkSphere/pull/596
	check("addresses empty", addresses()+`,"primary_email_address_id":null`, noEmail)
	check("addresses null", `,"email_addresses":null`, noEmail)
	check("addresses absent", "", noEmail)
	check("addresses of another type", `,"email_addresses":{"0":{"email_address":"a@example.com"}}`, noEmail)
	check("addresses with odd entries",
		addresses("null", "5", `"a@example.com"`, "{}", "[]", `{"email_address":null}`, `{"email_address":""}`),
		noEmail)
	check("primary id with an empty list", addresses()+`,"primary_email_address_id":"idn_1"`, noEmail)

	// https://github.com/clerk/clerk-docs/issues/1122
	check("second address primary", addresses(ada, bo)+`,"primary_email_address_id":"idn_2"`, attributes{
		"email": "bo@example.com", "by_email": "bo@example.com", "email_verified": true,
		"email_addresses": []string{"Ada.B@Example.TEST", "bo@example.com"},
	})
	check("no address primary", addresses(ada, bo)+`,"primary_email_address_id":null`, attributes{
		"email": "ada.b@example.test", "by_email": "ada.b@example.test", "email_verified": false,
		"email_addresses": []string{"Ada.B@Example.TEST", "bo@example.com"},
	})
	check("primary id that is not in the list", addresses(bo, ada)+`,"primary_email_address_id":"idn_9"`,
		attributes{"email": "bo@example.com"})
	check("primary id of another type", addresses(bo, ada)+`,"primary_email_address_id":5`,
		attributes{"email": "bo@example.com"})
	check("an address without id",
		addresses(`{"email_address":"bo@example.com"}`, ada)+`,"primary_email_address_id":""`,
		attributes{"email": "bo@example.com", "email_verified": false})
	check("letters beyond A-Z", addresses(address("idn_1", "KİM.KÄZ@Gmaİl.Example", verified)), attributes{
		"email": "kİm.KÄz@gmaİl.example", "by_email": "kİm.KÄz@gmaİl.example",
		"email_addresses": []string{"KİM.KÄZ@Gmaİl.Example"},
	})
	check("an address longer than an index key", addresses(address("idn_1", long, verified)),
		attributes{"email": long, "by_email": absent})

	// https://github.com/clerk/javascript/pull/366
	check("primary never verified",
		addresses(address("idn_1", "a@example.com", "null"), bo)+`,"primary_email_address_id":"idn_1"`,
		attributes{"email": "a@example.com", "email_verified": false})
	check("verification of another type", addresses(address("idn_1", "a@example.com", `"verified"`)),
		attributes{"email_verified": false})
	check("verification failed", addresses(address("idn_1", "a@example.com", `{"status":"failed"}`)),
		attributes{"email_verified": false})

	check("second telephone primary", phones+`,"primary_phone_number_id":"q"`, phone("+15550101"))
	check("no telephone primary", phones+`,"primary_phone_number_id":null`, phone("+15550100"))
	check("telephones null", `,"phone_numbers":null`, phone(absent))
	check("telephones a text", `,"phone_numbers":"+15550100"`, phone(absent))
	check("telephones of no text", `,"phone_numbers":[null,{"phone_number":5}]`, phone(absent))
}
