package backfill_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/directory"
)

// week is the sample company as its webhooks made it.
func week() []string {
	return []string{
		"user.created.founder", "permission.created", "role.created", "organization.created",
		"organizationMembership.created.founder", "user.created", "organizationMembership.created",
		"organizationInvitation.created", "organizationDomain.created", "user.created.invited",
		"organizationInvitation.accepted", "organizationMembership.created.invited",
	}
}

// Deployed beside an instance that is a week old: one backfill makes the rows, a
// second writes nothing, and events that the table had seen make no difference.
func TestBackfillOfACompany(t *testing.T) {
	t.Parallel()
	i := newInstance(t, clerk.Options{})
	for _, name := range week() {
		body, err := events.Body(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := i.Apply(body); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]backfill.Counts{}
	for _, kind := range backfill.Kinds() {
		n := len(maps.Collect(i.Objects(kind)))
		want[kind] = backfill.Counts{Read: n, Written: n}
	}
	if diff := cmp.Diff(want, i.run()); diff != "" {
		t.Errorf("counts differ (-want +got):\n%s", diff)
	}
	i.checkEqual()
	writes := i.countWrites()
	for kind, c := range want {
		want[kind] = backfill.Counts{Read: c.Read, Equal: c.Read}
	}
	if diff := cmp.Diff(want, i.run()); diff != "" || *writes != 0 {
		t.Errorf("second backfill: %d writes, counts differ (-want +got):\n%s", *writes, diff)
	}
}

// One request to Clerk for each 500 objects of a kind, each object is read once,
// and the users' windows leave none out.
func TestRequestsToClerk(t *testing.T) {
	t.Parallel()
	i := newInstance(t, clerk.Options{})
	companyOf(i, 1200)
	counts := i.run()
	want := map[string]int{
		"organization_permissions": 1, "organization_roles": 1, "organizations": 1, "count": 1, "users": 3,
		"organization_memberships": 5, "organization_invitations": 1, "organization_domains": 1,
	}
	if diff := cmp.Diff(want, i.takeRequests()); diff != "" {
		t.Errorf("requests differ (-want +got):\n%s", diff)
	}
	if counts[directory.KindMembership].Written != 2400 {
		t.Errorf("memberships = %+v, want 2400 written", counts[directory.KindMembership])
	}
	i.checkEqual()
}

// Parents are read before their children, and each kind by itself.
func TestKindsInOrder(t *testing.T) {
	t.Parallel()
	i := newInstance(t, clerk.Options{})
	i.run()
	var order []string
	for _, r := range i.requests {
		name, _, _ := strings.Cut(r, "?")
		order = append(order, name)
	}
	want := []string{
		"organization_permissions", "organization_roles", "organizations", "count", "users",
		"organization_memberships", "organization_invitations", "organization_domains",
	}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("requests differ (-want +got):\n%s", diff)
	}
	i.takeRequests()
	i.run(directory.KindMembership, directory.KindRole) // in the order of Kinds, whatever was asked for
	if got := i.takeRequests(); len(got) != 2 || got["organization_roles"] != 1 {
		t.Errorf("requests = %v, want two kinds", got)
	}
}

// An instance without organizations has nothing to read there, which is no failure.
func TestKindsThatAreSwitchedOff(t *testing.T) {
	t.Parallel()
	i := newInstance(t, clerk.Options{NoOrganizations: true})
	i.put(directory.KindUser, user("u1", 5, ""))
	counts := i.run()
	if counts[directory.KindUser].Written != 1 || counts[directory.KindUser].Skipped != "" {
		t.Errorf("user = %+v, want one that was written", counts[directory.KindUser])
	}
	for _, kind := range []string{directory.KindOrganization, directory.KindMembership, directory.KindInvitation} {
		if s := counts[kind].Skipped; s != "organization_not_enabled_in_instance" {
			t.Errorf("%s: skipped = %q, want Clerk's code", kind, s)
		}
	}
	i = newInstance(t, clerk.Options{NoDomains: true})
	if s := i.run()[directory.KindDomain].Skipped; s != "organization_domains_not_enabled" {
		t.Errorf("domain: skipped = %q, want Clerk's code", s)
	}
}

// An object that can have no row is said by kind and id, and the rest goes on.
func TestObjectsThatFail(t *testing.T) {
	t.Parallel()
	i := newInstance(t, clerk.Options{})
	for u := range 5 {
		i.put(directory.KindUser, user(fmt.Sprint("u", u), 5, ""))
	}
	i.put(directory.KindUser, `{"id":"u9","created_at":1772000000000,"updated_at":"ada@lumenoak.example"}`)
	counts := i.run()
	if want := (backfill.Counts{Read: 6, Written: 5, Failed: 1}); counts[directory.KindUser] != want {
		t.Errorf("counts = %+v, want %+v", counts[directory.KindUser], want)
	}
	if len(i.failures) != 1 || i.failures[0].Kind != "user" || i.failures[0].ID != "u9" ||
		strings.Contains(i.failures[0].Err.Error(), "ada") {
		t.Errorf("failures = %v, want u9 without its values", i.failures)
	}
}
