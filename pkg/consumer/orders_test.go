package consumer_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// model is the state that any order must end in: by key the change of the
// greatest revision, less the children of what is deleted.
func model(t fataler, records []delivery.Record) map[directory.Key]directory.Row {
	t.Helper()
	p := projector.New(projector.StoreFull)
	top := map[directory.Key]projector.Change{}
	for _, r := range records {
		e, err := clerk.Decode([]byte(r.Body))
		if err != nil {
			t.Fatalf("Decode(%s): %v", r.Body, err)
		}
		c, err := p.Project(e, r.Attributes[delivery.AttrSvixID].Text)
		if err != nil {
			t.Fatalf("Project(%s): %v", r.Body, err)
		}
		if c.Revision > top[c.Key].Revision {
			top[c.Key] = c
		}
	}
	rows := map[directory.Key]directory.Row{}
	for k, c := range top {
		orphan := slices.ContainsFunc(c.Parents, func(parent directory.Key) bool { return top[parent].Delete })
		switch {
		case !c.Delete && !orphan:
			rows[k] = c.Row
			if pointer := directory.Pointer(c.Row); pointer != nil {
				rows[pointer.Key()] = pointer
			}
		case c.Delete && (c.Kind == directory.KindUser || c.Kind == directory.KindOrganization || c.Kind == directory.KindRole || c.Kind == directory.KindPermission):
			rows[k] = directory.Row{
				directory.AttrRev:       string(c.Revision),
				directory.AttrDeletedAt: time.UnixMilli(int64(c.Sent)).UTC().Format("2006-01-02T15:04:05.000Z"),
			}
		}
	}
	return rows
}

type fataler interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}

// settle holds the tables to the model once all is in.
func (w *world) settle(t fataler, records []delivery.Record) {
	t.Helper()
	w.settleAs(t, model(t, records), records)
}

func (w *world) settleAs(t fataler, want map[directory.Key]directory.Row, records []delivery.Record) {
	t.Helper()
	w.checkInvariants(t)
	if d := diff.Diff(want, state(w.memory.Rows())); d != "" {
		t.Errorf("%v: tables differ from the model (-want +got):\n%s", ids(records), d)
	}
	deliveries := w.memory.Ledger()
	for _, r := range records {
		id := r.Attributes[delivery.AttrSvixID].Text
		if o := consumer.Outcome(deliveries[id].Outcome); o != consumer.Applied && o != consumer.Stale {
			t.Errorf("Deliveries(%s) = %q, want applied or stale", id, o)
		}
		delete(deliveries, id)
	}
	if len(deliveries) > 0 {
		t.Errorf("Deliveries has %v, which nobody sent", slices.Collect(maps.Keys(deliveries)))
	}
	if len(w.queue.dead) > 0 {
		t.Errorf("%d dead letters, the first for %s", len(w.queue.dead), w.queue.dead[0].reason)
	}
}

// TestAllOrders takes five related messages in all 120 orders.
func TestAllOrders(t *testing.T) {
	t.Parallel()
	sets := map[string][]delivery.Record{
		// https://github.com/reapit/foundations/issues/9608
		"edits of a user": {
			message("msg_1", user("updated", "u1", 2000, `,"first_name":"b"`)), message("msg_2", user("created", "u1", 1000, `,"first_name":"a"`)),
			message("msg_3", user("updated", "u1", 1500, `,"username":"c"`)), message("msg_4", user("updated", "u1", 2000, `,"first_name":"d"`)), message("msg_5", user("created", "u1", 2000, "")),
		},
		"a user's end": {
			message("msg_1", user("created", "u1", 1000, "")), message("msg_2", deleted("user", "u1", 1500)), message("msg_3", user("updated", "u1", 3000, "")),
			message("msg_4", deleted("user", "u1", 1200)), message("msg_5", membership("created", "o1", "u1", 1, 9000, "x")),
		},
		"a member's lives": {
			message("msg_1", membership("created", "o1", "u1", 100, 100, "a")), message("msg_2", membership("deleted", "o1", "u1", 100, 100, "a")),
			message("msg_3", membership("created", "o1", "u1", 200, 200, "b")), message("msg_4", membership("updated", "o1", "u1", 200, 300, "c")), message("msg_5", membership("updated", "o1", "u1", 100, 900, "d")),
		},
		"an organization's end": {
			message("msg_1", organization("created", "o1", 1, "")), message("msg_2", deleted("organization", "o1", 2)), message("msg_3", domain("created", "o1", "d1", 3)),
			message("msg_4", invitation("created", "o1", "i1", 4)), message("msg_5", membership("created", "o1", "u1", 5, 5, "x")),
		},
		"both parents' ends": {
			message("msg_1", deleted("user", "u1", 1)), message("msg_2", deleted("organization", "o1", 2)), message("msg_3", membership("created", "o1", "u1", 3, 3, "x")),
			message("msg_4", membership("deleted", "o1", "u1", 3, 3, "x")), message("msg_5", membership("created", "o1", "u1", 6, 6, "y")),
		},
		"a domain's end": {
			message("msg_1", domain("created", "o1", "d1", 1)), message("msg_2", domain("updated", "o1", "d1", 2)), message("msg_3", deleted("organizationDomain", "d1", 2)),
			message("msg_4", deleted("organization", "o1", 3)), message("msg_5", domain("updated", "o1", "d1", 9)),
		},
		"a domain that moves": {
			message("msg_1", domain("created", "o1", "d1", 1)), message("msg_2", domain("updated", "o2", "d1", 2)), message("msg_3", domain("updated", "o1", "d1", 3)),
			message("msg_4", domain("updated", "o3", "d1", 4)), message("msg_5", domain("created", "o4", "d1", 4)),
		},
		"roles and permissions": {
			message("msg_1", event("role.created", base, `{"id":"r1","key":"a"}`)), message("msg_2", event("role.updated", base, `{"id":"r1","key":"b"}`)), message("msg_3", deleted("role", "r1", 5)),
			message("msg_4", event("permission.updated", base, `{"id":"r1","key":"b"}`)), message("msg_5", event("permission.created", base+9, `{"id":"r1","key":"c"}`)),
		},
	}
	for _, p := range policies() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			for name, set := range sets {
				t.Run(name, func(t *testing.T) {
					want := model(t, set)
					for _, order := range permutations(set) {
						w := newWorld(with(p))
						w.handle(t, order...)
						w.settleAs(t, want, order)
						if t.Failed() {
							t.Fatalf("in the order %v", ids(order))
						}
					}
					w := newWorld(with(p))
					if failed := w.Handle(t.Context(), set); len(failed) > 0 {
						t.Errorf("Handle(all in one batch) = %q, want none to come again", failed)
					}
					w.settle(t, set)
				})
			}
		})
	}
}

