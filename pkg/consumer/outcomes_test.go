package consumer_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// exampleEvent is like the one that Clerk's dashboard sends: fixed id, old
// times, no instance.
const exampleEvent = `{"type":"user.created","timestamp":1654012591835,` +
	`"data":{"id":"user_29w83s","created_at":1654012591514,"updated_at":1654012591835}}`

// How messages come out in the order in which they are handled, and what is in
// the table then.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	u1 := directory.UserKey("u1")
	withEmail := func(address string) string {
		return `,"email_addresses":[{"id":"i","email_address":"` + address + `"}]`
	}
	type attributes map[directory.Key]map[string]directory.Value
	check := func(name, want string, records []delivery.Record, rows attributes) {
		t.Helper()
		h := newHarness()
		h.check(t, want, records...)
		h.checkInvariants(t)
		for key, attributes := range rows {
			for attribute, want := range attributes {
				if got := h.row(key)[attribute]; got != want {
					t.Errorf("%s: %s of %v = %v, want %v", name, attribute, key, got, want)
				}
			}
		}
		seen := map[string]bool{}
		for _, id := range ids(records) {
			seen[id] = true
		}
		if n, dead := len(h.memory.Ledger()), len(h.queue.dead); n != len(seen) || dead > 0 {
			t.Errorf("%s: %d rows in Deliveries and %d dead letters, want %d and none", name, n, dead, len(seen))
		}
	}
	by := func(k directory.Key, svixID string) attributes { return attributes{k: {"svix_id": svixID}} }

	// https://github.com/khushi897920-lang/hercycle-ai/issues/459
	same := user("created", "u1", 1000, "")
	one, two, three := message("msg_1", same), message("msg_2", same), message("msg_3", same)
	check("same content, the greater id last", "applied applied", []delivery.Record{one, two}, by(u1, "msg_2"))
	check("same content, the greater id first", "applied stale", []delivery.Record{two, one}, by(u1, "msg_2"))
	// https://github.com/alexfalkowski/go-service/pull/3077
	check("same content under three ids", "applied stale applied", []delivery.Record{two, one, three}, by(u1, "msg_3"))
	// https://github.com/cortexproject/cortex/pull/7706
	check("the same message twice", "applied duplicate", []delivery.Record{one, one}, by(u1, "msg_1"))
	older, newer := message("msg_1", user("updated", "u1", 1000, "")), message("msg_2", user("updated", "u1", 2000, ""))
	check("a stale message twice: duplicate counts before stale", "applied stale duplicate",
		[]delivery.Record{newer, older, older}, by(u1, "msg_2"))
	check("a message again after something newer: duplicate, not stale", "applied applied duplicate",
		[]delivery.Record{older, newer, older}, by(u1, "msg_2"))
	// https://github.com/Mik1810/PaperDeck/issues/223
	check("an older update", "applied stale", messages(
		user("updated", "u1", 2000, withEmail("b@example.test")),
		user("updated", "u1", 1000, withEmail("a@example.test")),
	), attributes{u1: {"email": "b@example.test"}})
	// https://github.com/ifinavet/yggdrasil/pull/282
	check("a late update after the deletion", "applied applied stale", messages(
		user("created", "u1", 1000, ""), deleted("user", "u1", 2000), user("updated", "u1", 3000, ""),
	), attributes{u1: {"deleted_at": "2026-02-25T06:13:22.000Z"}})
	// https://github.com/filopedraz/kosuke-core/pull/141
	check("an address under a new id, before the old one's deletion", "applied applied applied", messages(
		user("created", "u1", 1000, withEmail("x@example.test")),
		user("created", "u2", 3000, withEmail("x@example.test")),
		deleted("user", "u1", 2000),
	), attributes{u1: {"by_email": nil}, directory.UserKey("u2"): {"by_email": "x@example.test"}})
	// https://github.com/clerk/clerk-docs/issues/889
	check("the dashboard's example twice", "applied applied", messages(exampleEvent, exampleEvent),
		by(directory.UserKey("user_29w83s"), "msg_2"))
	// https://github.com/better-auth/better-auth/pull/5745
	check("sent in seconds and in milliseconds", "applied stale", messages(
		event("user.updated", 1_700_000_001, `{"id":"u1","updated_at":1700000000000}`),
		event("user.updated", 1_700_000_000_500, `{"id":"u1","updated_at":1700000000000}`),
	), by(u1, "msg_1"))
	// https://github.com/golang/go/issues/14750
	check("names by exact case", "applied", messages(
		`{"type":"user.updated","Type":"user.deleted","timestamp":1,"data":{"id":"u1","ID":"u2"}}`,
	), attributes{u1: {"svix_id": "msg_1", "deleted_at": nil}})
	// https://github.com/ayunis-core/ayunis-core/pull/532
	check("a child before its parents", "applied applied applied", messages(
		membership("created", "o1", "u1", 1, 1, "x"),
		user("created", "u1", 1, ""), organization("created", "o1", 1, ""),
	), attributes{directory.MembershipKey("o1", "u1"): {"role": "x", "deleted_at": nil}})
	// https://github.com/aws/aws-sdk-go/issues/1803
	check("an external id set and taken away", "applied applied applied", messages(
		user("updated", "u1", 1, `,"external_id":null`), user("updated", "u1", 2, `,"external_id":"x"`),
		user("updated", "u1", 3, `,"external_id":null`),
	), attributes{u1: {"external_id": nil, "by_external_id": nil}})
}

