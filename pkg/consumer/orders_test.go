package consumer_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// model is the state that any order must lead to: by key the change of the
// greatest revision, less the children of what is deleted.
func model(t tester, records []delivery.Record) map[directory.Key]directory.Row {
	t.Helper()
	p := projector.New(projector.StoreFull)
	greatest := map[directory.Key]projector.Change{}
	for _, r := range records {
		e, err := clerk.Decode([]byte(r.Body))
		if err != nil {
			t.Fatalf("Decode(%s): %v", r.Body, err)
		}
		c, err := p.Project(e, r.Attributes[delivery.AttrSvixID].Text)
		if err != nil {
			t.Fatalf("Project(%s): %v", r.Body, err)
		}
		if c.Revision > greatest[c.Key].Revision {
			greatest[c.Key] = c
		}
	}
	rows := map[directory.Key]directory.Row{}
	for k, c := range greatest {
		orphan := slices.ContainsFunc(c.Parents, func(parent directory.Key) bool { return greatest[parent].Delete })
		switch {
		case !c.Delete && !orphan:
			rows[k] = c.Row
			if pointer := directory.Pointer(c.Row); pointer != nil {
				rows[pointer.Key()] = pointer
			}
		case c.Delete && isRoot(c.Kind):
			rows[k] = directory.Row{
				directory.AttrRev:       string(c.Revision),
				directory.AttrDeletedAt: time.UnixMilli(int64(c.Sent)).UTC().Format("2006-01-02T15:04:05.000Z"),
			}
		}
	}
	return rows
}

// checkSettled holds the tables to the model once all records are handled.
func (h *harness) checkSettled(t tester, records []delivery.Record) {
	t.Helper()
	h.checkInvariants(t)
	if diff := cmp.Diff(model(t, records), h.state()); diff != "" {
		t.Errorf("%v: tables differ from the model (-want +got):\n%s", ids(records), diff)
	}
	outcomes := h.outcomes()
	for _, id := range ids(records) {
		if o := outcomes[id]; o != consumer.Applied && o != consumer.Stale {
			t.Errorf("Deliveries(%s) = %q, want applied or stale", id, o)
		}
		delete(outcomes, id)
	}
	if len(outcomes) > 0 {
		t.Errorf("Deliveries has %v, which were not sent", outcomes)
	}
	if len(h.queue.dead) > 0 {
		t.Errorf("%d dead letters, the first for %s", len(h.queue.dead), h.queue.dead[0].reason)
	}
}

// Five messages that belong together come out as the model in all their 120
// orders, and in one batch.
func TestAllOrders(t *testing.T) {
	t.Parallel()
	const organizations, domains = "organization", "organizationDomain"
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		check := func(name string, bodies ...string) {
			t.Run(name, func(t *testing.T) {
				records := messages(bodies...)
				for _, order := range permutations(records) {
					h := newHarness(withPolicy(p))
					h.handle(t, order...)
					h.checkSettled(t, order)
					if t.Failed() {
						t.Fatalf("in the order %v", ids(order))
					}
				}
				h := newHarness(withPolicy(p))
				h.handleAll(t, records)
				h.checkSettled(t, records)
			})
		}
		// https://github.com/reapit/foundations/issues/9608
		check("edits of a user",
			user("updated", "u1", 2000, `,"first_name":"b"`), user("created", "u1", 1000, `,"first_name":"a"`),
			user("updated", "u1", 1500, `,"username":"c"`), user("updated", "u1", 2000, `,"first_name":"d"`),
			user("created", "u1", 2000, ""))
		check("a user is deleted",
			user("created", "u1", 1000, ""), deleted("user", "u1", 1500), user("updated", "u1", 3000, ""),
			deleted("user", "u1", 1200), membership("created", "o1", "u1", 1, 9000, "x"))
		check("a member's incarnations",
			membership("created", "o1", "u1", 100, 100, "a"), membership("deleted", "o1", "u1", 100, 100, "a"),
			membership("created", "o1", "u1", 200, 200, "b"), membership("updated", "o1", "u1", 200, 300, "c"),
			membership("updated", "o1", "u1", 100, 900, "d"))
		check("an organization is deleted",
			organization("created", "o1", 1, ""), deleted(organizations, "o1", 2), domain("created", "o1", "d1", 3),
			invitation("created", "o1", "i1", 4), membership("created", "o1", "u1", 5, 5, "x"))
		check("both parents are deleted",
			deleted("user", "u1", 1), deleted(organizations, "o1", 2), membership("created", "o1", "u1", 3, 3, "x"),
			membership("deleted", "o1", "u1", 3, 3, "x"), membership("created", "o1", "u1", 6, 6, "y"))
		check("a domain is deleted",
			domain("created", "o1", "d1", 1), domain("updated", "o1", "d1", 2), deleted(domains, "d1", 2),
			deleted(organizations, "o1", 3), domain("updated", "o1", "d1", 9))
		check("a domain moves",
			domain("created", "o1", "d1", 1), domain("updated", "o2", "d1", 2), domain("updated", "o1", "d1", 3),
			domain("updated", "o3", "d1", 4), domain("created", "o4", "d1", 4))
		check("roles and permissions",
			event("role.created", base, `{"id":"r1","key":"a"}`), event("role.updated", base, `{"id":"r1","key":"b"}`),
			deleted("role", "r1", 5), event("permission.updated", base, `{"id":"r1","key":"b"}`),
			event("permission.created", base+9, `{"id":"r1","key":"c"}`))
	})
}

