package projector_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

const (
	millis = 1_700_000_000_000
	none   = "000000000000000-0-"
)

// body is an event of that type; data's text is taken as it is.
func body(eventType, data string) string {
	return fmt.Sprintf(`{"type":%q,"object":"event","timestamp":%d,"instance_id":"ins_a1","data":%s}`, eventType, int64(millis), data)
}

func project(t *testing.T, text string) (projector.Change, error) {
	t.Helper()
	e, err := clerk.Decode([]byte(text))
	if err != nil {
		t.Fatalf("Decode(%.200s) = %v, want an event", text, err)
	}
	return projector.New(projector.StoreFull).Project(e, "msg_1")
}

// must is project where no error is wanted.
func must(t *testing.T, text string) projector.Change {
	t.Helper()
	c, err := project(t, text)
	if err != nil {
		t.Fatalf("Project(%.300s) = %v, want a change", text, err)
	}
	return c
}

// absent stands for an attribute that must not be there.
var absent = struct{}{}

func checkRow(t *testing.T, r directory.Row, want map[string]any) {
	t.Helper()
	for name, v := range want {
		got, ok := r[name]
		if v == absent {
			if ok {
				t.Errorf("attribute %s = %v, want none", name, got)
			}
			continue
		}
		if diff := cmp.Diff(v, got); diff != "" {
			t.Errorf("attribute %s differs (-want +got):\n%.500s", name, diff)
		}
	}
}

func TestRevisions(t *testing.T) {
	t.Parallel()
	envelope := func(eventType, timestamp, data string) string {
		return fmt.Sprintf(`{"type":%q,"timestamp":%s,"data":%s}`, eventType, timestamp, data)
	}
	for _, c := range []struct{ name, body, want string }{
		{"created", envelope("user.created", "1700000000500", `{"id":"u","updated_at":1700000000000}`), none + "0-001700000000000-0-001700000000500-msg_1"},
		{"updated", envelope("user.updated", "1700000000500", `{"id":"u","updated_at":1700000000000}`), none + "0-001700000000000-1-001700000000500-msg_1"},
		// https://github.com/better-auth/better-auth/pull/5745
		{"sent in seconds", envelope("user.updated", "1700000001", `{"id":"u","updated_at":1700000000000}`), none + "0-001700000000000-1-001700000001000-msg_1"},
		{"times of every form", envelope("user.updated", `"17000000005e2"`, `{"id":"u","updated_at":1.7e12}`), none + "0-001700000000000-1-001700000000500-msg_1"},
		{"no times", `{"type":"user.updated","data":{"id":"u"}}`, none + "0-000000000000000-1-000000000000000-msg_1"},
		{"times null and empty", envelope("user.updated", `""`, `{"id":"u","updated_at":null}`), none + "0-000000000000000-1-000000000000000-msg_1"},
		{"last millisecond", envelope("user.updated", "4102444799999", `{"id":"u","updated_at":4102444799999.9}`), none + "0-004102444799999-1-004102444799999-msg_1"},
		{"deleted", envelope("user.deleted", "1700000000500", `{"id":"u","deleted":true}`), none + "1-000000000000000-1-001700000000500-msg_1"},
		{"deleted, flag false", envelope("user.deleted", "1700000000500", `{"id":"u","deleted":false,"updated_at":5}`), none + "1-000000000005000-1-001700000000500-msg_1"},
		{"invitation accepted", envelope("organizationInvitation.accepted", "5", `{"id":"i","organization_id":"o"}`), none + "0-000000000000000-1-000000000005000-msg_1"},
		{"membership", envelope("organizationMembership.created", "1700000000500", member(`"updated_at":1700000000001`)), "001700000000000-orgmem_a1-0-001700000000001-0-001700000000500-msg_1"},
		{"membership that ends", envelope("organizationMembership.deleted", "1700000000500", member(`"updated_at":1700000000000`)), "001700000000000-orgmem_a1-1-001700000000000-1-001700000000500-msg_1"},
		{"membership of an odd id", envelope("organizationMembership.created", "0", `{"id":"a-b.c","created_at":"0","organization":{"id":"o"},"public_user_data":{"user_id":"u"}}`), "000000000000000-a~2Db~2Ec-0-000000000000000-0-000000000000000-msg_1"},
	} {
		if got := must(t, c.body).Revision; string(got) != c.want {
			t.Errorf("%s: Revision = %s, want %s", c.name, got, c.want)
		}
	}
}

func TestParentsAndChildren(t *testing.T) {
	t.Parallel()
	org, user := directory.OrganizationKey("org_a1"), directory.UserKey("user_a1")
	for _, c := range []struct {
		eventType, data string
		parents         []directory.Key
		children        projector.Children
	}{
		{"user.updated", `{"id":"user_a1"}`, nil, projector.NoChildren},
		{"user.deleted", `{"id":"user_a1"}`, nil, projector.MembershipsOfUser},
		{"organization.created", `{"id":"org_a1"}`, nil, projector.NoChildren},
		{"organization.deleted", `{"id":"org_a1"}`, nil, projector.AllOfOrganization},
		{"organizationMembership.updated", member(`"x":1`), []directory.Key{org, user}, projector.NoChildren},
		{"organizationMembership.deleted", member(`"x":1`), nil, projector.NoChildren},
		{"organizationInvitation.revoked", `{"id":"i","organization_id":"org_a1"}`, []directory.Key{org}, projector.NoChildren},
		{"organizationDomain.updated", `{"id":"d","organization_id":"org_a1"}`, []directory.Key{org}, projector.NoChildren},
		{"organizationDomain.updated", `{"id":"d"}`, nil, projector.NoChildren},
		{"organizationDomain.deleted", `{"id":"d","organization_id":"org_a1"}`, nil, projector.NoChildren},
		{"role.deleted", `{"id":"r"}`, nil, projector.NoChildren},
		{"permission.deleted", `{"id":"p"}`, nil, projector.NoChildren},
	} {
		change := must(t, body(c.eventType, c.data))
		if diff := cmp.Diff(c.parents, change.Parents); diff != "" || change.Children != c.children {
			t.Errorf("Project(%s, %s): children %d, want %d, parents differ (-want +got):\n%s", c.eventType, c.data, change.Children, c.children, diff)
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
