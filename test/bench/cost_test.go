package bench_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery/deliverytest"
	"github.com/clerksync/clerksync/pkg/lambdafn/syncfn"
	"github.com/clerksync/clerksync/pkg/projector"
)

// userSize is what `data` of a user with some metadata weighs, in bytes.
const userSize = 3600

// event is a sample with a message id of its own and members of its data set. A user is padded to userSize.
type event struct {
	id, sample string
	set        map[string]any
}

// handle hands sync a batch with that event alone. Messages of the same length cost the same: Svix's ids have 31
// characters, and so have these.
func handle(t *testing.T, f *syncfn.Handler, e event) {
	t.Helper()
	size := 0
	if strings.HasPrefix(e.sample, "user.") && e.sample != "user.deleted" {
		size = userSize
	}
	id := "msg_2" + strings.Repeat("0", 26-len(e.id)) + e.id
	wantProcessed(t, f, deliverytest.Event(deliverytest.Record(id, e.sample, eventBody(t, e.sample, size, e.set))))
}

// TestCost holds that each kind of event costs at AWS what docs/cost.md says, and that the page lists nothing else. A
// change that makes one dearer, or cheaper, has to say so there.
func TestCost(t *testing.T) {
	documented, all := documentedCosts(t), scenarios()
	all["not kept (sessions, e-mails, billing), forged, stale signature"] = nil // sync never sees it: TestIngestCost
	for line := range documented {
		if _, known := all[line]; !known {
			t.Errorf("docs/cost.md prices %q, which is not counted here", line)
		}
	}
	for line, ss := range all {
		want, known := documented[line]
		if !known {
			t.Errorf("docs/cost.md does not price %q", line)
		}
		for _, s := range ss {
			t.Run(fmt.Sprintf("%s: %s, %s", line, s.event.sample, s.policy), func(t *testing.T) {
				m := newMeter()
				f := meteredSync(t, m, s.policy)
				var got consumer.Outcome
				observe := f.Consumer.Observe
				f.Consumer.Observe = func(ctx context.Context, r consumer.Report) {
					got = r.Outcome
					observe(ctx, r)
				}
				for _, e := range append(slices.Clone(s.before), s.event) {
					m.reset()
					handle(t, f, e)
				}
				if got != s.outcome {
					t.Errorf("outcome of %s = %s, want %s", s.event.sample, got, s.outcome)
				}
				want.Queue = s.queue
				if diff := cmp.Diff(want, m.reset().minus(documented[s.onTopOf])); diff != "" {
					t.Errorf("cost (-documented +counted):\n%s", diff)
				}
			})
		}
	}
}

