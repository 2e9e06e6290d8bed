package consumer_test

import (
	"fmt"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// TestTombstones: what a deletion leaves.
// https://github.com/koala73/worldmonitor/issues/8498
func TestTombstones(t *testing.T) {
	t.Parallel()
	full := message("msg_1", user("updated", "u1", 1000, `,"email_addresses":[{"id":"i","email_address":"Ada@example.com"}],"username":"ada","external_id":"x","public_metadata":{"a":1}`))
	gone := message("msg_2", deleted("user", "u1", 2000))
	stamp := map[string]any{
		"pk": "USER#u1", "sk": "USER", "kind": "user", "rev": "000000000000000-0-1-000000000000000-1-001772000002000-msg_2",
		"svix_id": "msg_2", "instance_id": "ins_a1", "synced_at": "2026-03-03T01:06:40.123Z", "deleted_at": "2026-02-25T06:13:22.000Z",
	}
	tombstone := func(kept directory.Row) directory.Row {
		r := directory.Row{}
		for name, v := range kept {
			r[name] = v
		}
		for name, v := range stamp {
			r[name] = v
		}
		return r
	}
	object := full.Body[strings.Index(full.Body, `{"id"`) : len(full.Body)-1]
	kept := directory.Row{
		"id": "u1", "email": "ada@example.com", "email_verified": false, "email_addresses": []string{"Ada@example.com"},
		"username": "ada", "external_id": "x", "updated_at": directory.Number("1772000001000"), "object": object,
	}
	for _, c := range []struct {
		name    string
		policy  consumer.DeletionPolicy
		records []delivery.Record
		want    directory.Row
	}{
		{"soft keeps what was there, out of the indexes", consumer.Soft, []delivery.Record{full, gone}, tombstone(kept)},
		{"soft of nobody known", consumer.Soft, []delivery.Record{gone, full}, tombstone(directory.Row{"id": "u1"})},
		{"hard keeps nothing", consumer.Hard, []delivery.Record{full, gone}, tombstone(nil)},
		{"hard of nobody known", consumer.Hard, []delivery.Record{gone, full}, tombstone(nil)},
		{"a second deletion that is older", consumer.Soft, []delivery.Record{full, gone, message("msg_9", deleted("user", "u1", 1500))}, tombstone(kept)},
		{"a first deletion that is older", consumer.Soft, []delivery.Record{full, message("msg_9", deleted("user", "u1", 1500)), gone}, tombstone(kept)},
		{"a first deletion that is older, hard", consumer.Hard, []delivery.Record{full, message("msg_9", deleted("user", "u1", 1500)), gone}, tombstone(nil)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(with(c.policy))
			w.handle(t, c.records...)
			if d := diff.Diff(c.want, w.row(directory.UserKey("u1"))); d != "" {
				t.Errorf("tombstone differs (-want +got):\n%s", d)
			}
			w.checkInvariants(t)
		})
	}
}

// TestNoEnvelopeTime: a deletion without a time is one all the same.
func TestNoEnvelopeTime(t *testing.T) {
	t.Parallel()
	for _, p := range policies() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			w := newWorld(with(p))
			w.check(t, "applied applied stale", message("msg_1", user("created", "u1", 1, "")), message("msg_2", `{"type":"user.deleted","data":{"id":"u1"}}`), message("msg_3", user("updated", "u1", 9, "")))
			if got := w.row(directory.UserKey("u1")).Text("deleted_at"); got != "1970-01-01T00:00:00.000Z" {
				t.Errorf("deleted_at = %q, want the epoch", got)
			}
			w.checkLive(t)
		})
	}
}

// TestSoftReadsAnew: the row changes between the deletion's look and its write.
func TestSoftReadsAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(func(w *world, c *consumer.Config) {
		c.Table = &hooked{Memory: w.memory, before: func(n int, write directory.Write) {
			if n == 1 {
				w.memory.Write(t.Context(), directory.Write{Row: directory.Row{"pk": "USER#u1", "sk": "USER", "kind": "user", "rev": "000000000000000-0-0-000000000000007-1-0-z", "first_name": "late"}, If: directory.IfNewer("~")})
			}
			if rev, ok := write.If.Newer(); ok {
				t.Errorf("a soft deletion's condition = newer than %s, want unchanged or absent", rev)
			}
		}}
	})
	w.check(t, "applied", message("msg_2", deleted("user", "u1", 2000)))
	if r := w.row(directory.UserKey("u1")); r.Text("first_name") != "late" || !r.Gone() {
		t.Errorf("tombstone = %v, want it to keep what was written meanwhile", r)
	}
}