// draw makes a message about few rows at few moments, so that they meet.
func draw(t *rapid.T, n int) delivery.Record {
	pick := func(label string, values ...string) string { return rapid.SampledFrom(values).Draw(t, label) }
	moment := func(label string) int64 { return rapid.Int64Range(1, 4).Draw(t, label) }
	org, person := pick("organization", "o1", "o2"), pick("user", "u1", "u2")
	change := func() string { return pick("change", "created", "updated") }
	body := ""
	switch pick("kind", "user", "organization", "membership", "membership", "removal", "invitation", "domain",
		"user deleted", "organization deleted", "domain deleted", "role", "role deleted") {
	case "user":
		body = user(change(), person, moment("updated"), fmt.Sprintf(`,"username":"n%d"`, n))
	case "user deleted":
		body = deleted("user", person, moment("sent"))
	case "organization":
		body = organization(change(), org, moment("updated"), fmt.Sprintf(`,"slug":"n%d"`, n))
	case "organization deleted":
		body = deleted("organization", org, moment("sent"))
	case "membership":
		body = membership(change(), org, person, moment("created"), moment("updated"), fmt.Sprint("r", n))
	case "removal":
		body = membership("deleted", org, person, moment("created"), moment("updated"), fmt.Sprint("r", n))
	case "invitation":
		body = invitation(pick("change", "created", "accepted", "revoked"), org, "i_"+org, moment("updated"))
	case "domain":
		body = domain(change(), org, "d_"+org, moment("updated")) // Clerk moves none
	case "domain deleted":
		body = deleted("organizationDomain", "d_"+org, moment("sent"))
	case "role":
		body = event("role."+change(), base+moment("sent"), fmt.Sprintf(`{"id":"r1","key":"k%d"}`, n))
	case "role deleted":
		body = deleted("role", "r1", moment("sent"))
	}
	return message(fmt.Sprintf("msg_%02d", n), body)
}

// Random histories, shuffled, with duplicates, in batches of any size, come out
// as the model.
func TestHistories(t *testing.T) {
	t.Parallel()
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		rapid.Check(t, func(t *rapid.T) {
			var history []delivery.Record
			for n := range rapid.IntRange(1, 12).Draw(t, "messages") {
				history = append(history, draw(t, n))
			}
			copies := rapid.SliceOfN(rapid.SampledFrom(history), 0, 6).Draw(t, "duplicates")
			order := rapid.Permutation(append(slices.Clone(history), copies...)).Draw(t, "order")
			h := newHarness(withPolicy(p))
			for len(order) > 0 {
				n := rapid.IntRange(1, len(order)).Draw(t, "batch")
				if failed := h.Handle(t.Context(), order[:n]); len(failed) > 0 {
					t.Fatalf("Handle(%v) = %q, want none to come again", ids(order[:n]), failed)
				}
				h.checkInvariants(t)
				order = order[n:]
			}
			h.checkSettled(t, history)
		})
	})
}