// documentedCosts reads the table of docs/cost.md, by line, and wants the money in it to be worked out right.
func documentedCosts(t *testing.T) map[string]cost {
	t.Helper()
	text, err := os.ReadFile("../../docs/cost.md")
	if err != nil {
		t.Fatal(err)
	}
	const heading = "| event | table requests | write units | index units | read units | " +
		"USD per million, DynamoDB alone |"
	_, table, _ := strings.Cut(string(text), "\n"+heading+"\n|---|---|---|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	costs := map[string]cost{}
	for row := range strings.Lines(strings.ReplaceAll(table, "*", "")) {
		cells := strings.Split(strings.Trim(row, "|\n"), "|")
		var n [5]int
		for i := 1; i < len(n) && len(cells) == 6; i++ {
			if digits := strings.TrimSpace(cells[i]); digits != "" {
				n[i], err = strconv.Atoi(digits)
			}
		}
		c := cost{Requests: n[1], Write: n[2], Index: n[3], Read: n[4]}
		line := strings.TrimSpace(cells[0])
		if _, twice := costs[line]; twice || err != nil || strings.TrimSpace(cells[len(cells)-1]) != c.perMillion() {
			t.Errorf("row %q of docs/cost.md, want one of that name, with the cost %s", row, c.perMillion())
		}
		costs[line] = c
	}
	if len(costs) == 0 {
		t.Fatalf("docs/cost.md does not hold the table %q", heading)
	}
	return costs
}

// perMillion is what DynamoDB bills for a million of them in USD: 0.625 for the write units, 0.125 for the read units.
// https://aws.amazon.com/dynamodb/pricing/on-demand/
func (c cost) perMillion() string {
	eighths := 5*(c.Write+c.Index) + c.Read
	cents := (100*eighths + 4) / 8
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}

func (c cost) minus(o cost) cost {
	return cost{
		Requests: c.Requests - o.Requests,
		Write:    c.Write - o.Write,
		Index:    c.Index - o.Index,
		Read:     c.Read - o.Read,
		Queue:    c.Queue - o.Queue,
	}
}

// TestCostIsComplete holds that every type of event that is documented and kept has its price, a deletion under both
// policies, and that every family has the price of a duplicate and of a stale event.
func TestCostIsComplete(t *testing.T) {
	priced := map[string]bool{}
	for _, ss := range scenarios() {
		for _, s := range ss {
			family, _, _ := strings.Cut(s.event.sample, ".")
			priced[fmt.Sprintf("%s, %s", s.event.sample, s.outcome)] = true
			priced[fmt.Sprintf("%s, %s, %s", s.event.sample, s.outcome, s.policy)] = true
			priced[fmt.Sprintf("%s, %s", family, s.outcome)] = true
		}
	}
	for _, name := range events.Types() {
		if clerk.KnowledgeOf(name) != clerk.Kept {
			continue
		}
		family, verb, _ := strings.Cut(name, ".")
		wants := []string{name + ", applied", family + ", duplicate", family + ", stale"}
		if verb == "deleted" {
			wants = append(wants, name+", applied, soft", name+", applied, hard")
		}
		for _, want := range wants {
			if !priced[want] {
				t.Errorf("scenarios() lack %q, want every kind of event in them", want)
				priced[want] = true // report it once
			}
		}
	}
}

// TestCostDoesNotGrow holds that an event costs the same in a table of many rows as in an empty one.
func TestCostDoesNotGrow(t *testing.T) {
	m := newMeter()
	f := meteredSync(t, m, consumer.Soft)
	handle(t, f, event{id: "1", sample: "user.created"})
	empty := m.reset()
	for i := range 500 {
		set := map[string]any{"id": fmt.Sprint("user_2other", i)}
		handle(t, f, event{id: fmt.Sprint("u", i), sample: "user.created", set: set})
	}
	m.reset()
	handle(t, f, event{id: "2", sample: "user.created", set: map[string]any{"id": "user_2last"}})
	if diff := cmp.Diff(empty, m.reset()); diff != "" {
		t.Errorf("cost of a user in a table of 501 users (-empty +full):\n%s", diff)
	}
}

// TestCostWithoutObject holds what OBJECT_STORAGE=none saves of a user's 12 units.
func TestCostWithoutObject(t *testing.T) {
	m := newMeter()
	f := meteredSync(t, m, consumer.Soft)
	f.Consumer.Projector = projector.New(projector.StoreNone)
	handle(t, f, event{id: "1", sample: "user.created"})
	if got, want := m.reset(), (cost{Requests: 1, Write: 4, Index: 2}); got != want {
		t.Errorf("cost of a user without object = %+v, want %+v", got, want)
	}
}

// TestBatchCostsItsParts holds that a batch costs what its messages cost one by one.
func TestBatchCostsItsParts(t *testing.T) {
	const n = 10
	m := newMeter()
	wantProcessed(t, meteredSync(t, m, consumer.Soft), usersBatch(t, n))
	if got := m.reset(); got.Requests != n || got.Read != 0 || got.Queue != 0 {
		t.Errorf("cost of a batch of %d users = %+v, want %d requests and nothing read", n, got, n)
	}
}
