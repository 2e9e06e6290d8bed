package directory_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/directory"
)

// The keys are the contract with everybody who reads the table.
func TestKeys(t *testing.T) {
	t.Parallel()
	for got, want := range map[directory.Key]directory.Key{
		directory.UserKey("u"):              {PK: "USER#u", SK: "USER"},
		directory.OrganizationKey("o"):      {PK: "ORG#o", SK: "ORG"},
		directory.MembershipKey("o", "u"):   {PK: "ORG#o", SK: "MEMBER#u"},
		directory.MembershipOfKey("o", "u"): {PK: "USER#u", SK: "MEMBERSHIP#o"},
		directory.InvitationKey("o", "i"):   {PK: "ORG#o", SK: "INVITATION#i"},
		directory.DomainKey("d"):            {PK: "DOMAIN#d", SK: "DOMAIN"},
		directory.DomainOfKey("o", "d"):     {PK: "ORG#o", SK: "DOMAIN#d"},
		directory.RoleKey("r"):              {PK: "ROLE#r", SK: "ROLE"},
		directory.RoleByKeyKey("k", "r"):    {PK: "ROLE_KEY#k", SK: "ROLE#r"},
		directory.PermissionKey("p"):        {PK: "PERMISSION#p", SK: "PERMISSION"},
	} {
		if got != want {
			t.Errorf("key = %v, want %v", got, want)
		}
	}
}

// without is the row less the attributes of those names.
func without(r directory.Row, names ...string) directory.Row {
	r = r.Clone()
	for _, n := range names {
		delete(r, n)
	}
	return r
}

// A pointer has what its contract lists of the row, and nothing of its own.
func TestPointer(t *testing.T) {
	t.Parallel()
	membership := directory.Row{
		"pk": "ORG#o", "sk": "MEMBER#u", "kind": "membership",
		"rev": "1", "svix_id": "msg_1", "synced_at": "now", "instance_id": "ins_1",
		"id": "m", "org_id": "o", "user_id": "u",
		"role": "org:admin", "role_name": "Admin", "permissions": []string{"org:a"},
		"created_at": directory.Number("1"), "updated_at": directory.Number("2"),
		"object": "{}", "omitted": []string{"x"},
	}
	ofMembership := without(membership, "object", "omitted")
	ofMembership["pk"], ofMembership["sk"], ofMembership["kind"] = "USER#u", "MEMBERSHIP#o", "membership_of"
	domain := directory.Row{
		"pk": "DOMAIN#d", "sk": "DOMAIN", "kind": "domain",
		"rev": "1", "svix_id": "msg_1", "synced_at": "now", "instance_id": "ins_1",
		"id": "d", "org_id": "o", "name": "example.com", "enrollment_mode": "manual_invitation",
		"created_at": directory.Number("1"), "updated_at": directory.Number("2"), "object": "{}",
	}
	ofDomain := without(domain, "created_at", "updated_at", "object")
	ofDomain["pk"], ofDomain["sk"], ofDomain["kind"] = "ORG#o", "DOMAIN#d", "domain_of"
	role := directory.Row{
		"pk": "ROLE#r", "sk": "ROLE", "kind": "role",
		"rev": "1", "svix_id": "msg_1", "synced_at": "now", "instance_id": "ins_1",
		"id": "r", "key": "org:a", "name": "A", "description": "Does a", "permissions": []string{"org:a:b"},
		"is_creator_eligible": false,
		"created_at":          directory.Number("1"), "updated_at": directory.Number("2"), "object": "{}",
	}
	byKey := without(role, "description", "created_at", "updated_at", "object")
	byKey["pk"], byKey["sk"], byKey["kind"] = "ROLE_KEY#org:a", "ROLE#r", "role_key"
	little := []string{"role_name", "permissions", "created_at", "updated_at", "instance_id"}
	user := directory.Row{"pk": "USER#u", "sk": "USER", "kind": "user", "id": "u"}
	permission := directory.Row{"pk": "PERMISSION#p", "sk": "PERMISSION", "kind": "permission", "id": "p", "key": "a"}
	invitation := directory.Row{"pk": "ORG#o", "sk": "INVITATION#i", "kind": "invitation", "org_id": "o"}
	for name, c := range map[string]struct{ row, want directory.Row }{
		"membership":                  {row: membership, want: ofMembership},
		"membership with little":      {row: without(membership, little...), want: without(ofMembership, little...)},
		"membership's bare tombstone": {row: without(membership, "org_id", "user_id")},
		"domain":                      {row: domain, want: ofDomain},
		"domain without organization": {row: without(domain, "org_id")},
		"role":                        {row: role, want: byKey},
		"role without key":            {row: without(role, "key")},
		"role's bare tombstone":       {row: without(role, "id", "key")},
		"permission":                  {row: permission},
		"user":                        {row: user},
		"invitation":                  {row: invitation},
		"no row":                      {},
	} {
		if diff := cmp.Diff(c.want, directory.Pointer(c.row)); diff != "" {
			t.Errorf("%s: Pointer differs (-want +got):\n%s", name, diff)
		}
	}
	long := membership.Clone()
	long["role"], long["role_name"] = text(300<<10), text(200<<10)
	if got := directory.Pointer(long); got.Size() > directory.MaxRowBytes || got["role"] != nil {
		t.Errorf("Pointer of a long row = %d bytes, want it fitted", got.Size())
	}
}

// Condition.Holds is the definition that DynamoDB's conditions are held to.
func TestConditions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		condition       directory.Condition
		onNothing, onR5 bool // whether it holds where no row exists, and for a row of revision 5
	}{
		"zero value":       {condition: directory.Condition{}, onNothing: true},
		"absent":           {condition: directory.IfAbsent(), onNothing: true},
		"newer, by 6":      {condition: directory.IfNewer("6"), onNothing: true, onR5: true},
		"newer, by 5":      {condition: directory.IfNewer("5"), onNothing: true},
		"newer, by 4":      {condition: directory.IfNewer("4"), onNothing: true},
		"unchanged from 5": {condition: directory.IfUnchanged("5"), onR5: true},
		"unchanged from 4": {condition: directory.IfUnchanged("4")},
	} {
		if got := c.condition.Holds(nil); got != c.onNothing {
			t.Errorf("%s: Holds(nil) = %t, want %t", name, got, c.onNothing)
		}
		if got := c.condition.Holds(directory.Row{"rev": "5"}); got != c.onR5 {
			t.Errorf("%s: Holds(row of revision 5) = %t, want %t", name, got, c.onR5)
		}
	}
}
