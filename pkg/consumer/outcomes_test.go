package consumer_test

import (
	"sync"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

func TestOutcomes(t *testing.T) {
	t.Parallel()
	const email = `,"email_addresses":[{"id":"i","email_address":"`
	u1 := directory.UserKey("u1")
	for _, c := range []struct {
		name    string
		records []delivery.Record
		want    string
		check   func(t *testing.T, w *world)
	}{
		{
			// https://github.com/khushi897920-lang/hercycle-ai/issues/459
			"same content under two ids, the greater last",
			[]delivery.Record{message("msg_1", user("created", "u1", 1000, "")), message("msg_2", user("created", "u1", 1000, ""))},
			"applied applied",
			svixID(u1, "msg_2"),
		},
		{
			"same content under two ids, the greater first",
			[]delivery.Record{message("msg_2", user("created", "u1", 1000, "")), message("msg_1", user("created", "u1", 1000, ""))},
			"applied stale",
			svixID(u1, "msg_2"),
		},
		{
			// https://github.com/alexfalkowski/go-service/pull/3077
			"same content under three ids",
			[]delivery.Record{message("msg_2", user("created", "u1", 1000, "")), message("msg_1", user("created", "u1", 1000, "")), message("msg_3", user("created", "u1", 1000, ""))},
			"applied stale applied",
			svixID(u1, "msg_3"),
		},
		{
			// https://github.com/cortexproject/cortex/pull/7706
			"the same message twice",
			[]delivery.Record{message("msg_1", user("created", "u1", 1000, "")), message("msg_1", user("created", "u1", 1000, ""))},
			"applied duplicate",
			svixID(u1, "msg_1"),
		},
		{
			"a stale message twice: duplicate is told first",
			[]delivery.Record{message("msg_2", user("updated", "u1", 2000, "")), message("msg_1", user("updated", "u1", 1000, "")), message("msg_1", user("updated", "u1", 1000, ""))},
			"applied stale duplicate",
			svixID(u1, "msg_2"),
		},
		{
			"a message again after something newer: duplicate, not stale",
			[]delivery.Record{message("msg_1", user("updated", "u1", 1000, "")), message("msg_2", user("updated", "u1", 2000, "")), message("msg_1", user("updated", "u1", 1000, ""))},
			"applied applied duplicate",
			svixID(u1, "msg_2"),
		},
		{
			// https://github.com/Mik1810/PaperDeck/issues/223
			"an older update",
			[]delivery.Record{message("msg_1", user("updated", "u1", 2000, email+`b@example.test"}]`)), message("msg_2", user("updated", "u1", 1000, email+`a@example.test"}]`))},
			"applied stale",
			func(t *testing.T, w *world) {
				t.Helper()
				if got := w.row(u1).Text("email"); got != "b@example.test" {
					t.Errorf("email = %s, want that of the newer update", got)
				}
			},
		},
		{
			// https://github.com/ifinavet/yggdrasil/pull/282
			"a late update after the deletion",
			[]delivery.Record{message("msg_1", user("created", "u1", 1000, email+`a@example.test"}]`)), message("msg_2", deleted("user", "u1", 2000)), message("msg_3", user("updated", "u1", 3000, email+`a@example.test"}]`))},
			"applied applied stale",
			func(t *testing.T, w *world) { t.Helper(); w.checkLive(t) },
		},
		{
			// https://github.com/filopedraz/kosuke-core/pull/141
			"the same address under a new id",
			[]delivery.Record{message("msg_1", user("created", "u1", 1000, email+`x@example.test"}]`)), message("msg_3", user("created", "u2", 3000, email+`x@example.test"}]`)), message("msg_2", deleted("user", "u1", 2000))},
			"applied applied applied",
			func(t *testing.T, w *world) {
				t.Helper()
				if a, b := w.row(u1)["by_email"], w.row(directory.UserKey("u2"))["by_email"]; a != nil || b != "x@example.test" {
					t.Errorf("by_email = %v and %v, want the new user alone", a, b)
				}
			},
		},
		{
			// https://github.com/clerk/clerk-docs/issues/889
			"the dashboard's example twice",
			[]delivery.Record{message("msg_1", exampleEvent), message("msg_2", exampleEvent)},
			"applied applied",
			svixID(directory.UserKey("user_29w83sxmDNGwOuEthce5gg56FcC"), "msg_2"),
		},
		{
			// https://github.com/better-auth/better-auth/pull/5745
			"sent in seconds and milliseconds",
			[]delivery.Record{
				message("msg_1", event("user.updated", 1_700_000_001, `{"id":"u1","updated_at":1700000000000}`)),
				message("msg_2", event("user.updated", 1_700_000_000_500, `{"id":"u1","updated_at":1700000000000}`)),
			},
			"applied stale",
			svixID(u1, "msg_1"),
		},
		{
			// https://github.com/golang/go/issues/14750
			"names by exact case",
			[]delivery.Record{message("msg_1", `{"type":"user.updated","Type":"user.deleted","timestamp":1,"data":{"id":"u1","ID":"u2"}}`)},
			"applied",
			func(t *testing.T, w *world) { t.Helper(); w.checkLive(t, "USER#u1/USER") },
		},
		{
			// https://github.com/ayunis-core/ayunis-core/pull/532
			"a child before its parents",
			[]delivery.Record{message("msg_1", membership("created", "o1", "u1", 1, 1, "org:member")), message("msg_2", user("created", "u1", 1, "")), message("msg_3", organization("created", "o1", 1, ""))},
			"applied applied applied",
			func(t *testing.T, w *world) {
				t.Helper()
				w.checkLive(t, "ORG#o1/MEMBER#u1", "USER#u1/MEMBERSHIP#o1", "USER#u1/USER", "ORG#o1/ORG")
			},
		},
		{
			// https://github.com/aws/aws-sdk-go/issues/1803
			"an external id set and taken away",
			[]delivery.Record{message("msg_1", user("updated", "u1", 1, `,"external_id":null`)), message("msg_2", user("updated", "u1", 2, `,"external_id":"x"`)), message("msg_3", user("updated", "u1", 3, `,"external_id":null`))},
			"applied applied applied",
			func(t *testing.T, w *world) {
				t.Helper()
				if r := w.row(u1); r["external_id"] != nil || r["by_external_id"] != nil {
					t.Errorf("external_id = %v, by_external_id = %v, want none", r["external_id"], r["by_external_id"])
				}
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(nil)
			w.check(t, c.want, c.records...)
			w.checkInvariants(t)
			c.check(t, w)
			if n := len(w.queue.dead); n != 0 {
				t.Errorf("%d dead letters, want none", n)
			}
			seen := map[string]bool{}
			for _, r := range c.records {
				seen[r.Attributes[delivery.AttrSvixID].Text] = true
			}
			if n := len(w.memory.Ledger()); n != len(seen) {
				t.Errorf("Deliveries has %d rows, want %d", n, len(seen))
			}
		})
	}
}

// exampleEvent is like the one that Clerk's dashboard sends: fixed id, old
// times, no instance.
const exampleEvent = `{"type":"user.created","timestamp":1654012591835,"data":{"id":"user_29w83sxmDNGwOuEthce5gg56FcC","created_at":1654012591514,"updated_at":1654012591835}}`

func svixID(k directory.Key, want string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		t.Helper()
		if got := w.row(k).Text(directory.AttrSvixID); got != want {
			t.Errorf("svix_id = %s, want %s", got, want)
		}
	}
}

