package projector_test

import (
	"strings"
	"testing"

	"github.com/clerksync/clerksync/pkg/directory"
)

// columns are those that the contract lists for an object, by their types. data
// is such an object with no more members than it must have.
type columns struct{ data, texts, flags, times, integers string }

func columnsByEvent() map[string]columns {
	return map[string]columns{
		"user.updated": {
			data:  `{"id":"user_a1"}`,
			texts: "first_name last_name username image_url external_id",
			flags: "banned locked",
			times: "created_at updated_at last_sign_in_at",
		},
		"organization.updated": {
			data:     `{"id":"org_a1"}`,
			texts:    "name slug image_url created_by",
			times:    "created_at updated_at",
			integers: "max_allowed_memberships",
		},
		"organizationMembership.updated": {
			data:  membershipData(""),
			texts: "role role_name",
			times: "created_at updated_at",
		},
		"organizationInvitation.revoked": {
			data:  `{"id":"orginv_a1","organization_id":"org_a1"}`,
			texts: "email_address role role_name status user_id inviter_id",
			times: "expires_at created_at updated_at",
		},
		"organizationDomain.updated": {
			data:  `{"id":"orgdmn_a1","organization_id":"org_a1"}`,
			texts: "name enrollment_mode",
			times: "created_at updated_at",
		},
		"role.updated": {
			data:  `{"id":"role_a1"}`,
			texts: "key name description",
			flags: "is_creator_eligible",
			times: "created_at updated_at",
		},
		"permission.updated": {
			data:  `{"id":"perm_a1"}`,
			texts: "key name description type",
			times: "created_at updated_at",
		},
	}
}

// What Clerk has as null, absent, empty or of another type than it documents
// has no attribute, and never an empty one; what it has is kept to the letter.
// Whatever it is, `object` holds the text as it was sent.
//   - https://github.com/adrianhajdin/podcastr/issues/6
//   - https://github.com/adrianhajdin/ai_saas_app/pull/31
//   - https://github.com/clerk/javascript/pull/192
//   - https://github.com/guregu/null/issues/8
func TestColumns(t *testing.T) {
	t.Parallel()
	const at = directory.Number("1700000000000")
	texts := map[string]any{
		`"a"`: "a", `"Zoé 🚒"`: "Zoé 🚒", `"\u00c9\ud83d\ude92\n\u0000"`: "É🚒\n\x00",
		`" "`: " ", `"null"`: "null",
		"\"a\ufffe\uffff\"": "a\ufffe\uffff", // which SQS refuses, and DynamoDB does not
		`null`:              absent, `""`: absent, `5`: absent, `["a"]`: absent, `{"a":"b"}`: absent,
	}
	flags := map[string]any{
		`true`: true, `false`: false,
		`null`: absent, `"true"`: absent, `1`: absent, `""`: absent,
	}
	integers := map[string]any{
		`0`: directory.Number("0"), `5`: directory.Number("5"), `-5`: directory.Number("-5"),
		`5.0`: directory.Number("5"), `1e2`: directory.Number("100"),
		`5.5`: absent, `1e400`: absent, `"5"`: absent, `null`: absent,
	}
	times := map[string]any{
		`1700000000000`: at, `1.7e12`: at, `1700000000000.0`: at, `"1.7E+12"`: at, // milliseconds
		`1700000000`: at, `1700000000.0004`: at, `"1700000000"`: at, // seconds
		`0`: directory.Number("0"), `0.0`: directory.Number("0"), `-0`: directory.Number("0"),
	}
	noTimes := map[string]any{`null`: absent, `""`: absent}
	unreadable := map[string]any{
		`"yesterday"`: absent, `-1`: absent, `4102444800000`: absent, `1e400`: absent, `{}`: absent, `[1]`: absent,
	}
	for eventType, event := range columnsByEvent() {
		check := func(column string, forms map[string]any) {
			for form, want := range forms {
				data := strings.TrimSuffix(event.data, "}") + `,"` + column + `":` + form + "}"
				row := mustProject(t, body(eventType, data)).Row
				checkRow(t, eventType+" "+data, row, attributes{column: want, "object": data})
			}
		}
		for column := range strings.FieldsSeq(event.texts) {
			check(column, texts)
		}
		for column := range strings.FieldsSeq(event.flags) {
			check(column, flags)
		}
		for column := range strings.FieldsSeq(event.integers) {
			check(column, integers)
		}
		for column := range strings.FieldsSeq(event.times) {
			check(column, times)
			decidesIncarnation := eventType == "organizationMembership.updated" && column == "created_at"
			if !decidesIncarnation {
				check(column, noTimes)
			}
			if !decidesIncarnation && column != "updated_at" { // else a permanent error: see TestPermanentErrors
				check(column, unreadable)
			}
		}
		row := mustProject(t, body(eventType, event.data)).Row
		for column := range strings.FieldsSeq(event.texts + " " + event.flags + " " + event.integers) {
			checkRow(t, eventType+" "+event.data, row, attributes{column: absent})
		}
	}
}

// A value that cannot be an index's key is left out of the index, not out of
// the row. https://github.com/wellcomecollection/platform/issues/2285
func TestIndexes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ eventType, column, index string }{
		{eventType: "user.updated", column: "username", index: "by_username"},
		{eventType: "user.updated", column: "external_id", index: "by_external_id"},
		{eventType: "organization.updated", column: "slug", index: "by_slug"},
	} {
		check := func(form string, column, index any) {
			data := `{"id":"x","` + c.column + `":` + form + `}`
			row := mustProject(t, body(c.eventType, data)).Row
			checkRow(t, data, row, attributes{c.column: column, c.index: index})
		}
		longest, tooLong, twoBytes := strings.Repeat("x", 2048), strings.Repeat("x", 2049), strings.Repeat("é", 1025)
		check(`"Ada.B"`, "Ada.B", "Ada.B")
		check(`"`+longest+`"`, longest, longest)
		check(`"`+tooLong+`"`, tooLong, absent)
		check(`"`+twoBytes+`"`, twoBytes, absent)
		check(`""`, absent, absent)
		check(`null`, absent, absent)
	}
}

// Names count by exact case, after escapes are undone, and the last of doubles.
// https://github.com/golang/go/issues/14750
func TestNamesOfMembers(t *testing.T) {
	t.Parallel()
	data := `{"id":"user_a1","ID":"user_b2","First_Name":"no","first_name":"one","\u0066irst_name":"two"}`
	change := mustProject(t, body("user.updated", data))
	checkRow(t, data, change.Row, attributes{"id": "user_a1", "first_name": "two", "pk": "USER#user_a1", "sk": "USER"})
}
