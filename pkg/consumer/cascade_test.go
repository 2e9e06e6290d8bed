package consumer_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
)

// hooked is a table that calls before each write; n counts them from 1.
type hooked struct {
	*directorytest.Memory
	before func(n int, w directory.Write)

	mu sync.Mutex
	n  int
}

func (h *hooked) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	h.mu.Lock()
	h.n++
	n := h.n
	h.mu.Unlock()
	h.before(n, w)
	return h.Memory.Write(ctx, w)
}

// TestCascades: nothing live is left under a deleted parent, in whatever
// order parent and children come.
func TestCascades(t *testing.T) {
	t.Parallel()
	org := []delivery.Record{
		message("msg_1", organization("created", "o1", 1, "")),
		message("msg_2", membership("created", "o1", "u1", 2, 2, "org:admin")),
		message("msg_3", invitation("created", "o1", "i1", 3)),
		message("msg_4", domain("created", "o1", "d1", 4)),
	}
	user := []delivery.Record{
		message("msg_1", user("created", "u1", 1, "")),
		message("msg_2", membership("created", "o1", "u1", 2, 2, "org:admin")),
		message("msg_3", membership("created", "o2", "u1", 2, 2, "org:admin")),
		message("msg_4", organization("created", "o1", 1, "")),
	}
	elsewhere := []delivery.Record{
		message("msg_5", membership("created", "o9", "u9", 2, 2, "x")), message("msg_6", domain("created", "o9", "d9", 2)), message("msg_7", invitation("created", "o9", "i9", 2)),
	}
	others := []string{"ORG#o9/MEMBER#u9", "USER#u9/MEMBERSHIP#o9", "DOMAIN#d9/DOMAIN", "ORG#o9/DOMAIN#d9", "ORG#o9/INVITATION#i9"}
	for _, p := range policies() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			for _, c := range []struct {
				name    string
				records []delivery.Record
				live    []string
			}{
				// https://github.com/growupanand/ConvoForm/pull/97
				{"organization", append(org, message("msg_8", deleted("organization", "o1", 8))), nil},
				// https://github.com/vm0-ai/vm0/pull/6211
				{"user", append(user, message("msg_8", deleted("user", "u1", 8))), []string{"ORG#o1/ORG"}},
			} {
				for _, order := range permutations(c.records) {
					w := newWorld(with(p))
					w.handle(t, elsewhere...)
					w.handle(t, order...)
					w.checkInvariants(t)
					w.checkLive(t, append(c.live, others...)...)
					for _, o := range order {
						if o.MessageID == "sqs-msg_1" {
							continue // stale where the deletion came before
						}
						if got := w.memory.Ledger()[strings.TrimPrefix(o.MessageID, "sqs-")].Outcome; got != string(consumer.Applied) {
							t.Errorf("%s %v: outcome of %s = %s, want applied", c.name, ids(order), o.MessageID, got)
						}
					}
				}
			}
		})
	}
}

// TestEndedChild: what a cascade leaves of a child.
func TestEndedChild(t *testing.T) {
	t.Parallel()
	for _, p := range policies() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			w := newWorld(with(p))
			w.handle(t, message("msg_1", membership("created", "o1", "u1", 2, 3, "org:admin")), message("msg_2", deleted("organization", "o1", 8)))
			want := directory.Row{
				"pk": "ORG#o1", "sk": "MEMBER#u1", "kind": "membership", "instance_id": "ins_a1", "synced_at": "2026-03-03T01:06:40.123Z",
				"rev":     "001772000000002-orgmem_o1_u1_2-1-000000000000000-1-001772000000008-msg_2",
				"svix_id": "msg_2", "deleted_at": "2026-02-25T06:13:20.008Z",
			}
			got := w.row(directory.MembershipKey("o1", "u1"))
			if p == consumer.Soft {
				object := got.Text("object")
				for name, v := range map[string]directory.Value{
					"id": "orgmem_o1_u1_2", "org_id": "o1", "user_id": "u1", "role": "org:admin",
					"created_at": directory.Number("1772000000002"), "updated_at": directory.Number("1772000000003"), "object": object,
				} {
					want[name] = v
				}
				if !strings.Contains(object, `"role":"org:admin"`) {
					t.Errorf("object = %q, want it readable after the end", object)
				}
			}
			if d := diff.Diff(want, got); d != "" {
				t.Errorf("ended child differs (-want +got):\n%s", d)
			}
			w.check(t, "stale", message("msg_3", membership("updated", "o1", "u1", 2, 9, "org:member")))
			w.check(t, "applied", message("msg_4", membership("created", "o1", "u1", 9, 9, "org:member")))
			w.checkLive(t)
			w.checkInvariants(t)
		})
	}
}

// TestManyChildren: more than a page of them.
func TestManyChildren(t *testing.T) {
	t.Parallel()
	for _, p := range policies() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			w := newWorld(with(p))
			const children = 60
			for i := range children {
				w.handle(t,
					message(fmt.Sprint("msg_a", i), membership("created", "o1", fmt.Sprint("u", i), 1, 1, strings.Repeat("r", 30_000))),
					message(fmt.Sprint("msg_b", i), invitation("created", "o1", fmt.Sprint("i", i), 1)),
					message(fmt.Sprint("msg_c", i), domain("created", "o1", fmt.Sprint("d", i), 1)))
			}
			if _, next, err := w.memory.Live(t.Context(), "ORG#o1", "", ""); next == "" || err != nil {
				t.Fatalf("Live = next %q, %v, want several pages", next, err)
			}
			w.check(t, "applied", message("msg_z", deleted("organization", "o1", 2)))
			w.checkLive(t)
			w.checkInvariants(t)
		})
	}
}

