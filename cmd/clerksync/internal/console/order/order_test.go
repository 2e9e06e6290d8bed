package order_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/order"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/settings"
)

func newRunner() *order.Runner {
	return order.New(settings.Storage{DeletionPolicy: "soft", ObjectStorage: "full"}, 5*time.Minute)
}

// story returns a story's messages.
func story(t *testing.T, name string) []order.Message {
	t.Helper()
	s, err := order.FindStory(name)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := s.Messages()
	if err != nil {
		t.Fatal(err)
	}
	return messages
}

func run(t *testing.T, messages []order.Message) (outcomes string, r order.Result) {
	t.Helper()
	r, err := newRunner().Run(t.Context(), messages)
	if err != nil {
		t.Fatal(err)
	}
	words := make([]string, len(r.Outcomes))
	for i, o := range r.Outcomes {
		words[i] = string(o.Outcome)
	}
	return strings.Join(words, " "), r
}

// Another order has other outcomes and the same table.
func TestRunOfTwoOrders(t *testing.T) {
	t.Parallel()
	messages := story(t, "late-update")
	given, first := run(t, messages)
	slices.Reverse(messages)
	reversed, second := run(t, messages)
	if want := "applied applied applied applied stale"; given != want {
		t.Errorf("outcomes as sent = %s, want %s", given, want)
	}
	if want := "applied applied stale applied stale"; reversed != want {
		t.Errorf("outcomes in reverse = %s, want %s", reversed, want)
	}
	if first.Digest != second.Digest || len(first.Digest) != 64 {
		t.Errorf("digests = %q and %q, want one SHA-256", first.Digest, second.Digest)
	}
	for _, r := range first.Rows {
		if r.Live() {
			t.Errorf("row %v is live after the deletion of its user", r.Key())
		}
	}
	if o := second.Outcomes[2]; !strings.Contains(o.Reason, "newer") || o.SvixID == "" || o.Entity == "" {
		t.Errorf("the stale message = %+v, want its id, its entity, and that the row is newer", o)
	}
}

// A copy is a duplicate, what can never work is dead, and neither changes the rest.
func TestRunOfDuplicateAndDead(t *testing.T) {
	t.Parallel()
	messages := story(t, "edits")[:1]
	broken := order.Message{
		SvixID: "msg_broken", EventType: "user.deleted",
		Body: []byte(`{"type":"user.deleted","data":{},"timestamp":1}`),
	}
	_, want := run(t, messages)
	outcomes, got := run(t, append(messages, messages[0], broken))
	if outcomes != "applied duplicate dead" || got.Digest != want.Digest {
		t.Errorf("outcomes = %s, digest %s, want applied duplicate dead, %s", outcomes, got.Digest, want.Digest)
	}
}

// The digest is of what no order may change, and of all of it.
func TestDigestSeesEveryAttribute(t *testing.T) {
	t.Parallel()
	messages := story(t, "edits")[:1]
	_, before := run(t, messages)
	changed := messages[0]
	changed.Body = []byte(strings.Replace(string(changed.Body), `"locale":"en-US"`, `"locale":"en-GB"`, 1))
	if _, after := run(t, []order.Message{changed}); after.Digest == before.Digest {
		t.Error("the digest is the same with another locale in the object")
	}
	isUser := func(r directory.Row) bool { return r.Text("email") == "jonah@lumenoak.example" }
	if !slices.ContainsFunc(before.Rows, isUser) {
		t.Errorf("rows = %v, want the user's", before.Rows)
	}
}

// In every story clerksync has one end, and each of the naive handlers several.
func TestEveryStoryHasOneEnd(t *testing.T) {
	t.Parallel()
	for _, s := range order.Stories() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			if s.Name == "life" && testing.Short() {
				t.Skip("720 orders take seconds")
			}
			messages := story(t, s.Name)
			want := 1
			for n := range messages {
				want *= n + 1
			}
			c, err := newRunner().Compare(t.Context(), messages)
			if err != nil {
				t.Fatal(err)
			}
			if c.Orders != want || c.Distinct != 1 || !c.All {
				t.Errorf("Compare = %d orders, %d ends, all %v, want %d, 1, true", c.Orders, c.Distinct, c.All, want)
			}
			for _, h := range c.Handlers {
				t.Logf("%s: %d orders, %d ends", h.Name, h.Orders, h.Distinct)
				if h.Orders != want || h.Name != order.Clerksync && h.Distinct < 2 {
					t.Errorf("%s: %d orders, %d ends, want %d and several", h.Name, h.Orders, h.Distinct, want)
				}
				checkEnds(t, h)
			}
		})
	}
}