// draw makes a message about few things in few moments, so that they meet.
func draw(t *rapid.T, n int) delivery.Record {
	pick := func(label string, values ...string) string { return rapid.SampledFrom(values).Draw(t, label) }
	moment := func(label string) int64 { return rapid.Int64Range(1, 4).Draw(t, label) }
	org, person := pick("organization", "o1", "o2"), pick("user", "u1", "u2")
	change := func() string { return pick("change", "created", "updated") }
	var body string
	switch kind := pick("kind", "user", "organization", "membership", "membership", "removed", "invitation", "domain", "user gone", "organization gone", "domain gone", "role", "role gone"); kind {
	case "user":
		body = user(change(), person, moment("updated"), fmt.Sprintf(`,"username":"n%d"`, n))
	case "organization":
		body = organization(change(), org, moment("updated"), fmt.Sprintf(`,"slug":"n%d"`, n))
	case "membership":
		body = membership(change(), org, person, moment("created"), moment("updated"), fmt.Sprint("r", n))
	case "removed":
		body = membership("deleted", org, person, moment("created"), moment("updated"), fmt.Sprint("r", n))
	case "invitation":
		body = invitation(pick("change", "created", "accepted", "revoked"), org, "i_"+org, moment("updated"))
	case "domain":
		body = domain(change(), org, "d_"+org, moment("updated")) // Clerk moves none
	case "domain gone":
		body = deleted("organizationDomain", "d_"+org, moment("sent"))
	case "role":
		body = event("role."+change(), base+moment("sent"), fmt.Sprintf(`{"id":"r1","key":"k%d"}`, n))
	case "role gone":
		body = deleted("role", "r1", moment("sent"))
	default:
		family, id := "user", person
		if strings.HasPrefix(kind, "organization") {
			family, id = "organization", org
		}
		body = deleted(family, id, moment("sent"))
	}
	return message(fmt.Sprintf("msg_%02d", n), body)
}

// TestHistories shuffles and duplicates random histories, in batches of any
// size, and compares what they end in with the model.
func TestHistories(t *testing.T) {
	t.Parallel()
	for _, p := range policies() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				var history []delivery.Record
				for n := range rapid.IntRange(1, 12).Draw(t, "messages") {
					history = append(history, draw(t, n))
				}
				copies := rapid.SliceOfN(rapid.SampledFrom(history), 0, 6).Draw(t, "duplicates")
				order := rapid.Permutation(append(slices.Clone(history), copies...)).Draw(t, "order")
				w := newWorld(with(p))
				for len(order) > 0 {
					n := rapid.IntRange(1, len(order)).Draw(t, "batch")
					if failed := w.Handle(t.Context(), order[:n]); len(failed) > 0 {
						t.Fatalf("Handle(%v) = %q, want none to come again", ids(order[:n]), failed)
					}
					w.checkInvariants(t)
					order = order[n:]
				}
				w.settle(t, history)
			})
		})
	}
}
