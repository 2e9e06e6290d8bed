package consumer_test

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// What a deletion leaves: soft all attributes, out of the indexes; hard none.
// https://github.com/koala73/worldmonitor/issues/8498
func TestTombstones(t *testing.T) {
	t.Parallel()
	full := message("msg_1", user("updated", "u1", 1000, `,"username":"ada","external_id":"x",`+
		`"email_addresses":[{"id":"i","email_address":"Ada@example.com"}],"public_metadata":{"a":1}`))
	deletion := message("msg_2", deleted("user", "u1", 2000))
	older := message("msg_9", deleted("user", "u1", 1500))
	tombstone := func(kept directory.Row) directory.Row {
		r := directory.Row{
			"pk": "USER#u1", "sk": "USER", "kind": "user",
			"rev":     "000000000000000-0-1-000000000000000-1-001772000002000-msg_2",
			"svix_id": "msg_2", "instance_id": "ins_a1",
			"deleted_at": "2026-02-25T06:13:22.000Z", "synced_at": "2026-03-03T01:06:40.123Z",
		}
		maps.Copy(r, kept)
		return r
	}
	kept := directory.Row{
		"id": "u1", "username": "ada", "external_id": "x", "updated_at": directory.Number("1772000001000"),
		"email": "ada@example.com", "email_verified": false, "email_addresses": []string{"Ada@example.com"},
		"object": full.Body[strings.Index(full.Body, `{"id"`) : len(full.Body)-1],
	}
	check := func(name string, p consumer.DeletionPolicy, want directory.Row, records ...delivery.Record) {
		t.Helper()
		h := newHarness(withPolicy(p))
		h.handle(t, records...)
		h.checkInvariants(t)
		if diff := cmp.Diff(tombstone(want), h.row(directory.UserKey("u1"))); diff != "" {
			t.Errorf("%s: tombstone differs (-want +got):\n%s", name, diff)
		}
	}
	check("soft", consumer.Soft, kept, full, deletion)
	check("soft, of an unknown user", consumer.Soft, directory.Row{"id": "u1"}, deletion, full)
	check("soft, an older deletion later", consumer.Soft, kept, full, deletion, older)
	check("soft, an older deletion first", consumer.Soft, kept, full, older, deletion)
	check("hard", consumer.Hard, nil, full, deletion)
	check("hard, of an unknown user", consumer.Hard, nil, deletion, full)
	check("hard, an older deletion first", consumer.Hard, nil, full, older, deletion)
}

// A deletion without a time is a deletion all the same.
func TestDeletionWithoutTime(t *testing.T) {
	t.Parallel()
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		h := newHarness(withPolicy(p))
		h.check(t, "applied applied stale", messages(
			user("created", "u1", 1, ""),
			`{"type":"user.deleted","data":{"id":"u1"}}`,
			user("updated", "u1", 9, ""))...)
		if got := h.row(directory.UserKey("u1")).Text("deleted_at"); got != "1970-01-01T00:00:00.000Z" {
			t.Errorf("deleted_at = %q, want the epoch", got)
		}
		h.checkLive(t)
	})
}

// A soft deletion keeps what is there when it is written, not when it was read.
func TestSoftDeletionReadsAgain(t *testing.T) {
	t.Parallel()
	late := directory.Row{
		"pk": "USER#u1", "sk": "USER", "kind": "user", "first_name": "late",
		"rev": "000000000000000-0-0-000000000000007-1-0-z",
	}
	var h *harness
	first := true
	h = newHarness(beforeWrite(func(ctx context.Context, w directory.Write) (err error) {
		if rev, ok := w.If.Newer(); ok {
			t.Errorf("a soft deletion's condition = newer than %s, want unchanged or absent", rev)
		}
		if first {
			first = false
			_, err = h.memory.Write(ctx, directory.Write{Row: late, If: directory.IfNewer("~")})
		}
		return err
	}))
	h.check(t, "applied", message("msg_2", deleted("user", "u1", 2000)))
	if r := h.row(directory.UserKey("u1")); r.Text("first_name") != "late" || !r.Gone() {
		t.Errorf("tombstone = %v, want it to keep what was written meanwhile", r)
	}
}