// Each message has one entry in the ledger, which says how it came out first.
func TestLedgerEntries(t *testing.T) {
	t.Parallel()
	h := newHarness()
	first, second := message("msg_1", user("created", "u1", 1, "")), message("msg_2", user("updated", "u1", 2, ""))
	third := message("msg_3", membership("deleted", "o1", "u1", 1, 1, "x"))
	h.check(t, "applied stale duplicate applied", second, first, second, third)
	d, err := first.Delivery()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]directory.LedgerEntry{
		"msg_1": {EventType: "user.created", Entity: "user/u1", Outcome: "stale"},
		"msg_2": {EventType: "user.updated", Entity: "user/u1", Outcome: "applied"},
		"msg_3": {EventType: "organizationMembership.deleted", Entity: "membership/o1/u1", Outcome: "applied"},
	}
	for id, e := range want {
		e.SvixID, e.ReceivedAt, e.ProcessedAt, e.ExpiresAt = id, d.ReceivedAt, h.Now(), h.Now().Add(h.Retention)
		want[id] = e
	}
	if diff := cmp.Diff(want, h.memory.Ledger()); diff != "" {
		t.Errorf("Deliveries differs (-want +got):\n%s", diff)
	}
}

// Stale and Duplicate say why: which field of the row's revision is greater, or how
// the first copy came out. That costs no request (test/bench counts them).
func TestReasons(t *testing.T) {
	t.Parallel()
	const day = "2026-02-25 "
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		newer := message("msg_2", user("updated", "u1", 65_000, ""))
		older := message("msg_1", user("updated", "u1", 1000, ""))
		gone, late := message("msg_4", deleted("user", "u2", 9000)), message("msg_3", deleted("user", "u2", 2000))
		moved, still := message("msg_6", domain("updated", "o1", "d1", 7000)),
			message("msg_5", domain("updated", "o2", "d1", 6000))
		const received = "first received 2026-03-02 10:31:01 UTC: "
		h := newHarness(withPolicy(p))
		for i, c := range []struct {
			record  delivery.Record
			outcome consumer.Outcome
			reason  string
		}{
			{record: newer, outcome: consumer.Applied},
			{
				record: older, outcome: consumer.Stale,
				reason: "the row is newer: updated_at " + day + "06:14:25 > 06:13:21 UTC",
			},
			{record: newer, outcome: consumer.Duplicate, reason: received + "applied"},
			{record: older, outcome: consumer.Duplicate, reason: received + "stale"},
			{record: gone, outcome: consumer.Applied},
			{
				record: late, outcome: consumer.Stale,
				reason: "the row is newer: sent " + day + "06:13:29 > 06:13:22 UTC",
			},
			{record: late, outcome: consumer.Duplicate, reason: received + "stale"},
			{record: moved, outcome: consumer.Applied},
			{
				record: still, outcome: consumer.Stale,
				reason: "the row is newer: updated_at " + day + "06:13:27 > 06:13:26 UTC",
			},
			{record: moved, outcome: consumer.Duplicate, reason: received + "applied"},
			{record: message("msg_7", "{}"), outcome: consumer.Dead},
		} {
			h.handle(t, c.record)
			if r := h.reports[i]; r.Outcome != c.outcome || r.Reason != c.reason {
				t.Errorf("message %d is %s because %q, want %s because %q", i, r.Outcome, r.Reason, c.outcome, c.reason)
			}
		}
	})
}

