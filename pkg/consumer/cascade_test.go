package consumer_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Nothing live is left under a deleted parent, in whatever order parent and
// children come, and nothing elsewhere is deleted.
func TestCascades(t *testing.T) {
	t.Parallel()
	const member = "org:admin"
	// https://github.com/growupanand/ConvoForm/pull/97
	ofOrganization := append(messages(
		organization("created", "o1", 1, ""),
		membership("created", "o1", "u1", 2, 2, member),
		invitation("created", "o1", "i1", 3),
		domain("created", "o1", "d1", 4),
	), message("msg_8", deleted("organization", "o1", 8)))
	// https://github.com/vm0-ai/vm0/pull/6211
	ofUser := append(messages(
		user("created", "u1", 1, ""),
		membership("created", "o1", "u1", 2, 2, member),
		membership("created", "o2", "u1", 2, 2, member),
		organization("created", "o1", 1, ""),
	), message("msg_8", deleted("user", "u1", 8)))
	elsewhere := []delivery.Record{
		message("msg_5", membership("created", "o9", "u9", 2, 2, "x")),
		message("msg_6", domain("created", "o9", "d9", 2)),
		message("msg_7", invitation("created", "o9", "i9", 2)),
	}
	liveElsewhere := []string{
		"ORG#o9/MEMBER#u9", "USER#u9/MEMBERSHIP#o9", "DOMAIN#d9/DOMAIN", "ORG#o9/DOMAIN#d9", "ORG#o9/INVITATION#i9",
	}
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		check := func(records []delivery.Record, live ...string) {
			for _, order := range permutations(records) {
				h := newHarness(withPolicy(p))
				h.handle(t, elsewhere...)
				h.handle(t, order...)
				h.checkInvariants(t)
				h.checkLive(t, append(live, liveElsewhere...)...)
				for id, o := range h.outcomes() {
					parent := id == "msg_1" // stale where its deletion came before
					if o != consumer.Applied && !parent {
						t.Errorf("%v: outcome of %s = %s, want applied", ids(order), id, o)
					}
				}
			}
		}
		check(ofOrganization)
		check(ofUser, "ORG#o1/ORG")
	})
}

// What is left of a child that was deleted with its parent: with soft its
// attributes, and its own incarnation in `rev`, so that a new one is greater.
func TestDeletedChild(t *testing.T) {
	t.Parallel()
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		h := newHarness(withPolicy(p))
		h.handle(t, messages(membership("created", "o1", "u1", 2, 3, "org:admin"), deleted("organization", "o1", 8))...)
		want := directory.Row{
			"pk": "ORG#o1", "sk": "MEMBER#u1", "kind": "membership", "instance_id": "ins_a1",
			"rev":        "001772000000002-orgmem_o1_u1_2-1-000000000000000-1-001772000000008-msg_2",
			"svix_id":    "msg_2",
			"deleted_at": "2026-02-25T06:13:20.008Z",
			"synced_at":  "2026-03-03T01:06:40.123Z",
		}
		got := h.row(directory.MembershipKey("o1", "u1"))
		if p == consumer.Soft {
			object := got.Text("object")
			want["id"], want["org_id"], want["user_id"], want["role"] = "orgmem_o1_u1_2", "o1", "u1", "org:admin"
			want["created_at"] = directory.Number("1772000000002")
			want["updated_at"] = directory.Number("1772000000003")
			want["object"] = object
			if !strings.Contains(object, `"role":"org:admin"`) {
				t.Errorf("object = %q, want it readable after the deletion", object)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("deleted child differs (-want +got):\n%s", diff)
		}
		h.check(t, "stale applied",
			message("msg_3", membership("updated", "o1", "u1", 2, 9, "org:member")),
			message("msg_4", membership("created", "o1", "u1", 9, 9, "org:member")))
		h.checkLive(t)
		h.checkInvariants(t)
	})
}

// The children are listed page by page to the last.
func TestManyChildren(t *testing.T) {
	t.Parallel()
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		h := newHarness(withPolicy(p))
		for i := range 60 {
			n, role := strconv.Itoa(i), strings.Repeat("r", 30_000)
			h.handle(t,
				message("msg_a"+n, membership("created", "o1", "u"+n, 1, 1, role)),
				message("msg_b"+n, invitation("created", "o1", "i"+n, 1)),
				message("msg_c"+n, domain("created", "o1", "d"+n, 1)))
		}
		if _, next, err := h.memory.Live(t.Context(), "ORG#o1", "", ""); next == "" || err != nil {
			t.Fatalf("Live = next %q, %v, want several pages", next, err)
		}
		h.check(t, "applied", message("msg_z", deleted("organization", "o1", 2)))
		h.checkLive(t)
		h.checkInvariants(t)
	})
}

// A process may die after its write and before its follow-ups: then whatever
// comes next about that row, a duplicate or a stale message, does them.
func TestFollowUpsRunAgain(t *testing.T) {
	t.Parallel()
	children := messages(
		membership("created", "o1", "u1", 1, 1, "x"),
		domain("created", "o1", "d1", 1),
		invitation("created", "o1", "i1", 1))
	older := []delivery.Record{
		message("msg_0", membership("created", "o1", "u1", 1, 0, "x")),
		message("msg_01", domain("updated", "o1", "d1", 0)),
		message("msg_02", invitation("created", "o1", "i1", 0)),
	}
	deletion := message("msg_9", deleted("organization", "o1", 9))
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		other := newHarness(withPolicy(p))
		other.handle(t, deletion)
		died := directory.Write{
			Row:         other.row(directory.OrganizationKey("o1")),
			LedgerEntry: &directory.LedgerEntry{SvixID: "msg_9"},
		}
		check := func(want string, records ...delivery.Record) {
			h := newHarness(withPolicy(p))
			h.handle(t, children...)
			if _, err := h.memory.Write(t.Context(), died); err != nil {
				t.Fatal(err)
			}
			h.check(t, want, records...)
			h.checkLive(t)
			h.checkInvariants(t)
			if got := h.row(directory.MembershipKey("o1", "u1")).Text("svix_id"); got != "msg_9" {
				t.Errorf("svix_id of the child = %s, want that of the tombstone in the table", got)
			}
		}
		check("duplicate", deletion)
		check("stale", message("msg_8", deleted("organization", "o1", 8)))
		check("duplicate duplicate duplicate", children...)
		check("stale stale stale", older...)
	})
}