// TestFollowUpsRunAgain: whoever was first may have died between its write and
// its follow-ups; a duplicate and a stale message do them.
func TestFollowUpsRunAgain(t *testing.T) {
	t.Parallel()
	for _, p := range policies() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			alive := []delivery.Record{message("msg_1", membership("created", "o1", "u1", 1, 1, "x")), message("msg_2", domain("created", "o1", "d1", 1)), message("msg_3", invitation("created", "o1", "i1", 1))}
			gone := message("msg_9", deleted("organization", "o1", 9))
			tombstone := newWorld(with(p))
			tombstone.handle(t, gone)
			left := func() *world { // the tombstone is there, its children live on
				w := newWorld(with(p))
				w.handle(t, alive...)
				if _, err := w.memory.Write(t.Context(), directory.Write{Row: tombstone.row(directory.OrganizationKey("o1")), LedgerEntry: &directory.LedgerEntry{SvixID: "msg_9"}}); err != nil {
					t.Fatal(err)
				}
				return w
			}
			w := left()
			w.check(t, "duplicate", gone)
			w.checkLive(t)
			w.checkInvariants(t)

			w = left()
			w.check(t, "stale", message("msg_8", deleted("organization", "o1", 8)))
			w.checkLive(t)
			if got := w.row(directory.MembershipKey("o1", "u1")).Text("svix_id"); got != "msg_9" {
				t.Errorf("svix_id of the child = %s, want that of the tombstone that is there", got)
			}

			w = left()
			w.check(t, "duplicate duplicate duplicate", alive...)
			w.checkLive(t)
			w.checkInvariants(t)

			w = left()
			w.check(t, "stale stale stale", message("msg_0", membership("created", "o1", "u1", 1, 0, "x")), message("msg_01", domain("updated", "o1", "d1", 0)), message("msg_02", invitation("created", "o1", "i1", 0)))
			w.checkLive(t)
			w.checkInvariants(t)
		})
	}
}

// TestRemovedByHand: a tombstone that somebody took away ends nothing.
func TestRemovedByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(nil)
	gone := message("msg_9", deleted("organization", "o1", 9))
	w.check(t, "applied applied", gone, message("msg_1", organization("created", "o2", 1, "")))
	drop := directory.Write{Drop: []directory.Key{directory.OrganizationKey("o1")}}
	if _, err := w.memory.Write(t.Context(), drop); err != nil {
		t.Fatal(err)
	}
	w.check(t, "applied duplicate", message("msg_2", membership("created", "o1", "u1", 1, 1, "x")), gone)
	w.checkLive(t, "ORG#o2/ORG", "ORG#o1/MEMBER#u1", "USER#u1/MEMBERSHIP#o1")
}

// TestChildChangesMeanwhile: a child is ended as it is, not as it was read.
func TestChildChangesMeanwhile(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	newer := directory.NewRow(directory.MembershipKey("o1", "u1"), directory.KindMembership)
	for name, v := range map[string]string{"rev": "001772000000005-orgmem_b-0-0-1-0-z", "id": "orgmem_b", "org_id": "o1", "user_id": "u1", "role": "late"} {
		newer[name] = v
	}
	w := newWorld(nil)
	w.handle(t, message("msg_1", membership("created", "o1", "u1", 1, 1, "x")))
	w.Table = &hooked{Memory: w.memory, before: func(n int, _ directory.Write) {
		if n == 2 { // the first write is the tombstone
			w.memory.Write(ctx, directory.Write{Row: newer, If: directory.IfNewer("~"), Put: []directory.Row{directory.Pointer(newer)}})
		}
	}}
	w.check(t, "applied", message("msg_2", deleted("organization", "o1", 9)))
	w.checkLive(t)
	w.checkInvariants(t)
	if r := w.row(newer.Key()); r.Text("role") != "late" || r.Revision().Incarnation() != "001772000000005-orgmem_b" {
		t.Errorf("ended child = %v, want the one that was written meanwhile", r)
	}
}

// TestDomainMovesMeanwhile: a domain that another organization has by now is
// not ended with the first.
func TestDomainMovesMeanwhile(t *testing.T) {
	t.Parallel()
	for _, p := range policies() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			moved := newWorld(with(p))
			moved.handle(t, message("msg_5", domain("updated", "o2", "d1", 5)))
			w := newWorld(with(p))
			w.handle(t, message("msg_1", domain("created", "o1", "d1", 1)))
			w.Table = &hooked{Memory: w.memory, before: func(n int, _ directory.Write) {
				if n == 2 { // the first write is the tombstone
					w.memory.Write(ctx, directory.Write{
						Row: moved.row(directory.DomainKey("d1")), If: directory.IfNewer("~"),
						Put: []directory.Row{moved.row(directory.DomainOfKey("o2", "d1"))}, Drop: []directory.Key{directory.DomainOfKey("o1", "d1")},
					})
				}
			}}
			w.check(t, "applied", message("msg_9", deleted("organization", "o1", 9)))
			w.checkLive(t, "DOMAIN#d1/DOMAIN", "ORG#o2/DOMAIN#d1")
			w.checkInvariants(t)
		})
	}
}