func TestDeliveryRows(t *testing.T) {
	t.Parallel()
	w := newWorld(nil)
	w.check(t, "applied stale duplicate applied",
		message("msg_2", user("updated", "u1", 2, "")), message("msg_1", user("created", "u1", 1, "")),
		message("msg_2", user("updated", "u1", 2, "")), message("msg_3", membership("deleted", "o1", "u1", 1, 1, "x")))
	now := w.Now()
	received := message("", "").Attributes[delivery.AttrReceivedAt].Text
	want := map[string]directory.LedgerEntry{
		"msg_1": {SvixID: "msg_1", EventType: "user.created", Entity: "user/u1", Outcome: "stale"},
		"msg_2": {SvixID: "msg_2", EventType: "user.updated", Entity: "user/u1", Outcome: "applied"},
		"msg_3": {SvixID: "msg_3", EventType: "organizationMembership.deleted", Entity: "membership/o1/u1", Outcome: "applied"},
	}
	for id, got := range w.memory.Ledger() {
		if got.ReceivedAt.UTC().Format(directory.TimeFormat) != received || !got.ProcessedAt.Equal(now) || !got.ExpiresAt.Equal(now.Add(w.Retention)) {
			t.Errorf("Deliveries(%s) = received %v, processed %v, expires %v, want %s, now and 90 days from now", id, got.ReceivedAt, got.ProcessedAt, got.ExpiresAt, received)
		}
		got.ReceivedAt, got.ProcessedAt, got.ExpiresAt = want[id].ReceivedAt, want[id].ProcessedAt, want[id].ExpiresAt
		if d := diff.Diff(want[id], got); d != "" {
			t.Errorf("Deliveries(%s) differs (-want +got):\n%s", id, d)
		}
	}
}

