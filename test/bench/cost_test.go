package bench_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// userSize is what `data` of a user with some metadata weighs, in bytes.
const userSize = 3600

// step is an event of a story: a message id, a sample's name and what is set
// in its data. A user is padded to userSize.
type step struct {
	id, name string
	set      map[string]any
}

func at(id, name string) step { return step{id: id, name: name} }

// TestCost holds what each kind of event costs at AWS. A change that makes one
// dearer, or cheaper, has to say so here and in docs/cost.md.
func TestCost(t *testing.T) {
	for _, p := range prices() {
		for _, s := range p.of {
			t.Run(fmt.Sprintf("%s: %s, %s", p.line, s.event.name, cmp.Or(s.policy, consumer.Soft)), func(t *testing.T) {
				m := newMeter()
				f := syncFunction(t, m, s.policy)
				var got consumer.Outcome
				observe := f.Consumer.Observe
				f.Consumer.Observe = func(ctx context.Context, r consumer.Report) {
					got = r.Outcome
					observe(ctx, r)
				}
				for _, e := range append(slices.Clone(s.before), s.event) {
					m.take()
					handle(t, f, e)
				}
				if want := cmp.Or(s.outcome, consumer.Applied); got != want {
					t.Errorf("outcome of %s = %s, want %s", s.event.name, got, want)
				}
				if diff := gocmp.Diff(p.want, m.take().less(p.over)); diff != "" {
					t.Errorf("cost of %s (-want +got):\n%s", p.line, diff)
				}
			})
		}
	}
}

// TestCostIsComplete holds that every type of event that is documented and
// kept has its price, a deletion under both policies, and that every family
// has the price of a duplicate and of a stale event.
func TestCostIsComplete(t *testing.T) {
	got := map[string]bool{}
	for _, p := range prices() {
		for _, s := range p.of {
			family, _, _ := strings.Cut(s.event.name, ".")
			outcome := cmp.Or(s.outcome, consumer.Applied)
			got[fmt.Sprintf("%s, %s", s.event.name, outcome)] = true
			got[fmt.Sprintf("%s, %s, %s", s.event.name, outcome, cmp.Or(s.policy, consumer.Soft))] = true
			got[fmt.Sprintf("%s, %s", family, outcome)] = true
		}
	}
	for _, name := range events.Types() {
		if clerk.KnowledgeOf(name) != clerk.Kept {
			continue
		}
		family, event, _ := strings.Cut(name, ".")
		wants := []string{name + ", applied", family + ", duplicate", family + ", stale"}
		if event == "deleted" {
			wants = append(wants, name+", applied, soft", name+", applied, hard")
		}
		for _, want := range wants {
			if !got[want] {
				t.Errorf("prices() lack %q, want every kind of event in them", want)
				got[want] = true // said once
			}
		}
	}
}

// TestCostDoesNotGrow holds that an event costs the same in a table of many
// rows as in an empty one.
func TestCostDoesNotGrow(t *testing.T) {
	m := newMeter()
	f := syncFunction(t, m, consumer.Soft)
	handle(t, f, at("1", "user.created"))
	empty := m.take()
	for i := range 500 {
		handle(t, f, step{fmt.Sprint("u", i), "user.created", map[string]any{"id": fmt.Sprint("user_2other", i)}})
	}
	m.take()
	handle(t, f, step{"2", "user.created", map[string]any{"id": "user_2last"}})
	if diff := gocmp.Diff(empty, m.take()); diff != "" {
		t.Errorf("cost of a user in a table of 501 users (-empty +full):\n%s", diff)
	}
}

// TestCostWithoutObject holds what OBJECT_STORAGE=none saves of a user's 12 units.
func TestCostWithoutObject(t *testing.T) {
	m := newMeter()
	f := syncFunction(t, m, consumer.Soft)
	f.Consumer.Projector = projector.New(projector.StoreNone)
	handle(t, f, at("1", "user.created"))
	if got, want := m.take(), (cost{Requests: 1, Write: 4, Index: 2}); got != want {
		t.Errorf("cost of a user without object = %+v, want %+v", got, want)
	}
}

// TestBatchCostsItsParts holds that a batch costs what its messages cost
// one by one.
func TestBatchCostsItsParts(t *testing.T) {
	const n = 10
	m := newMeter()
	out, err := syncFunction(t, m, consumer.Soft).Invoke(t.Context(), batchEvent(t, n))
	if err != nil || string(out) != `{"batchItemFailures":[]}` {
		t.Fatalf("Invoke() = %s, %v", out, err)
	}
	if got := m.take(); got.Requests != n || got.Read != 0 || got.Queue != 0 {
		t.Errorf("cost of a batch of %d users = %+v, want %d requests and nothing read", n, got, n)
	}
}

// syncFunction is wired as functions/sync, over the meter.
func syncFunction(tb testing.TB, m *meter, policy consumer.DeletionPolicy) *lambdafn.Sync {
	tb.Helper()
	if policy == "" {
		policy = consumer.Soft
	}
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example"}, nil
	})
	url := aws.String("http://127.0.0.1:1")
	tables := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: url, Credentials: credentials, HTTPClient: m})
	queue := sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: url, Credentials: credentials, HTTPClient: m})
	if t, ok := tb.(*testing.T); ok {
		dynamotest.Create(t, tables, dynamotest.Names{Directory: "directory", Deliveries: "deliveries"})
	}
	return newSync(dynamo.New(tables, "directory", "deliveries"), sqsqueue.NewQueue(queue, queueURL, queueURL), policy)
}

func newSync(table directory.Table, queue consumer.Queue, policy consumer.DeletionPolicy) *lambdafn.Sync {
	metrics := lambdafn.SyncMetrics(io.Discard, "bench", time.Now)
	log := lambdafn.NewLogger(io.Discard, slog.LevelInfo)
	return &lambdafn.Sync{Metrics: metrics, Consumer: consumer.New(consumer.Config{
		Table: table, Queue: queue, Projector: projector.New(projector.StoreFull), Policy: policy,
		Retention: 90 * 24 * time.Hour, Now: svixtest.Epoch, Random: func() float64 { return 0.5 },
		Observe: lambdafn.Observer{Log: log, Metrics: metrics}.Message, Warn: lambdafn.Warn(log),
	})}
}

func handle(tb testing.TB, f *lambdafn.Sync, s step) {
	tb.Helper()
	size := 0
	if strings.HasPrefix(s.name, "user.") && s.name != "user.deleted" {
		size = userSize
	}
	// Messages of the same length cost the same: Svix's ids have 31 characters.
	id := fmt.Sprintf("2%026s", s.id)
	out, err := f.Invoke(tb.Context(), encode(tb, newRecord(strings.ReplaceAll(id, " ", "0"), s.name, payload(tb, s.name, size, s.set))))
	if err != nil || string(out) != `{"batchItemFailures":[]}` {
		tb.Fatalf("Invoke(%s) = %s, %v", s.name, out, err)
	}
}