// checkEnds holds the ends of a handler to their counts.
func checkEnds(t *testing.T, h order.Handler) {
	t.Helper()
	orders, digests := 0, map[string]bool{}
	for i, e := range h.Ends {
		orders += e.Orders
		digests[e.Digest] = true
		if i > 0 && e.Orders > h.Ends[i-1].Orders {
			t.Errorf("%s: end %d has more orders than the one before it", h.Name, i)
		}
	}
	if orders != h.Orders || len(digests) != h.Distinct {
		t.Errorf("%s: ends of %d orders, %d digests, want %d and %d",
			h.Name, orders, len(digests), h.Orders, h.Distinct)
	}
}

// Both naive handlers get the order right that is sent, so what they lose in
// another they lose by the order.
func TestNaiveHandlersAreRightInOrder(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"late-update", "rejoin", "organization-deleted"} {
		messages := story(t, name)
		if name == "late-update" {
			messages = messages[:4] // its last message is late in the order that is sent
		}
		_, result := run(t, messages)
		c, err := newRunner().Compare(t.Context(), messages)
		if err != nil {
			t.Fatal(err)
		}
		var want []directory.Key
		for _, r := range result.Rows {
			if r.Live() && !strings.HasSuffix(r.Text("kind"), "_of") {
				want = append(want, r.Key())
			}
		}
		for _, h := range c.Handlers[1:] {
			i := slices.IndexFunc(h.Ends, func(e order.End) bool { return slices.IsSorted(e.Order) })
			if i < 0 {
				t.Fatalf("%s, %s: no end is that of the order that is sent", name, h.Name)
			}
			var got []directory.Key
			for _, r := range h.Ends[i].Rows {
				got = append(got, r.Key())
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s: rows differ from clerksync's (-want +got):\n%s", name, h.Name, diff)
			}
		}
	}
}

// What orders that begin alike have in common is run once. Each order alone, over
// tables of its own, ends in the same and has the same outcomes on the way.
func TestCompareIsAsEachOrderAlone(t *testing.T) {
	t.Parallel()
	messages := story(t, "rejoin")
	c, err := newRunner().Compare(t.Context(), messages)
	if err != nil {
		t.Fatal(err)
	}
	want := c.Handlers[0].Ends[0].Digest
	counts, orders := map[consumer.Outcome]int{}, 0
	var extend func(begun, rest []order.Message)
	extend = func(begun, rest []order.Message) {
		if len(rest) == 0 {
			_, r := run(t, begun)
			if r.Digest != want {
				t.Errorf("the order %v alone = %s, want %s", r.Outcomes, r.Digest, want)
			}
			orders++
			for _, o := range r.Outcomes {
				counts[o.Outcome]++
			}
		}
		for i, next := range rest {
			extend(append(slices.Clone(begun), next), slices.Concat(rest[:i], rest[i+1:]))
		}
	}
	extend(nil, messages)
	if diff := cmp.Diff(counts, c.Counts); diff != "" || orders != c.Orders {
		t.Errorf("outcomes of %d orders, each alone, and of %d compared (-alone +compared):\n%s",
			orders, c.Orders, diff)
	}
}

// Every sample event can be part of an order.
func TestEverySampleCanBeRun(t *testing.T) {
	t.Parallel()
	for i, name := range events.Names() {
		body, err := events.Body(name)
		if err != nil {
			t.Fatal(err)
		}
		_, r := run(t, []order.Message{{SvixID: fmt.Sprint("msg_", i), EventType: name, Body: body}})
		if o := r.Outcomes[0]; o.Outcome == "" || o.Outcome == consumer.Stale || o.Outcome == consumer.Duplicate {
			t.Errorf("%s alone = %+v, want applied, or failed or dead where it is not kept", name, o)
		}
	}
}