func TestMemberships(t *testing.T) {
	t.Parallel()
	m, p := directory.MembershipKey("o1", "u1"), directory.MembershipOfKey("o1", "u1")
	first, second := message("msg_1", membership("created", "o1", "u1", 100, 100, "org:admin")), message("msg_3", membership("created", "o1", "u1", 200, 200, "org:member"))
	removed := message("msg_2", membership("deleted", "o1", "u1", 100, 100, "org:admin"))
	for _, policy := range policies() {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			// https://github.com/IBM/mcp-context-forge/issues/959
			for _, order := range permutations([]delivery.Record{first, removed, second}) {
				w := newWorld(with(policy))
				w.handle(t, order...)
				w.checkInvariants(t)
				w.checkLive(t, "ORG#o1/MEMBER#u1", "USER#u1/MEMBERSHIP#o1")
				if r, q := w.row(m), w.row(p); r.Text("role") != "org:member" || q.Text("role") != "org:member" || r.Text("id") != "orgmem_o1_u1_200" {
					t.Errorf("%v: membership = %v, want that of the second incarnation", ids(order), r)
				}
			}

			// https://github.com/solana-foundation/solana-developer-platform/pull/24
			w := newWorld(with(policy))
			w.check(t, "applied applied", first, message("msg_4", membership("updated", "o1", "u1", 100, 150, "org:member")))
			if w.row(m).Text("role") != "org:member" || w.row(p).Text("role") != "org:member" {
				t.Errorf("role = %s, in the pointer %s, want both to follow", w.row(m).Text("role"), w.row(p).Text("role"))
			}
			w.check(t, "applied", removed)
			w.checkLive(t)
			w.checkInvariants(t)
			if r := w.row(m); (r.Text("role") == "org:member") != (policy == consumer.Soft) {
				t.Errorf("role of the tombstone = %q with %s", r.Text("role"), policy)
			}

			// https://github.com/cloud-gov/pages-core/pull/3098
			w = newWorld(with(policy))
			w.check(t, "applied", removed)
			if rows := w.memory.Rows(); len(rows) != 1 || !rows[m].Gone() {
				t.Errorf("rows = %v, want the membership's tombstone alone", rows)
			}

			// The second incarnation's deletion keeps nothing of the first.
			w = newWorld(with(policy))
			w.check(t, "applied applied stale", first, message("msg_5", membership("deleted", "o1", "u1", 200, 200, "org:member")), second)
			if r := w.row(m); policy == consumer.Soft && (r.Text("id") != "orgmem_o1_u1_200" || r.Text("role") != "org:member") {
				t.Errorf("tombstone = %v, want the second incarnation's attributes", r)
			}
			w.checkLive(t)

			// Nor is the second's tombstone changed by the first's late deletion.
			w = newWorld(with(policy))
			w.check(t, "applied applied stale", second, message("msg_5", membership("deleted", "o1", "u1", 200, 200, "org:member")), removed)
			if got := w.row(m).Revision().Incarnation(); got != "001772000000200-orgmem_o1_u1_200" {
				t.Errorf("incarnation = %s, want the second", got)
			}
		})
	}
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	w := newWorld(nil)
	w.check(t, "applied applied stale", message("msg_1", invitation("created", "o1", "i1", 1)), message("msg_3", invitation("revoked", "o1", "i1", 3)), message("msg_2", invitation("accepted", "o1", "i1", 2)))
	if r := w.row(directory.InvitationKey("o1", "i1")); r.Text("status") != "revoked" || !r.Live() {
		t.Errorf("invitation = %v, want it live and revoked", r)
	}
	w.checkInvariants(t)
}

