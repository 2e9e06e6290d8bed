package directory_test

import (
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/directory"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		got, want directory.Key
	}{
		{directory.UserKey("u"), directory.Key{PK: "USER#u", SK: "USER"}},
		{directory.OrganizationKey("o"), directory.Key{PK: "ORG#o", SK: "ORG"}},
		{directory.MembershipKey("o", "u"), directory.Key{PK: "ORG#o", SK: "MEMBER#u"}},
		{directory.MembershipOfKey("o", "u"), directory.Key{PK: "USER#u", SK: "MEMBERSHIP#o"}},
		{directory.InvitationKey("o", "i"), directory.Key{PK: "ORG#o", SK: "INVITATION#i"}},
		{directory.DomainKey("d"), directory.Key{PK: "DOMAIN#d", SK: "DOMAIN"}},
		{directory.DomainOfKey("o", "d"), directory.Key{PK: "ORG#o", SK: "DOMAIN#d"}},
		{directory.RoleKey("r"), directory.Key{PK: "ROLE#r", SK: "ROLE"}},
		{directory.PermissionKey("p"), directory.Key{PK: "PERMISSION#p", SK: "PERMISSION"}},
	} {
		if c.got != c.want {
			t.Errorf("key = %v, want %v", c.got, c.want)
		}
	}
}

func TestPointer(t *testing.T) {
	t.Parallel()
	membership := directory.Row{
		"pk": "ORG#o", "sk": "MEMBER#u", "kind": "membership", "rev": "1", "svix_id": "msg_1", "synced_at": "now", "instance_id": "ins_1",
		"id": "m", "org_id": "o", "user_id": "u", "role": "org:admin", "role_name": "Admin", "permissions": []string{"org:a"},
		"created_at": directory.Number("1"), "updated_at": directory.Number("2"), "object": "{}", "omitted": []string{"x"},
	}
	domain := directory.Row{
		"pk": "DOMAIN#d", "sk": "DOMAIN", "kind": "domain", "rev": "1", "svix_id": "msg_1", "synced_at": "now", "instance_id": "ins_1",
		"id": "d", "org_id": "o", "name": "example.com", "enrollment_mode": "manual_invitation",
		"created_at": directory.Number("1"), "updated_at": directory.Number("2"), "object": "{}",
	}
	without := func(r directory.Row, names ...string) directory.Row {
		c := r.Clone()
		for _, n := range names {
			delete(c, n)
		}
		return c
	}
	for _, c := range []struct {
		name      string
		row, want directory.Row
	}{
		{"membership", membership, directory.Row{
			"pk": "USER#u", "sk": "MEMBERSHIP#o", "kind": "membership_of", "rev": "1", "svix_id": "msg_1", "synced_at": "now", "instance_id": "ins_1",
			"id": "m", "org_id": "o", "user_id": "u", "role": "org:admin", "role_name": "Admin", "permissions": []string{"org:a"},
			"created_at": directory.Number("1"), "updated_at": directory.Number("2"),
		}},
		{"membership with little", without(membership, "role_name", "permissions", "created_at", "updated_at", "instance_id"), directory.Row{
			"pk": "USER#u", "sk": "MEMBERSHIP#o", "kind": "membership_of", "rev": "1", "svix_id": "msg_1", "synced_at": "now",
			"id": "m", "org_id": "o", "user_id": "u", "role": "org:admin",
		}},
		{"domain", domain, directory.Row{
			"pk": "ORG#o", "sk": "DOMAIN#d", "kind": "domain_of", "rev": "1", "svix_id": "msg_1", "synced_at": "now", "instance_id": "ins_1",
			"id": "d", "org_id": "o", "name": "example.com", "enrollment_mode": "manual_invitation",
		}},
		{"domain without organization", without(domain, "org_id"), nil},
		{"membership's tombstone that tells nothing", without(membership, "org_id", "user_id"), nil},
		{"user", directory.Row{"pk": "USER#u", "sk": "USER", "kind": "user", "id": "u"}, nil},
		{"invitation", directory.Row{"pk": "ORG#o", "sk": "INVITATION#i", "kind": "invitation", "org_id": "o", "user_id": "u"}, nil},
		{"no row", nil, nil},
	} {
		if d := diff.Diff(c.want, directory.Pointer(c.row)); d != "" {
			t.Errorf("%s: Pointer differs (-want +got):\n%s", c.name, d)
		}
	}
	long := membership.Clone()
	long["role"], long["role_name"] = text(300<<10), text(200<<10)
	if got := directory.Pointer(long); got.Size() > directory.MaxRowBytes || got["role"] != nil {
		t.Errorf("Pointer of a long row = %d bytes, want it brought to fit", got.Size())
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	row := directory.Row{"rev": "5"}
	for _, c := range []struct {
		name      string
		condition directory.Condition
		there     directory.Row
		want      bool
	}{
		{"zero value on nothing", directory.Condition{}, nil, true},
		{"zero value on a row", directory.Condition{}, row, false},
		{"absent on nothing", directory.IfAbsent(), nil, true},
		{"absent on a row", directory.IfAbsent(), row, false},
		{"newer on nothing", directory.IfNewer("1"), nil, true},
		{"newer", directory.IfNewer("6"), row, true},
		{"equal", directory.IfNewer("5"), row, false},
		{"older", directory.IfNewer("4"), row, false},
		{"unchanged on nothing", directory.IfUnchanged("5"), nil, false},
		{"unchanged", directory.IfUnchanged("5"), row, true},
		{"changed", directory.IfUnchanged("4"), row, false},
	} {
		if got := c.condition.Holds(c.there); got != c.want {
			t.Errorf("%s: Holds(%v) = %t, want %t", c.name, c.there, got, c.want)
		}
	}
}
