package backfill_test

import (
	"strings"
	"testing"

	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Every line of the contract's "Whether it is written", and its negation: what
// is there, what the API has an hour later, and what that comes to.
func TestDecide(t *testing.T) {
	t.Parallel()
	const (
		kindUser, kindMember = directory.KindUser, directory.KindMembership
		deletedU             = `{"id":"u1","deleted":true}`
		role                 = `{"id":"r1","key":"org:admin","updated_at":1772000000005`
	)
	event := func(eventType string, sent int64, data string) func(*world) {
		return func(w *world) { w.handle(eventType, sent, data) }
	}
	all := func(steps ...func(*world)) func(*world) {
		return func(w *world) {
			for _, s := range steps {
				s(w)
			}
		}
	}
	created := func(more string) func(*world) { return event("user.created", 5, user("u1", 5, more)) }
	member := func(created int64) func(*world) {
		return event("organizationMembership.created", created, membership("o1", "u1", created, created, ""))
	}
	absent := func(k directory.Key, ms int64) func(*world) {
		return func(w *world) {
			if !w.repair(k, ms) {
				w.t.Fatal("the row was not deleted")
			}
		}
	}
	drop := func(k directory.Key) func(*world) {
		return func(w *world) {
			if _, err := w.memory.Write(w.t.Context(), directory.Write{Drop: []directory.Key{k}}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	byHand := func(name string) func(*world) {
		return func(w *world) {
			r := directory.NewRow(directory.UserKey("u1"), kindUser)
			r["id"], r["first_name"] = "u1", name
			if _, err := w.memory.Write(w.t.Context(), directory.Write{Row: r}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	u1 := directory.UserKey("u1")
	for name, row := range map[string]struct {
		before  func(*world)
		stored  projector.ObjectStorage // while before runs
		storage projector.ObjectStorage
		kind    string // user if empty
		api     string
		want    string // the verdict and the members
	}{
		"no row": {api: user("u1", 5, ""), want: "missing"},
		"a row without rev that differs": {
			before: byHand("Eve"), api: user("u1", 5, `,"first_name":"Ada"`),
			want: "different created_at first_name object",
		},
		"a tombstone of an event, older than the object": {
			before: event("user.deleted", 5, deletedU), api: user("u1", hour, ""), want: "deleted",
		},
		"a tombstone of a membership of the same incarnation": {
			before: all(member(5), event("organizationMembership.deleted", 6, membership("o1", "u1", 5, 5, ""))),
			kind:   kindMember, api: membership("o1", "u1", 5, 9, ""), want: "deleted",
		},
		"a tombstone of a membership of a smaller incarnation": {
			before: all(member(5), event("organizationMembership.deleted", 6, membership("o1", "u1", 5, 5, ""))),
			kind:   kindMember, api: membership("o1", "u1", 7, 7, ""), want: "missing",
		},
		"a live membership of a smaller incarnation": {
			before: member(5), kind: kindMember, api: membership("o1", "u1", 7, 7, ""), want: "different created_at id",
		},
		"a live membership of a greater incarnation": { // trap 10
			before: member(7), kind: kindMember, api: membership("o1", "u1", 5, 5, ""), want: "older created_at id",
		},
		"a tombstone by absence, before the read": {
			before: all(created(""), absent(u1, hour-1)), api: user("u1", 5, ""), want: "missing",
		},
		"a tombstone by absence, at the read": {
			before: all(created(""), absent(u1, hour)), api: user("u1", 5, ""), want: "deleted",
		},
		"a tombstone by absence, after the read": {
			before: all(created(""), absent(u1, hour+1)), api: user("u1", 5, ""), want: "deleted",
		},
		"a tombstone by absence that an event made final": {
			before: all(created(""), absent(u1, 9), event("user.deleted", 10, deletedU)),
			api:    user("u1", 5, ""), want: "deleted",
		},
		"a tombstone by absence of a later membership": { // a replica that lags has the one before
			before: all(member(7), absent(directory.MembershipKey("o1", "u1"), 9)),
			kind:   kindMember, api: membership("o1", "u1", 5, 5, ""), want: "deleted",
		},
		"a tombstone by absence of an earlier membership": {
			before: all(member(5), absent(directory.MembershipKey("o1", "u1"), 9)),
			kind:   kindMember, api: membership("o1", "u1", 7, 7, ""), want: "missing",
		},
		"equal, written in another way": {
			before: created(`,"first_name":"\u0041da","a":[1]`),
			api:    `{"a": [ 1 ], "first_name":"Ada","updated_at":1772000000005,"created_at":1772000000000, "id":"u1"}`,
			want:   "equal",
		},
		"another number of the same value": {
			before: created(`,"a":1`), api: user("u1", 5, `,"a":1.0`), want: "different a",
		},
		"only updated_at": { // trap 7
			before: created(""), api: user("u1", 8, ""), want: "activity updated_at",
		},
		"only volatile members": {
			before: created(
				`,"last_active_at":1,"last_sign_in_at":1772000000001,"email_addresses":[{"verification":1}]`),
			api: user("u1", 8,
				`,"last_active_at":2,"last_sign_in_at":1772000000002,"email_addresses":[{"verification":2}]`),
			want: "activity email_addresses last_active_at last_sign_in_at updated_at",
		},
		"a volatile name in metadata": {
			before: created(`,"public_metadata":{"scim":1}`), api: user("u1", 5, `,"public_metadata":{"scim":2}`),
			want: "different public_metadata",
		},
		"an address was verified, which a column tells": {
			before: created(`,"email_addresses":[{"id":"i","email_address":"a@x.example"}]`),
			api: user("u1", 5,
				`,"email_addresses":[{"id":"i","email_address":"a@x.example","verification":{"status":"verified"}}]`),
			want: "different email_addresses",
		},
		"a member that only events have": { // trap 4
			before: created(`,"scim":{"a":1}`), api: user("u1", 5, ""), want: "equal",
		},
		"members that the API leaves out unless asked": {
			before: event("organization.created", 5, `{"id":"o1","updated_at":1772000000005,"members_count":3}`),
			kind:   directory.KindOrganization, api: `{"id":"o1","updated_at":1772000000005}`, want: "equal",
		},
		"an invitation's user_id": {
			before: event("organizationInvitation.accepted", 5,
				`{"id":"i1","organization_id":"o1","updated_at":1772000000005,"user_id":"u1","url":"https://SECRET"}`),
			kind: directory.KindInvitation,
			api: `{"id":"i1","organization_id":"o1","updated_at":1772000000005,"url":null,` +
				`"public_organization_data":{}}`,
			want: "activity public_organization_data",
		},
		"snapshots of a membership": {
			before: event("organizationMembership.created", 5, strings.Replace(
				membership("o1", "u1", 5, 5, ""), `"organization":{`, `"organization":{"name":"before",`, 1)),
			kind: kindMember, api: membership("o1", "u1", 5, 5, ""), want: "activity organization",
		},
		"a member that is null at Clerk": {
			before: created(`,"username":"ada"`), api: user("u1", 5, `,"username":null`), want: "different username",
		},
		"newer content":   {before: created(""), api: user("u1", 8, `,"a":1`), want: "different a"},
		"a silent change": {before: created(""), api: user("u1", 5, `,"a":1`), want: "different a"}, // trap 6
		"older content":   {before: created(""), api: user("u1", 4, `,"a":1`), want: "older a"},
		"a tie with an event sent at last": { // trap 2: it was sent 5 minutes before the read began
			before: event("user.updated", hour-300_000, user("u1", 5, "")),
			api:    user("u1", 5, `,"a":1`), want: "older a",
		},
		"a tie with an event sent before": {
			before: event("user.updated", hour-300_001, user("u1", 5, "")),
			api:    user("u1", 5, `,"a":1`), want: "different a",
		},
		"a pointer that is missing": {
			before: all(event("role.created", 5, role+`}`), drop(directory.RoleByKeyKey("org:admin", "r1"))),
			kind:   directory.KindRole, api: role + `}`, want: "different pointer",
		},
		"a pointer that is there": {
			before: event("role.created", 5, role+`}`), kind: directory.KindRole, api: role + `}`, want: "equal",
		},
		"a role that changes its key": {
			before: event("role.created", 5, role+`}`), kind: directory.KindRole,
			api: `{"id":"r1","key":"org:boss","updated_at":1772000000006}`, want: "different key",
		},
		"none: what no column tells": {
			storage: projector.StoreNone, before: created(`,"a":1`), api: user("u1", 5, `,"a":2`), want: "equal",
		},
		"none: what a column tells": {
			storage: projector.StoreNone, before: created(`,"username":"a"`),
			api: user("u1", 5, `,"username":"b"`), want: "different username",
		},
		"public: private metadata": {
			storage: projector.StorePublic, before: created(`,"private_metadata":{"a":1}`),
			api: user("u1", 5, `,"private_metadata":{"a":2}`), want: "equal",
		},
		"public now, full before": {
			stored: projector.StoreFull, storage: projector.StorePublic, before: created(`,"private_metadata":{"a":1}`),
			api: user("u1", 5, `,"private_metadata":{"a":1}`), want: "equal",
		},
		"full now, none before": {
			stored: projector.StoreNone, before: created(""), api: user("u1", 5, ""), want: "different object",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, settings{storage: row.storage})
			if row.before != nil {
				if row.stored != "" {
					w.store(row.stored)
				}
				row.before(w)
				w.store(row.storage)
			}
			kind := row.kind
			if kind == "" {
				kind = kindUser
			}
			before, writes := w.memory.Rows(), w.countWrites()
			o := w.object(kind, row.api, hour)
			got := w.write(kind, row.api, hour)
			if got != row.want {
				t.Errorf("decision = %q, want %q", got, row.want)
			}
			isWritten := strings.HasPrefix(row.want, string(backfill.Missing)) ||
				strings.HasPrefix(row.want, string(backfill.Different))
			rev := before[o.Key()].Revision() != w.row(o.Key()).Revision()
			if rev != isWritten || (*writes == 1) != isWritten || *writes > 1 {
				t.Errorf("rev changed: %t, %d writes, want written %t", rev, *writes, isWritten)
			}
			w.checkPointers()
			// Trap 3: the same object, read again later, is equal and costs no write.
			if again := w.write(kind, row.api, 2*hour); isWritten && again != "equal" {
				t.Errorf("a second read = %q, want equal", again)
			}
			if *writes > 1 {
				t.Errorf("%d writes after the second read, want no more", *writes)
			}
		})
	}
}
