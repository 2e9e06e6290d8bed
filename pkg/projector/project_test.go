package projector_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// sent is the time of envelopes, in Unix milliseconds.
const sent = 1_700_000_000_000

// body is an event of that type; data's text is taken as it is.
func body(eventType, data string) string {
	return envelope(eventType, strconv.Itoa(sent), data)
}

func envelope(eventType, timestamp, data string) string {
	return fmt.Sprintf(
		`{"type":%q,"object":"event","timestamp":%s,"instance_id":"ins_a1","data":%s}`, eventType, timestamp, data)
}

// membershipData is a membership's data: what identifies it, and more.
func membershipData(more string) string {
	return `{"id":"orgmem_a1","created_at":1700000000000,"organization":{"id":"org_a1"},` +
		`"public_user_data":{"user_id":"user_a1"}` + more + `}`
}

func project(t *testing.T, text string) (projector.Change, error) {
	t.Helper()
	e, err := clerk.Decode([]byte(text))
	if err != nil {
		t.Fatalf("Decode(%.200s) = %v, want an event", text, err)
	}
	return projector.New(projector.StoreFull).Project(e, "msg_1")
}

// mustProject is project where no error is wanted.
func mustProject(t *testing.T, text string) projector.Change {
	t.Helper()
	c, err := project(t, text)
	if err != nil {
		t.Fatalf("Project(%.300s) = %v, want a change", text, err)
	}
	return c
}

// attributes are some of a row's.
type attributes map[string]any

// absent stands for an attribute that a row must not have.
var absent = struct{}{}

func checkRow(t *testing.T, what string, r directory.Row, want attributes) {
	t.Helper()
	for name, v := range want {
		got, ok := r[name]
		if v == absent {
			if ok {
				t.Errorf("%.300s: attribute %s = %v, want none", what, name, got)
			}
			continue
		}
		if diff := cmp.Diff(v, got); diff != "" {
			t.Errorf("%.300s: attribute %s differs (-want +got):\n%.500s", what, name, diff)
		}
	}
}

// The order of two messages is the order of these texts: each field, and each
// form in which Clerk may send a time.
func TestRevisions(t *testing.T) {
	t.Parallel()
	const (
		at, later  = "1700000000000", "1700000000500"
		updated    = `{"id":"u","updated_at":` + at + `}`
		noID       = `{"id":"a-b.c","created_at":"0","organization":{"id":"o"},"public_user_data":{"user_id":"u"}}`
		invitation = `{"id":"i","organization_id":"o"}`
		member     = "00" + at + "-orgmem_a1"
		zero       = "000000000000000"
		none       = zero + "-0"
	)
	check := func(name, body, want string) {
		t.Helper()
		if got := mustProject(t, body).Revision; string(got) != want+"-msg_1" {
			t.Errorf("%s: Revision = %s, want %s-msg_1", name, got, want)
		}
	}
	check("created", envelope("user.created", later, updated), none+"-0-00"+at+"-0-00"+later)
	check("updated", envelope("user.updated", later, updated), none+"-0-00"+at+"-1-00"+later)
	// https://github.com/better-auth/better-auth/pull/5745
	check("sent in seconds", envelope("user.updated", "1700000001", updated),
		none+"-0-00"+at+"-1-001700000001000")
	check("times of other forms", envelope("user.updated", `"17000000005e2"`, `{"id":"u","updated_at":1.7e12}`),
		none+"-0-00"+at+"-1-00"+later)
	check("no times", `{"type":"user.updated","data":{"id":"u"}}`, none+"-0-"+zero+"-1-"+zero)
	check("times null and empty", envelope("user.updated", `""`, `{"id":"u","updated_at":null}`),
		none+"-0-"+zero+"-1-"+zero)
	check("last millisecond", envelope("user.updated", "4102444799999", `{"id":"u","updated_at":4102444799999.9}`),
		none+"-0-004102444799999-1-004102444799999")
	check("deleted", envelope("user.deleted", later, `{"id":"u","deleted":true}`),
		none+"-1-"+zero+"-1-00"+later)
	check("deleted, though the flag says no",
		envelope("user.deleted", later, `{"id":"u","deleted":false,"updated_at":5}`),
		none+"-1-000000000005000-1-00"+later)
	check("invitation accepted", envelope("organizationInvitation.accepted", "5", invitation),
		none+"-0-"+zero+"-1-000000000005000")
	check("membership created", envelope("organizationMembership.created", later, membershipData(`,"updated_at":`+at)),
		member+"-0-00"+at+"-0-00"+later)
	check("membership deleted", envelope("organizationMembership.deleted", later, membershipData(`,"updated_at":`+at)),
		member+"-1-00"+at+"-1-00"+later)
	check("membership with an id to be escaped", envelope("organizationMembership.created", "0", noID),
		zero+"-a~2Db~2Ec-0-"+zero+"-0-"+zero)
}

// What follows from a change: only deletions have children to delete, only live
// rows have parents to look for.
func TestParentsAndChildren(t *testing.T) {
	t.Parallel()
	org, user := directory.OrganizationKey("org_a1"), directory.UserKey("user_a1")
	type keys []directory.Key
	const inOrg = `{"id":"x","organization_id":"org_a1"}`
	for _, c := range []struct {
		event, data string
		parents     keys
		children    projector.Children
	}{
		{event: "user.updated", data: `{"id":"user_a1"}`},
		{event: "user.deleted", data: `{"id":"user_a1"}`, children: projector.MembershipsOfUser},
		{event: "organization.created", data: `{"id":"org_a1"}`},
		{event: "organization.deleted", data: `{"id":"org_a1"}`, children: projector.AllOfOrganization},
		{event: "organizationMembership.updated", data: membershipData(""), parents: keys{org, user}},
		{event: "organizationMembership.deleted", data: membershipData("")},
		{event: "organizationInvitation.revoked", data: inOrg, parents: keys{org}},
		{event: "organizationDomain.updated", data: inOrg, parents: keys{org}},
		{event: "organizationDomain.updated", data: `{"id":"d"}`},
		{event: "organizationDomain.deleted", data: inOrg},
		{event: "role.deleted", data: `{"id":"r"}`},
		{event: "permission.deleted", data: `{"id":"p"}`},
	} {
		change := mustProject(t, body(c.event, c.data))
		if !slices.Equal(change.Parents, c.parents) || change.Children != c.children {
			t.Errorf("Project(%s, %s): parents %v, children %d, want %v, %d",
				c.event, c.data, change.Parents, change.Children, c.parents, c.children)
		}
	}
}

// A family that is kept and has no row, or has a row and is not kept, is a
// mistake in one of the two lists.
func TestFamiliesAreThoseThatAreKept(t *testing.T) {
	t.Parallel()
	var kept []string
	for _, f := range clerk.KeptFamilies() {
		kept = append(kept, f.Name)
	}
	slices.Sort(kept)
	if diff := cmp.Diff(kept, projector.FamilyNames()); diff != "" {
		t.Errorf("families differ (-clerk.KeptFamilies +projector):\n%s", diff)
	}
}
