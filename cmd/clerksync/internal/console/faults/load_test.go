package faults_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/faults"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/order"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/scenario"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// patience is far above what anything here takes.
const patience = 2 * time.Minute

// storm is a pipeline with switches, and what it reported.
type storm struct {
	*faults.Switches
	p      *pipeline.Pipeline
	signer webhook.Signer

	lost atomic.Int64 // requests that failed for the functions

	mu       sync.Mutex
	outcomes map[string][]consumer.Outcome // by svix id
}

// counter counts the requests that fail.
type counter struct {
	next aws.HTTPClient
	lost *atomic.Int64
}

func (c counter) Do(r *http.Request) (*http.Response, error) {
	resp, err := c.next.Do(r)
	if err != nil && r.Context().Err() == nil {
		c.lost.Add(1)
	}
	return resp, err
}

func startStorm(t *testing.T) *storm {
	t.Helper()
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	s := &storm{
		Switches: faults.New(pipeline.QueueName, time.Now, rand.Float64),
		signer:   webhook.Signer{Secrets: secrets, Now: time.Now}, outcomes: map[string][]consumer.Outcome{},
	}
	s.p, err = pipeline.Start(t.Context(), pipeline.Options{
		Addr: "127.0.0.1:0", AWSAddr: "127.0.0.1:0", Secrets: secrets,
		WrapClient: func(next aws.HTTPClient) aws.HTTPClient { return counter{s.Wrap(next), &s.lost} },
		Storage:    settings.Storage{DeletionPolicy: "soft", ObjectStorage: "full", Retention: time.Hour},
		OnRequest:  func(context.Context, ingest.Report) {},
		OnMessage: func(_ context.Context, r consumer.Report) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.outcomes[r.SvixID] = append(s.outcomes[r.SvixID], r.Outcome)
		},
		Warn: func(context.Context, string, error) {}, // what fails here is switched off
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.p.Stop(t.Context()) })
	return s
}

// post posts as Svix does: again until the webhook takes it.
func (s *storm) post(t *testing.T, r webhook.Request) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		h, body := s.signer.Sign(r)
		if a, err := webhook.Post(t.Context(), s.p.WebhookURL, h, body); err == nil && (a.Accepted() || r.Tamper) {
			return
		}
	}
	t.Errorf("%s was not taken within %v", r.ID, patience)
}

// settled waits until each message is done, and tries at once what waits.
func (s *storm) settled(t *testing.T, ids map[string]bool) {
	t.Helper()
	isDone := func(o consumer.Outcome) bool { return o != consumer.Failed }
	for end := time.Now().Add(patience); ; {
		for begin := time.Now(); time.Since(begin) < time.Second; time.Sleep(20 * time.Millisecond) {
			s.mu.Lock()
			done := 0
			for id := range ids {
				if slices.ContainsFunc(s.outcomes[id], isDone) {
					done++
				}
			}
			s.mu.Unlock()
			if done == len(ids) {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatalf("not all messages are done within %v", patience)
		}
		if _, err := s.p.RetryWaiting(); err != nil {
			t.Fatal(err)
		}
	}
}

// failed waits until the switch has made a request fail, and some time more, in which
// others do.
func (s *storm) failed(t *testing.T, name faults.Name) {
	t.Helper()
	for end := time.Now().Add(patience); s.lost.Load() == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: no request has failed within %v, want the switch to do something", name, patience)
		}
	}
	time.Sleep(500 * time.Millisecond)
}

// rows are all of the Directory table.
func (s *storm) rows(t *testing.T) (all []directory.Row) {
	t.Helper()
	table := dynamo.New(s.p.DynamoDB, s.p.DirectoryTable, s.p.DeliveriesTable)
	for after := (directory.Key{}); ; {
		rows, next, err := table.Scan(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rows...)
		if after = next; after == (directory.Key{}) {
			return all
		}
	}
}

// Each switch is on for a while as 200 webhooks come in, and then off. In the end
// each message that was taken has had its effect, none has had it twice, and the
// table is the one that the same messages make without faults.
func TestNothingIsLostAndNothingTwice(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a storm takes seconds")
	}
	s := startStorm(t)
	story, err := scenario.Tell("storm", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	var genuine []order.Message
	switches := s.State()
	share := len(story.Events)/len(switches) + 1
	for i, f := range switches {
		if err := s.Set(f.Name, true); err != nil {
			t.Fatal(err)
		}
		var posts sync.WaitGroup
		for _, e := range story.Events[i*share : min((i+1)*share, len(story.Events))] {
			if !e.Forged() && !ids[e.Request.ID] {
				ids[e.Request.ID] = true
				genuine = append(genuine, order.Message{
					SvixID: e.Request.ID, EventType: webhook.EventType(e.Request.Body), Body: e.Request.Body,
				})
			}
			posts.Go(func() { s.post(t, e.Request) })
		}
		if f.Name == faults.Twice || f.Name == faults.Shuffle {
			time.Sleep(500 * time.Millisecond) // nothing fails by them
		} else {
			s.failed(t, f.Name)
		}
		if err := s.Set(f.Name, false); err != nil {
			t.Fatal(err)
		}
		posts.Wait()
		t.Logf("%s: %d requests failed", f.Name, s.lost.Swap(0))
	}
	s.settled(t, ids)
	checkLedger(t, s, ids)
	if want, got := withoutFaults(t, genuine), order.Digest(s.rows(t)); got != want {
		t.Errorf("digest after the faults = %s, want %s, as without faults", got, want)
	}
}

// checkLedger holds the ledger to one entry for each message, and the reports to one
// effect.
func checkLedger(t *testing.T, s *storm, ids map[string]bool) {
	t.Helper()
	out, err := s.p.DynamoDB.Scan(t.Context(), &dynamodb.ScanInput{TableName: &s.p.DeliveriesTable})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Items) != len(ids) {
		t.Errorf("%d messages are recorded, want %d", len(out.Items), len(ids))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, outcomes := range s.outcomes {
		applied := 0
		for _, o := range outcomes {
			if o == consumer.Applied {
				applied++
			} else if o == consumer.Dead {
				t.Errorf("%s is dead", id)
			}
		}
		if applied > 1 || !ids[id] {
			t.Errorf("%s: %v, want a message that was sent, applied at most once", id, outcomes)
		}
	}
}

// withoutFaults is the digest of the table that the messages make in peace. A
// runner takes few at a time, so they are compared in one pipeline without switches.
func withoutFaults(t *testing.T, messages []order.Message) string {
	t.Helper()
	s := startStorm(t)
	ids := map[string]bool{}
	for _, m := range messages {
		ids[m.SvixID] = true
		s.post(t, webhook.Request{ID: m.SvixID, Body: m.Body})
	}
	s.settled(t, ids)
	return order.Digest(s.rows(t))
}
