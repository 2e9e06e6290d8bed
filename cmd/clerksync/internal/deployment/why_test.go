package deployment_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Why a message came out as it did, by what its row is now.
func TestWhyDelivery(t *testing.T) {
	t.Parallel()
	s := deploymenttest.New(t)
	d := find(t, s)
	s.PutRow(d.DirectoryTable, map[string]string{
		"pk": "USER#a", "sk": "USER", "kind": "user", "svix_id": "msg_2",
		"rev": "000000000000000-0-0-001772447707118-1-001772447707118-msg_2",
	})
	s.PutRow(d.DirectoryTable, map[string]string{
		"pk": "ORG#o", "sk": "MEMBER#a", "kind": "membership", "svix_id": "msg_3", "rev": "by hand",
	})
	const now = "changed 2026-03-02 10:35:07 UTC by message msg_2"
	const overtaken = "its change was written, and another came later: "
	const lost = "the row was newer when it came; now it is: "
	for _, c := range []struct{ id, outcome, entity, want string }{
		{id: "msg_2", outcome: "applied", entity: "user/a", want: "its change is what the row has now"},
		{id: "msg_1", outcome: "applied", entity: "user/a", want: overtaken + now},
		{id: "msg_0", outcome: "stale", entity: "user/a", want: lost + now},
		{id: "msg_3", outcome: "applied", entity: "membership/o/a", want: "its change is what the row has now"},
		{id: "msg_4", outcome: "stale", entity: "membership/o/a", want: lost + "set by hand"},
		{id: "msg_5", outcome: "applied", entity: "role/r", want: "there is no row of role/r any more"},
		{id: "msg_6", outcome: "applied", entity: "invitation/i", want: "its change was written"},
		{id: "msg_7", outcome: "stale", entity: "invitation/i", want: "the row was newer when it came"},
	} {
		got, err := d.Rows().WhyDelivery(t.Context(), deployment.Record{
			"svix_id": c.id, "outcome": c.outcome, "entity": c.entity,
		})
		if got != c.want || err != nil {
			t.Errorf("%s, %s: WhyDelivery = %q, %v, want %q", c.id, c.outcome, got, err, c.want)
		}
	}
}

// The key of an entity is the one under which sync writes its row. An invitation's
// needs its organization, and what is no entity has none.
func TestKeyOf(t *testing.T) {
	t.Parallel()
	want := map[string]directory.Key{
		"user/u": directory.UserKey("u"), "organization/o": directory.OrganizationKey("o"),
		"membership/o/u": directory.MembershipKey("o", "u"), "domain/d": directory.DomainKey("d"),
		"role/r": directory.RoleKey("r"), "permission/p": directory.PermissionKey("p"),
	}
	got := map[string]directory.Key{}
	for entity := range want {
		if k, ok := deployment.KeyOf(entity); ok {
			got[entity] = k
		}
	}
	for _, entity := range []string{"", "user", "user/", "invitation/i", "membership/o", "session/s"} {
		if k, ok := deployment.KeyOf(entity); ok {
			got[entity] = k
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("KeyOf (-want +got):\n%s", diff)
	}
}

// A user of very many organizations is still a screen.
func TestFactsAreBounded(t *testing.T) {
	t.Parallel()
	s := deploymenttest.New(t)
	d := find(t, s)
	for i := range 25 {
		s.PutRow(d.DirectoryTable, map[string]string{
			"pk": "USER#a", "sk": "MEMBERSHIP#" + string(rune('a'+i)), "kind": "membership_of",
			"org_id": string(rune('a' + i)), "role": "org:member",
		})
	}
	row := deployment.Record{"pk": "USER#a", "sk": "USER", "kind": "user", "id": "a"}
	facts, err := d.Rows().Facts(t.Context(), row)
	if err != nil {
		t.Fatal(err)
	}
	members := 0
	for _, f := range facts {
		if f.Name == "member" {
			members++
		}
	}
	if last := facts[len(facts)-2].Text; members != 21 || !strings.HasPrefix(last, "and of 5 more") {
		t.Errorf("facts = %v, want 20 memberships and how many more", facts)
	}
}
