package backfill_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
)

// withBothPolicies runs the test with each.
func withBothPolicies(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	for _, p := range []consumer.DeletionPolicy{consumer.Soft, consumer.Hard} {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			test(t, newWorld(t, settings{policy: p}))
		})
	}
}

// company is an organization with three members, an invitation and a domain.
func company(w *world) {
	w.handle("organization.created", 1, `{"id":"o1","slug":"acme","updated_at":1772000000001}`)
	for i := range 3 {
		id := fmt.Sprint("u", i)
		w.handle("user.created", 2, user(id, 2, `,"username":"`+id+`"`))
		w.handle("organizationMembership.created", 3, membership("o1", id, 3, 3, ""))
	}
	w.handle("organizationInvitation.created", 4, `{"id":"i1","organization_id":"o1","updated_at":1772000000004}`)
	w.handle("organizationDomain.created", 4, `{"id":"d1","organization_id":"o1","updated_at":1772000000004}`)
}

// Trap 1: what Clerk denies is deleted with its children, not for ever: nothing
// of it is terminal.
func TestAbsence(t *testing.T) {
	t.Parallel()
	withBothPolicies(t, func(t *testing.T, w *world) {
		company(w)
		if !w.repair(directory.OrganizationKey("o1"), hour) {
			t.Fatal("DeleteAbsent = false, want true")
		}
		w.checkLive("USER#u0 USER", "USER#u1 USER", "USER#u2 USER")
		w.checkPointers()
		const first = "2026-02-25T07:13:20.000Z"
		const rest = "-0-001772003600000-1-001772003600000-absence"
		for key, incarnation := range map[directory.Key]string{
			directory.OrganizationKey("o1"):     "000000000000000-0",
			directory.MembershipKey("o1", "u0"): "001772000000003-orgmem_o1_u0_3",
			directory.InvitationKey("o1", "i1"): "000000000000000-0",
			directory.DomainKey("d1"):           "000000000000000-0",
		} {
			w.checkRow(key, map[string]any{
				"rev": incarnation + rest, "deleted_at": first, "deleted_by": "absence", "read_at": first,
				"svix_id": nil, "by_slug": nil, "instance_id": "ins_1",
			})
		}
		var slug any
		if w.Consumer.Policy == consumer.Soft {
			slug = "acme"
		}
		w.checkRow(directory.OrganizationKey("o1"), map[string]any{"slug": slug})
	})
}

// A false absence heals: with the next backfill, its children too, and with the
// next newer event.
func TestFalseAbsenceHeals(t *testing.T) {
	t.Parallel()
	withBothPolicies(t, func(t *testing.T, w *world) {
		company(w)
		before := w.live()
		w.repair(directory.OrganizationKey("o1"), hour)
		w.repair(directory.UserKey("u2"), hour)
		w.write(directory.KindOrganization, `{"id":"o1","slug":"acme","updated_at":1772000000001}`, 2*hour)
		w.handle("user.updated", 2*hour, user("u2", 2*hour, ""))
		for i := range 3 {
			w.write(directory.KindMembership, membership("o1", fmt.Sprint("u", i), 3, 3, ""), 2*hour)
		}
		w.write(directory.KindInvitation, `{"id":"i1","organization_id":"o1","updated_at":1772000000004}`, 2*hour)
		w.write(directory.KindDomain, `{"id":"d1","organization_id":"o1","updated_at":1772000000004}`, 2*hour)
		w.checkLive(before...)
		w.checkPointers()
		for k, r := range w.memory.Rows() {
			if r.Text(directory.AttrDeletedBy) != "" {
				t.Errorf("row %v is live and has deleted_by", k)
			}
		}
		w.checkRow(directory.OrganizationKey("o1"), map[string]any{
			"by_slug": "acme", "read_at": "2026-02-25T08:13:20.000Z",
		})
	})
}

// The event of a true deletion that comes later makes the tombstone final and
// leaves no word of the repair; the children's as well.
func TestTrueDeletionAfterAbsence(t *testing.T) {
	t.Parallel()
	withBothPolicies(t, func(t *testing.T, w *world) {
		company(w)
		o1 := directory.OrganizationKey("o1")
		w.repair(o1, hour)
		w.handle("organization.deleted", 9, `{"id":"o1","deleted":true}`) // sent before Clerk was asked
		w.checkRow(o1, map[string]any{
			"rev":        "000000000000000-0-1-000000000000000-1-001772000000009-msg_010",
			"deleted_at": "2026-02-25T06:13:20.009Z", "deleted_by": nil, "read_at": nil, "svix_id": "msg_010",
		})
		got := w.write(directory.KindOrganization, `{"id":"o1","updated_at":1772000000001}`, 2*hour)
		if got != "deleted" {
			t.Errorf("Write = %s, want deleted", got)
		}
		w.checkLive("USER#u0 USER", "USER#u1 USER", "USER#u2 USER")
	})
}