func TestDomains(t *testing.T) {
	t.Parallel()
	d := directory.DomainKey("d1")
	created, ended := message("msg_1", domain("created", "o1", "d1", 1)), message("msg_2", deleted("organizationDomain", "d1", 2))
	for _, p := range policies() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			// https://github.com/clerk/javascript/issues/4818
			for _, c := range []struct {
				order []delivery.Record
				want  string
			}{{[]delivery.Record{created, ended}, "applied applied"}, {[]delivery.Record{ended, created}, "applied stale"}} {
				w := newWorld(with(p))
				w.check(t, c.want, c.order...)
				w.checkLive(t)
				if rows := w.memory.Rows(); len(rows) != 1 || !rows[d].Gone() {
					t.Errorf("rows = %v, want the domain's tombstone alone", rows)
				}
			}

			first, second := message("msg_1", domain("created", "o1", "d1", 1)), message("msg_3", domain("updated", "o2", "d1", 3))
			for _, order := range permutations([]delivery.Record{first, second}) {
				w := newWorld(with(p))
				w.handle(t, order...)
				w.checkLive(t, "DOMAIN#d1/DOMAIN", "ORG#o2/DOMAIN#d1")
				w.checkInvariants(t)
				w.check(t, "applied", message("msg_4", organizationLess))
				w.checkLive(t, "DOMAIN#d1/DOMAIN")
				w.check(t, "applied", message("msg_5", domain("updated", "o3", "d1", 5)))
				w.checkLive(t, "DOMAIN#d1/DOMAIN", "ORG#o3/DOMAIN#d1")
				w.check(t, "applied", message("msg_6", deleted("organizationDomain", "d1", 6)))
				w.checkLive(t)
				w.checkInvariants(t)
			}
		})
	}
}

// organizationLess is an update of d1 that names no organization.
var organizationLess = event("organizationDomain.updated", base+4, fmt.Sprintf(`{"id":"d1","name":"example.com","updated_at":%d}`, base+4))

// TestPolicyChanged: tombstones of one policy are met by the other.
func TestPolicyChanged(t *testing.T) {
	t.Parallel()
	for _, first := range []consumer.DeletionPolicy{consumer.Soft, consumer.Hard} {
		w := newWorld(with(first))
		w.handle(t, message("msg_1", membership("created", "o1", "u1", 1, 1, "x")), message("msg_2", membership("deleted", "o1", "u1", 1, 1, "x")), message("msg_3", domain("created", "o1", "d1", 1)), message("msg_4", deleted("organizationDomain", "d1", 1)))
		w.Policy = map[consumer.DeletionPolicy]consumer.DeletionPolicy{consumer.Soft: consumer.Hard, consumer.Hard: consumer.Soft}[first]
		w.check(t, "applied applied applied", message("msg_5", membership("deleted", "o1", "u1", 1, 5, "x")), message("msg_6", deleted("organizationDomain", "d1", 6)), message("msg_7", membership("created", "o1", "u1", 7, 7, "x")))
		w.checkLive(t, "ORG#o1/MEMBER#u1", "USER#u1/MEMBERSHIP#o1")
		w.checkInvariants(t)
	}
}

// TestLongRows: a row over 400 KB gives up what is largest, live and ended.
// https://github.com/boostercloud/booster/issues/605
func TestLongRows(t *testing.T) {
	t.Parallel()
	w := newWorld(nil)
	w.check(t, "applied", message("msg_1", user("created", "u1", 1, `,"first_name":"Ada","public_metadata":{"a":"`+strings.Repeat("x", 450_000)+`"}`)))
	r := w.row(directory.UserKey("u1"))
	if d := diff.Diff([]string{"object"}, r["omitted"]); d != "" || r["object"] != nil || r["first_name"] != "Ada" {
		t.Errorf("row of %d bytes: omitted differs (-want +got):\n%s", r.Size(), d)
	}
	w.check(t, "applied", message("msg_2", deleted("user", "u1", 2)))
	if r := w.row(directory.UserKey("u1")); !r.Gone() || r.Size() > directory.MaxRowBytes || r["first_name"] != "Ada" {
		t.Errorf("tombstone of %d bytes, gone = %t", r.Size(), r.Gone())
	}
	w.check(t, "applied", message("msg_3", membership("created", "o1", "u2", 1, 1, strings.Repeat("r", 410_000))))
	w.checkInvariants(t)
	if r := w.row(directory.MembershipKey("o1", "u2")); r.Text("org_id") != "o1" || !r.Live() {
		t.Errorf("membership = %d bytes, want its ids kept", r.Size())
	}
}
