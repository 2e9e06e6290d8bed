package bench_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/clerktest"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
)

// userSize is what `data` of a user with some metadata weighs, in bytes.
const userSize = 3600

// events of one story; each is a message id and a sample's name, and may be
// followed by changes. A user is padded to userSize.
type step struct {
	id, name string
	set      map[string]any
}

func at(id, name string) step { return step{id: id, name: name} }

// TestCost holds what each kind of event costs at AWS. A change that makes one
// dearer, or cheaper, has to say so here and in docs/cost.md.
func TestCost(t *testing.T) {
	user, updated := at("1", "user.created"), at("2", "user.updated")
	later := map[string]any{"updated_at": 1772999999999}
	renamed := map[string]any{"updated_at": 1772999999999, "username": "another"}
	org, member := at("4", "organization.created"), at("5", "organizationMembership.created")
	second := step{"6", "organizationMembership.created", map[string]any{"id": "orgmem_2second", "public_user_data.user_id": "user_2second"}}
	invitation, domain := at("7", "organizationInvitation.created"), at("8", "organizationDomain.created")
	for _, c := range []struct {
		name   string
		policy consumer.DeletionPolicy
		before []step
		event  step
		want   cost
	}{
		{"user created", "", nil, user, cost{Requests: 1, Write: 12, Index: 2}},
		{"user updated", "", []step{user, updated}, step{"3", "user.updated", later}, cost{Requests: 1, Write: 12}},
		{"user updated, username changed", "", []step{user, updated}, step{"3", "user.updated", renamed}, cost{Requests: 1, Write: 12, Index: 2}},
		{"user, duplicate", "", []step{user, updated}, updated, cost{Requests: 1, Write: 12}},
		{"user, stale", "", []step{updated}, user, cost{Requests: 2, Write: 13}},
		{"user, stale, again", "", []step{updated, user}, user, cost{Requests: 1, Write: 12}},
		{"user deleted, soft", consumer.Soft, []step{user}, at("9", "user.deleted"), cost{Requests: 3, Write: 12, Index: 2, Read: 3}},
		{"user deleted, hard", consumer.Hard, []step{user}, at("9", "user.deleted"), cost{Requests: 2, Write: 12, Index: 2, Read: 1}},
		{"user with a membership deleted, soft", consumer.Soft, []step{user, org, member}, at("9", "user.deleted"), cost{Requests: 5, Write: 18, Index: 2, Read: 4}},
		{"organization created", "", nil, org, cost{Requests: 1, Write: 6, Index: 1}},
		{"organization updated", "", []step{org, at("3", "organization.updated")}, step{"9", "organization.updated", later}, cost{Requests: 1, Write: 6}},
		{"organization deleted, soft", consumer.Soft, []step{org}, at("9", "organization.deleted"), cost{Requests: 3, Write: 6, Index: 1, Read: 2}},
		{"organization with two members, an invitation and a domain deleted", consumer.Soft, []step{org, member, second, invitation, domain}, at("9", "organization.deleted"), cost{Requests: 8, Write: 26, Index: 1, Read: 4}},
		{"membership created", "", []step{user, org}, member, cost{Requests: 2, Write: 8, Read: 3}},
		{"membership updated", "", []step{user, org, member}, at("9", "organizationMembership.updated"), cost{Requests: 2, Write: 8, Read: 3}},
		{"membership, duplicate", "", []step{user, org, member}, member, cost{Requests: 2, Write: 8, Read: 3}},
		{"membership, stale", "", []step{user, org, at("9", "organizationMembership.updated")}, member, cost{Requests: 3, Write: 9, Read: 3}},
		{"membership deleted, soft", consumer.Soft, []step{user, org, member}, at("9", "organizationMembership.deleted"), cost{Requests: 2, Write: 8, Read: 1}},
		{"membership deleted, hard", consumer.Hard, []step{user, org, member}, at("9", "organizationMembership.deleted"), cost{Requests: 1, Write: 8}},
		{"invitation created", "", []step{org}, invitation, cost{Requests: 2, Write: 6, Read: 1}},
		{"invitation accepted", "", []step{org, invitation}, at("9", "organizationInvitation.accepted"), cost{Requests: 2, Write: 6, Read: 1}},
		{"domain created", "", []step{org}, domain, cost{Requests: 3, Write: 8, Read: 2}},
		{"domain updated", "", []step{org, domain}, at("9", "organizationDomain.updated"), cost{Requests: 3, Write: 8, Read: 2}},
		{"domain deleted", "", []step{org, domain}, at("9", "organizationDomain.deleted"), cost{Requests: 2, Write: 8, Read: 1}},
		{"role created", "", nil, at("9", "role.created"), cost{Requests: 1, Write: 4}},
		{"role deleted, soft", consumer.Soft, []step{at("1", "role.created")}, at("9", "role.deleted"), cost{Requests: 2, Write: 4, Read: 1}},
		{"permission updated", "", []step{at("1", "permission.created")}, at("9", "permission.updated"), cost{Requests: 1, Write: 4}},
		{"hopeless", "", nil, step{"9", "user.updated", map[string]any{"id": nil}}, cost{Queue: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMeter()
			f := syncFunction(t, m, c.policy)
			for _, s := range append(c.before, c.event) {
				m.take()
				handle(t, f, s)
			}
			if diff := cmp.Diff(c.want, m.take()); diff != "" {
				t.Errorf("cost of %s (-want +got):\n%s", c.name, diff)
			}
		})
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
	if diff := cmp.Diff(empty, m.take()); diff != "" {
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
		Retention: 90 * 24 * time.Hour, Now: clerktest.Epoch, Random: func() float64 { return 0.5 },
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