// What an operator changed by hand counts, not the message that comes again: a
// tombstone that was removed, or replaced by a live row, deletes nothing any more.
func TestTombstoneChangedByHand(t *testing.T) {
	t.Parallel()
	key := directory.OrganizationKey("o1")
	withoutRev := directory.NewRow(key, directory.KindOrganization)
	live := withoutRev.Clone()
	live["rev"] = "1"
	check := func(t *testing.T, p consumer.DeletionPolicy, byHand directory.Write, want ...string) {
		t.Helper()
		h := newHarness(withPolicy(p))
		deletion := message("msg_9", deleted("organization", "o1", 9))
		h.check(t, "applied", deletion)
		byHand.If = directory.IfNewer("~")
		if _, err := h.memory.Write(t.Context(), byHand); err != nil {
			t.Fatal(err)
		}
		h.check(t, "applied duplicate", message("msg_2", membership("created", "o1", "u1", 1, 1, "x")), deletion)
		h.checkLive(t, append(want, "ORG#o1/MEMBER#u1", "USER#u1/MEMBERSHIP#o1")...)
	}
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		check(t, p, directory.Write{Drop: []directory.Key{key}})
		check(t, p, directory.Write{Row: live}, "ORG#o1/ORG")
		check(t, p, directory.Write{Row: withoutRev}, "ORG#o1/ORG")
	})
}

// A tombstone that was put there by hand names no message, so its children do
// not either: not the one that wrote them.
func TestTombstonePutByHand(t *testing.T) {
	t.Parallel()
	h := newHarness()
	tombstone := directory.NewRow(directory.OrganizationKey("o1"), directory.KindOrganization)
	tombstone["rev"], tombstone["deleted_at"] = "1", "2026-03-02T00:00:00.000Z"
	if _, err := h.memory.Write(t.Context(), directory.Write{Row: tombstone}); err != nil {
		t.Fatal(err)
	}
	h.check(t, "applied", message("msg_1", membership("created", "o1", "u1", 1, 1, "x")))
	h.checkLive(t)
	if got := h.row(directory.MembershipKey("o1", "u1")); !got.Gone() || got["svix_id"] != nil {
		t.Errorf("svix_id of the child = %v, want none", got["svix_id"])
	}
}

// meanwhile makes a write, whatever the table holds, just before the first
// write that is no message's own: that of a child's tombstone.
func meanwhile(t *testing.T, h *harness, w directory.Write) {
	t.Helper()
	w.If = directory.IfNewer("~")
	done := false
	h.Table = &hookedTable{h.memory, func(ctx context.Context, about directory.Write) (err error) {
		if about.LedgerEntry == nil && !done {
			done = true
			_, err = h.memory.Write(ctx, w)
		}
		return err
	}}
}

// A child that is written between its listing and its tombstone is deleted as
// it is then, not as it was listed.
func TestChildChangesMeanwhile(t *testing.T) {
	t.Parallel()
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		key, pointer := directory.MembershipKey("o1", "u1"), directory.MembershipOfKey("o1", "u1")
		other := newHarness(withPolicy(p))
		other.handle(t, message("msg_5", membership("created", "o1", "u1", 5, 5, "late")))
		h := newHarness(withPolicy(p))
		h.handle(t, message("msg_1", membership("created", "o1", "u1", 1, 1, "x")))
		meanwhile(t, h, directory.Write{Row: other.row(key), Put: []directory.Row{other.row(pointer)}})
		h.check(t, "applied", message("msg_9", deleted("organization", "o1", 9)))
		h.checkLive(t)
		h.checkInvariants(t)
		if got, want := h.row(key).Revision().Incarnation(), other.row(key).Revision().Incarnation(); got != want {
			t.Errorf("incarnation of the deleted child = %v, want %v, the one that was written meanwhile", got, want)
		}
		if role := h.row(key).Text("role"); p == consumer.Soft && role != "late" {
			t.Errorf("role of the deleted child = %q, want the one that was written meanwhile", role)
		}
	})
}

// A domain that moved to another organization meanwhile is not deleted with the
// first.
func TestDomainMovesMeanwhile(t *testing.T) {
	t.Parallel()
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		other := newHarness(withPolicy(p))
		other.handle(t, message("msg_5", domain("updated", "o2", "d1", 5)))
		h := newHarness(withPolicy(p))
		h.handle(t, message("msg_1", domain("created", "o1", "d1", 1)))
		meanwhile(t, h, directory.Write{
			Row:  other.row(directory.DomainKey("d1")),
			Put:  []directory.Row{other.row(directory.DomainOfKey("o2", "d1"))},
			Drop: []directory.Key{directory.DomainOfKey("o1", "d1")},
		})
		h.check(t, "applied", message("msg_9", deleted("organization", "o1", 9)))
		h.checkLive(t, "DOMAIN#d1/DOMAIN", "ORG#o2/DOMAIN#d1")
		h.checkInvariants(t)
	})
}
