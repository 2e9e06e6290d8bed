package consumer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// An invitation is never deleted by an event: revoked is a status.
func TestInvitations(t *testing.T) {
	t.Parallel()
	h := newHarness()
	h.check(t, "applied applied stale",
		message("msg_1", invitation("created", "o1", "i1", 1)),
		message("msg_3", invitation("revoked", "o1", "i1", 3)),
		message("msg_2", invitation("accepted", "o1", "i1", 2)))
	if r := h.row(directory.InvitationKey("o1", "i1")); r.Text("status") != "revoked" || !r.Live() {
		t.Errorf("invitation = %v, want it live and revoked", r)
	}
	h.checkInvariants(t)
}

// A domain's deletion names no organization, and a domain may move or have
// none: its pointer goes along. https://github.com/clerk/javascript/issues/4818
func TestDomains(t *testing.T) {
	t.Parallel()
	d1 := directory.DomainKey("d1")
	created := message("msg_1", domain("created", "o1", "d1", 1))
	moved := message("msg_3", domain("updated", "o2", "d1", 3))
	deletion := message("msg_2", deleted("organizationDomain", "d1", 2))
	withoutOrganization := event("organizationDomain.updated", base+4,
		fmt.Sprintf(`{"id":"d1","name":"example.com","updated_at":%d}`, base+4))
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		check := func(want string, order ...delivery.Record) {
			h := newHarness(withPolicy(p))
			h.check(t, want, order...)
			if rows := h.memory.Rows(); len(rows) != 1 || !rows[d1].Gone() {
				t.Errorf("rows = %v, want the domain's tombstone alone", rows)
			}
		}
		check("applied applied", created, deletion)
		check("applied stale", deletion, created)

		for _, order := range permutations([]delivery.Record{created, moved}) {
			h := newHarness(withPolicy(p))
			h.handle(t, order...)
			h.checkInvariants(t)
			h.checkLive(t, "DOMAIN#d1/DOMAIN", "ORG#o2/DOMAIN#d1")
			h.check(t, "applied", message("msg_4", withoutOrganization))
			h.checkLive(t, "DOMAIN#d1/DOMAIN")
			h.check(t, "applied", message("msg_5", domain("updated", "o3", "d1", 5)))
			h.checkLive(t, "DOMAIN#d1/DOMAIN", "ORG#o3/DOMAIN#d1")
			h.check(t, "applied", message("msg_6", deleted("organizationDomain", "d1", 6)))
			h.checkLive(t)
			h.checkInvariants(t)
		}
	})
}

// A role that changes its key takes its pointer along, and its deletion names no
// key at all: whatever the order, the pointer is there exactly while the role is
// live and under the key that it has now.
func TestRoles(t *testing.T) {
	t.Parallel()
	role := func(n int64, key string) delivery.Record {
		return message(fmt.Sprint("msg_", n), event("role.updated", base+n,
			fmt.Sprintf(`{"id":"r1","key":%q,"permissions":[{"key":"org:p%d"}],"updated_at":%d}`, key, n, base+n)))
	}
	first, renamed, removed := role(1, "org:a"), role(3, "org:b"), message("msg_2", deleted("role", "r1", 2))
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		for _, order := range permutations([]delivery.Record{first, renamed}) {
			h := newHarness(withPolicy(p))
			h.handle(t, order...)
			h.checkInvariants(t)
			h.checkLive(t, "ROLE#r1/ROLE", "ROLE_KEY#org:b/ROLE#r1")
			h.check(t, "applied", role(4, ""))
			h.checkLive(t, "ROLE#r1/ROLE")
			h.check(t, "applied", role(5, "org:c"))
			h.checkLive(t, "ROLE#r1/ROLE", "ROLE_KEY#org:c/ROLE#r1")
			h.check(t, "applied", message("msg_6", deleted("role", "r1", 6)))
			h.checkLive(t)
			h.checkInvariants(t)
		}
		// A deletion is final, whatever else is newer by its times.
		for _, order := range permutations([]delivery.Record{first, renamed, removed}) {
			h := newHarness(withPolicy(p))
			h.handle(t, order...)
			if rows := h.memory.Rows(); len(rows) != 1 || !rows[directory.RoleKey("r1")].Gone() {
				t.Errorf("%v: rows = %v, want the role's tombstone alone", ids(order), rows)
			}
		}
	})
}

// The rows of two roles with one key, of two instances, do not touch each other.
func TestRolesWithOneKey(t *testing.T) {
	t.Parallel()
	h := newHarness()
	h.check(t, "applied applied applied", messages(
		event("role.created", base, `{"id":"r1","key":"org:a"}`),
		event("role.created", base, `{"id":"r2","key":"org:a"}`),
		deleted("role", "r1", 5))...)
	h.checkLive(t, "ROLE#r2/ROLE", "ROLE_KEY#org:a/ROLE#r2")
	h.checkInvariants(t)
}

// A deletion that read a role before it changed its key reads it again: else the
// pointer under the new key would stay.
func TestRoleChangesMeanwhile(t *testing.T) {
	t.Parallel()
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		created := message("msg_1", event("role.created", base, `{"id":"r1","key":"org:a"}`))
		renamed := message("msg_2", event("role.updated", base+2, `{"id":"r1","key":"org:b","updated_at":5}`))
		other := newHarness(withPolicy(p))
		other.handle(t, created, renamed)
		var h *harness
		done := false
		h = newHarness(withPolicy(p), beforeWrite(func(ctx context.Context, w directory.Write) (err error) {
			if w.Row.Gone() && !done {
				done = true
				_, err = h.memory.Write(ctx, directory.Write{
					Row:  other.row(directory.RoleKey("r1")),
					If:   directory.IfNewer("~"),
					Put:  []directory.Row{other.row(directory.RoleByKeyKey("org:b", "r1"))},
					Drop: []directory.Key{directory.RoleByKeyKey("org:a", "r1")},
				})
			}
			return err
		}))
		h.check(t, "applied applied", created, message("msg_9", deleted("role", "r1", 9)))
		h.checkLive(t)
		h.checkInvariants(t)
	})
}

// A row over 400 KB gives up what is largest, and so does its tombstone.
// https://github.com/boostercloud/booster/issues/605
func TestLongRows(t *testing.T) {
	t.Parallel()
	h := newHarness()
	h.check(t, "applied", message("msg_1", user("created", "u1", 1,
		`,"first_name":"Ada","public_metadata":{"a":"`+strings.Repeat("x", 450_000)+`"}`)))
	r := h.row(directory.UserKey("u1"))
	if diff := cmp.Diff([]string{"object"}, r["omitted"]); diff != "" {
		t.Errorf("row of %d bytes: omitted differs (-want +got):\n%s", r.Size(), diff)
	}
	if r["object"] != nil || r["first_name"] != "Ada" {
		t.Errorf("object = %.20v, first_name = %v, want none and Ada", r["object"], r["first_name"])
	}
	h.check(t, "applied", message("msg_2", deleted("user", "u1", 2)))
	if r := h.row(directory.UserKey("u1")); !r.Gone() || r.Size() > directory.MaxRowBytes || r["first_name"] != "Ada" {
		t.Errorf("tombstone of %d bytes, gone = %t", r.Size(), r.Gone())
	}
	h.check(t, "applied", message("msg_3", membership("created", "o1", "u2", 1, 1, strings.Repeat("r", 410_000))))
	h.checkInvariants(t)
	if r := h.row(directory.MembershipKey("o1", "u2")); r.Text("org_id") != "o1" || !r.Live() {
		t.Errorf("membership = %d bytes, want its ids kept", r.Size())
	}
}