// A ledger entry may be past its time and in the table, or expired: then a
// replay is stale by rev, and has no effect.
// https://github.com/pallets-eco/flask-session/issues/240
func TestExpiredLedgerEntry(t *testing.T) {
	t.Parallel()
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		for _, body := range []string{
			user("created", "u1", 1, ""),
			deleted("user", "u1", 1),
			membership("created", "o1", "u1", 1, 1, "x"),
			membership("deleted", "o1", "u1", 1, 1, "x"),
			domain("created", "o1", "d1", 1),
			deleted("organizationDomain", "d1", 1),
		} {
			h := newHarness(withPolicy(p))
			m := message("msg_1", body)
			h.check(t, "applied duplicate", m, m)
			before := h.memory.Rows()
			h.memory.Forget("msg_1")
			h.check(t, "stale duplicate", m, m)
			if diff := cmp.Diff(before, h.memory.Rows()); diff != "" {
				t.Errorf("a replay of %s has an effect (-before +after):\n%s", body, diff)
			}
		}
	})
}

// One message, or two about rows that belong together, in two consumers at
// once, come out as one after the other.
// https://github.com/harshdwivediiiii/pathfinder-ai/issues/1097
func TestTwoConsumers(t *testing.T) {
	t.Parallel()
	const parent, domains = "organization", "organizationDomain"
	created, gone := user("created", "u1", 1, ""), deleted("user", "u1", 1)
	member := membership("created", "o1", "u1", 1, 1, "x")
	withBothPolicies(t, func(t *testing.T, p consumer.DeletionPolicy) {
		for name, pair := range map[string][]delivery.Record{
			"one message":             {message("msg_1", created), message("msg_1", created)},
			"one deletion":            {message("msg_1", gone), message("msg_1", gone)},
			"two updates":             messages(user("updated", "u1", 1, ""), user("updated", "u1", 2, "")),
			"two updates of a domain": messages(domain("updated", "o1", "d1", 1), domain("updated", "o2", "d1", 2)),
			"deletion and update":     messages(gone, user("updated", "u1", 2, "")),
			"domain and its deletion": messages(domain("created", "o1", "d1", 1), deleted(domains, "d1", 2)),
			"member and organization": messages(member, deleted(parent, "o1", 2)),
			"member and user":         messages(member, deleted("user", "u1", 2)),
			"invitation and parent":   messages(invitation("created", "o1", "i1", 1), deleted(parent, "o1", 2)),
			"domain and parent":       messages(domain("created", "o1", "d1", 1), deleted(parent, "o1", 2)),
			"member and removal":      messages(member, membership("deleted", "o1", "u1", 1, 1, "x")),
			"removal and a new incarnation": messages(
				membership("deleted", "o1", "u1", 1, 1, "x"), membership("created", "o1", "u1", 2, 2, "y")),
		} {
			want := newHarness(withPolicy(p))
			want.handle(t, pair...)
			for range 20 {
				h := newHarness(withPolicy(p))
				var wg sync.WaitGroup
				for _, r := range pair {
					wg.Go(func() { h.handleAll(t, []delivery.Record{r}) })
				}
				wg.Wait()
				h.checkInvariants(t)
				if diff := cmp.Diff(want.state(), h.state()); diff != "" {
					t.Errorf("%s: tables differ from those one after the other (-want +got):\n%s", name, diff)
				}
				applied := 0
				for _, r := range h.reports {
					if r.Outcome == consumer.Applied {
						applied++
					}
				}
				if pair[0].MessageID == pair[1].MessageID && applied != 1 {
					t.Errorf("%s: applied %d times, want once", name, applied)
				}
			}
		}
	})
}

// A report has the time of the change at Clerk, from which the lag is counted, and the zero time where the event has
// none: a lag since 1970 would be an alarm.
func TestReportsSayWhenItChanged(t *testing.T) {
	t.Parallel()
	h := newHarness()
	h.check(t, "applied applied",
		message("msg_1", user("created", "user_1", 7, "")),
		message("msg_2", event("user.created", 0, `{"id":"user_2","updated_at":1772000000007}`)))
	if got, want := h.reports[0].ChangedAt, time.UnixMilli(base+7); !got.Equal(want) {
		t.Errorf("ChangedAt = %s, want %s", got, want)
	}
	if got := h.reports[1].ChangedAt; !got.IsZero() {
		t.Errorf("ChangedAt of an event without a time = %s, want none", got)
	}
}