// A membership that is removed and created again is another incarnation in the
// same row: whatever is late about the first does not touch the second.
func TestIncarnations(t *testing.T) {
	t.Parallel()
	member, pointer := directory.MembershipKey("o1", "u1"), directory.MembershipOfKey("o1", "u1")
	first := message("msg_1", membership("created", "o1", "u1", 100, 100, "org:admin"))
	removed := message("msg_2", membership("deleted", "o1", "u1", 100, 100, "org:admin"))
	second := message("msg_3", membership("created", "o1", "u1", 200, 200, "org:member"))
	promoted := message("msg_4", membership("updated", "o1", "u1", 100, 150, "org:member"))
	secondRemoved := message("msg_5", membership("deleted", "o1", "u1", 200, 200, "org:member"))
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		// https://github.com/IBM/mcp-context-forge/issues/959
		for _, order := range permutations([]delivery.Record{first, removed, second}) {
			h := newHarness(withPolicy(p))
			h.handle(t, order...)
			h.checkInvariants(t)
			h.checkLive(t, "ORG#o1/MEMBER#u1", "USER#u1/MEMBERSHIP#o1")
			if r := h.row(member); r.Text("role") != "org:member" || r.Text("id") != "orgmem_o1_u1_200" {
				t.Errorf("%v: membership = %v, want the second incarnation", ids(order), r)
			}
		}

		// https://github.com/solana-foundation/solana-developer-platform/pull/24
		h := newHarness(withPolicy(p))
		h.check(t, "applied applied", first, promoted)
		if a, b := h.row(member).Text("role"), h.row(pointer).Text("role"); a != "org:member" || b != a {
			t.Errorf("role = %s, in the pointer %s, want both to follow", a, b)
		}
		h.check(t, "applied", removed)
		h.checkLive(t)
		h.checkInvariants(t)
		if role := h.row(member).Text("role"); (role == "org:member") != (p == consumer.Soft) {
			t.Errorf("role of the tombstone = %q", role)
		}

		// https://github.com/cloud-gov/pages-core/pull/3098
		h = newHarness(withPolicy(p))
		h.check(t, "applied", removed)
		if rows := h.memory.Rows(); len(rows) != 1 || !rows[member].Gone() {
			t.Errorf("rows = %v, want the membership's tombstone alone", rows)
		}

		// The second's deletion keeps nothing of the first.
		h = newHarness(withPolicy(p))
		h.check(t, "applied applied stale", first, secondRemoved, second)
		h.checkLive(t)
		if id := h.row(member).Text("id"); p == consumer.Soft && id != "orgmem_o1_u1_200" {
			t.Errorf("id of the tombstone = %q, want that of the second incarnation", id)
		}

		// The first's late deletion does not touch the second's tombstone.
		h = newHarness(withPolicy(p))
		h.check(t, "applied applied stale", second, secondRemoved, removed)
		if got := h.row(member).Revision().Incarnation(); got != "001772000000200-orgmem_o1_u1_200" {
			t.Errorf("incarnation = %s, want the second", got)
		}
	})
}

// Rows that were deleted under one policy are changed under the other.
func TestPolicyChanges(t *testing.T) {
	t.Parallel()
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		h := newHarness(withPolicy(p))
		h.handle(t, messages(
			membership("created", "o1", "u1", 1, 1, "x"), membership("deleted", "o1", "u1", 1, 1, "x"),
			domain("created", "o1", "d1", 1), deleted("organizationDomain", "d1", 1))...)
		if h.Policy = consumer.Soft; p == consumer.Soft {
			h.Policy = consumer.Hard
		}
		h.check(t, "applied applied applied",
			message("msg_5", membership("deleted", "o1", "u1", 1, 5, "x")),
			message("msg_6", deleted("organizationDomain", "d1", 6)),
			message("msg_7", membership("created", "o1", "u1", 7, 7, "x")))
		h.checkLive(t, "ORG#o1/MEMBER#u1", "USER#u1/MEMBERSHIP#o1")
		h.checkInvariants(t)
	})
}