// The proof is about the row as it was: one that has changed since stays.
func TestAbsenceOfARowThatChanged(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(w *world){
		"updated": func(w *world) { w.handle("user.updated", 9, user("u1", 9, "")) },
		"deleted": func(w *world) { w.handle("user.deleted", 9, `{"id":"u1"}`) },
		"read":    func(w *world) { w.write(directory.KindUser, user("u1", 9, `,"a":1`), 9) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, settings{})
			w.handle("user.created", 5, user("u1", 5, ""))
			read := w.row(directory.UserKey("u1"))
			change(w)
			want := w.row(directory.UserKey("u1")).Revision()
			done, err := w.Consumer.DeleteAbsent(t.Context(), read, at(hour))
			if got := w.row(directory.UserKey("u1")).Revision(); err != nil || done || got != want {
				t.Errorf("DeleteAbsent = %t, %v, rev %s, want false and rev %s", done, err, got, want)
			}
		})
	}
	t.Run("newer than the first look", func(t *testing.T) { // a clock is wrong, and `rev` must not go back
		t.Parallel()
		w := newWorld(t, settings{})
		w.handle("user.created", hour+1, user("u1", hour+1, ""))
		if w.repair(directory.UserKey("u1"), hour) {
			t.Error("DeleteAbsent = true, want false")
		}
		w.checkLive("USER#u1 USER")
	})
	t.Run("rejoined", func(t *testing.T) { // trap 10: a tombstone of the first never hides the second
		t.Parallel()
		w := newWorld(t, settings{})
		w.handle("organizationMembership.created", 5, membership("o1", "u1", 5, 5, ""))
		w.repair(directory.MembershipKey("o1", "u1"), hour)
		w.handle("organizationMembership.updated", 6, membership("o1", "u1", 5, 6, "")) // late
		w.checkLive()
		w.checkPointers()
		w.handle("organizationMembership.created", 9, membership("o1", "u1", 9, 9, ""))
		w.checkLive("ORG#o1 MEMBER#u1", "USER#u1 MEMBERSHIP#o1")
	})
}

// DeleteAbsent may be called again after a lost answer, and then does what is
// left of the children.
func TestAbsenceWithLostAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, settings{})
		company(w)
		row := w.row(directory.OrganizationKey("o1"))
		for name, fault := range map[string]*func(context.Context, directory.Write) error{
			"effect": &w.table.after, "no effect": &w.table.before,
		} {
			*fault = func(context.Context, directory.Write) error { return errFault }
			if _, err := w.Consumer.DeleteAbsent(t.Context(), row, at(hour)); err == nil {
				t.Errorf("%s: DeleteAbsent = nil, want an error", name)
			}
			*fault = nil
		}
		// The organization's own tombstone is written now, and its children are not.
		if done, err := w.Consumer.DeleteAbsent(t.Context(), row, at(hour)); err != nil || !done {
			t.Errorf("DeleteAbsent = %t, %v, want true", done, err)
		}
		w.checkLive("USER#u0 USER", "USER#u1 USER", "USER#u2 USER")
		w.checkPointers()
	})
}

// Members that fail for longer than a round end the deletion, which goes on as
// long as some are deleted.
func TestAbsenceOfManyChildren(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, settings{})
		company(w)
		row, failing := w.row(directory.OrganizationKey("o1")), true
		w.table.before = func(_ context.Context, write directory.Write) error {
			if failing && strings.HasPrefix(write.Row.Text(directory.AttrSK), directory.PrefixMember) {
				return errFault
			}
			return nil
		}
		start := time.Now()
		if done, err := w.Consumer.DeleteAbsent(t.Context(), row, at(hour)); err == nil || !done {
			t.Errorf("DeleteAbsent = %t, %v, want true and an error", done, err)
		}
		if took := time.Since(start); took > 2*time.Minute {
			t.Errorf("it took %v, want the end soon after a round without progress", took)
		}
		failing = false
		if done, err := w.Consumer.DeleteAbsent(t.Context(), row, at(hour)); err != nil || !done {
			t.Errorf("DeleteAbsent = %t, %v, want true", done, err)
		}
		w.checkLive("USER#u0 USER", "USER#u1 USER", "USER#u2 USER")
	})
}