// TestExpired: a row of the Deliveries table may be past its time and there,
// or gone. https://github.com/pallets-eco/flask-session/issues/240
func TestExpired(t *testing.T) {
	t.Parallel()
	for _, p := range policies() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			for name, m := range map[string]delivery.Record{
				"user":    message("msg_1", user("created", "u1", 1, "")),
				"gone":    message("msg_1", deleted("user", "u1", 1)),
				"member":  message("msg_1", membership("created", "o1", "u1", 1, 1, "x")),
				"domain":  message("msg_1", domain("created", "o1", "d1", 1)),
				"ended":   message("msg_1", deleted("organizationDomain", "d1", 1)),
				"removed": message("msg_1", membership("deleted", "o1", "u1", 1, 1, "x")),
			} {
				w := newWorld(with(p))
				w.check(t, "applied duplicate", m, m)
				before := w.memory.Rows()
				w.memory.Forget("msg_1")
				w.check(t, "stale duplicate", m, m)
				if d := diff.Diff(before, w.memory.Rows()); d != "" {
					t.Errorf("%s: a replay has an effect (-before +after):\n%s", name, d)
				}
			}
		})
	}
}

// TestTwoConsumers: one message, or two updates, in two consumers at once.
// https://github.com/harshdwivediiiii/pathfinder-ai/issues/1097
func TestTwoConsumers(t *testing.T) {
	t.Parallel()
	for _, p := range policies() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			for name, pair := range map[string][2]delivery.Record{
				"one message":            {message("msg_1", user("created", "u1", 1, "")), message("msg_1", user("created", "u1", 1, ""))},
				"one deletion":           {message("msg_1", deleted("user", "u1", 1)), message("msg_1", deleted("user", "u1", 1))},
				"two updates":            {message("msg_1", user("updated", "u1", 1, "")), message("msg_2", user("updated", "u1", 2, ""))},
				"two domains' updates":   {message("msg_1", domain("updated", "o1", "d1", 1)), message("msg_2", domain("updated", "o2", "d1", 2))},
				"update and deletion":    {message("msg_1", deleted("user", "u1", 1)), message("msg_2", user("updated", "u1", 2, ""))},
				"domain and its end":     {message("msg_1", domain("created", "o1", "d1", 1)), message("msg_2", deleted("organizationDomain", "d1", 2))},
				"member and parent":      {message("msg_1", membership("created", "o1", "u1", 1, 1, "x")), message("msg_2", deleted("organization", "o1", 2))},
				"member and user":        {message("msg_1", membership("created", "o1", "u1", 1, 1, "x")), message("msg_2", deleted("user", "u1", 2))},
				"invitation and parent":  {message("msg_1", invitation("created", "o1", "i1", 1)), message("msg_2", deleted("organization", "o1", 2))},
				"domain and parent":      {message("msg_1", domain("created", "o1", "d1", 1)), message("msg_2", deleted("organization", "o1", 2))},
				"member and removed":     {message("msg_1", membership("created", "o1", "u1", 1, 1, "x")), message("msg_2", membership("deleted", "o1", "u1", 1, 1, "x"))},
				"member and other lives": {message("msg_1", membership("deleted", "o1", "u1", 1, 1, "x")), message("msg_2", membership("created", "o1", "u1", 2, 2, "y"))},
			} {
				want := newWorld(with(p))
				want.handle(t, pair[0], pair[1])
				for range 20 {
					w := newWorld(with(p))
					var wg sync.WaitGroup
					for _, r := range pair {
						wg.Go(func() {
							if failed := w.Handle(t.Context(), []delivery.Record{r}); len(failed) > 0 {
								t.Errorf("%s: Handle = %q, want none to come again", name, failed)
							}
						})
					}
					wg.Wait()
					w.checkInvariants(t)
					if d := diff.Diff(state(want.memory.Rows()), state(w.memory.Rows())); d != "" {
						t.Errorf("%s: tables differ from those one after the other (-want +got):\n%s", name, d)
					}
					applied := 0
					for _, r := range w.reports {
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
}

// What is not kept is known all the same, so that it is named in the log.
func TestReportKnown(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"user.created": true, "session.created": true, "made.up": false} {
		w := newWorld(nil)
		w.Handle(t.Context(), []delivery.Record{message("msg_1", `{"type":"`+name+`","object":"event","data":{"id":"a1"}}`)})
		if len(w.reports) != 1 || w.reports[0].Known != want {
			t.Errorf("reports of %s = %+v, want one with Known %t", name, w.reports, want)
		}
	}
}
