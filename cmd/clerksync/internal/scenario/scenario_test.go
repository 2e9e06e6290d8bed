package scenario_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/scenario"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// harness is a running pipeline that counts what is queued and what has ended.
type harness struct {
	t      *testing.T
	p      *pipeline.Pipeline
	signer webhook.Signer
	rows   *deployment.Rows

	mu            sync.Mutex
	queued, ended int
	last          string // stage or outcome
	changed       chan struct{}
}

func start(t *testing.T) *harness {
	t.Helper()
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, changed: make(chan struct{}, 1), signer: webhook.Signer{Secrets: secrets, Now: time.Now}}
	h.p, err = pipeline.Start(t.Context(), pipeline.Options{
		Addr: "127.0.0.1:0", AWSAddr: "127.0.0.1:0", Secrets: secrets,
		Storage: settings.Storage{DeletionPolicy: "soft", ObjectStorage: "full", Retention: time.Hour},
		OnRequest: func(_ context.Context, r ingest.Report) {
			h.note(string(r.Stage), r.Reason, r.Stage == ingest.Queued, false)
		},
		OnMessage: func(_ context.Context, r consumer.Report) {
			h.note(string(r.Outcome), "", false, r.Outcome != consumer.Failed)
		},
		Warn: func(_ context.Context, operation string, err error) { t.Errorf("%s: %v", operation, err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.p.Stop(t.Context()) })
	h.rows = deployment.NewRows(h.p.DynamoDB, h.p.DirectoryTable, h.p.DeliveriesTable)
	return h
}

func (h *harness) note(stage, reason string, queued, ended bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if stage == string(ingest.Rejected) {
		stage += " 400 " + reason
	}
	h.last = stage
	if queued {
		h.queued++
	}
	if ended {
		h.ended++
	}
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

// send posts an event and wants the answer that the story expects.
func (h *harness) send(e scenario.Event) {
	h.t.Helper()
	headers, body := h.signer.Sign(e.Request)
	a, err := webhook.Post(h.t.Context(), h.p.WebhookURL, headers, body)
	if err != nil {
		h.t.Fatal(err)
	}
	if !e.Expects(a) {
		h.t.Errorf("%s: the answer is %d %s, which the story does not expect", e.What, a.Status, a.Body)
	}
}

// wait waits until every message that was queued has ended, and returns the last
// outcome.
func (h *harness) wait() string {
	h.t.Helper()
	timeout := time.After(time.Minute)
	for {
		h.mu.Lock()
		done, last := h.queued == h.ended, h.last
		h.mu.Unlock()
		if done {
			return last
		}
		select {
		case <-h.changed:
		case <-timeout:
			h.t.Fatal("not every message has ended after a minute")
		}
	}
}

// check looks where the story says, and wants what it says.
func (h *harness) check(l scenario.Look) {
	h.t.Helper()
	find := map[string]func(context.Context, string) ([]deployment.Record, error){
		"user": h.rows.User, "org": h.rows.Organization, "members": h.rows.Members, "memberships": h.rows.Memberships,
	}[l.Kind]
	got, err := find(h.t.Context(), l.Name)
	if err != nil {
		h.t.Fatal(err)
	}
	if len(got) != l.Rows {
		h.t.Errorf("get %s %s finds %d rows, want %d: %s", l.Kind, l.Name, len(got), l.Rows, l.Want)
	}
	for _, row := range got {
		if isDeleted := row.Text("deleted_at") != ""; isDeleted != l.Deleted {
			h.t.Errorf("get %s %s: deleted %v, want %v: %s", l.Kind, l.Name, isDeleted, l.Deleted, l.Want)
		}
		for name, want := range l.Attributes {
			if row.Text(name) != want {
				h.t.Errorf("get %s %s: %s = %q, want %q: %s", l.Kind, l.Name, name, row.Text(name), want, l.Want)
			}
		}
	}
}

func tell(t *testing.T, name string) scenario.Story {
	t.Helper()
	s, err := scenario.Tell(name, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every story ends in the rows that it names, as it arrives, in any other order,
// and twice in the same tables.
func TestStoriesEndAsTheySay(t *testing.T) {
	t.Parallel()
	for _, name := range scenario.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			for run := range 3 {
				s := tell(t, name)
				if run > 0 {
					rand.Shuffle(len(s.Events), func(i, j int) { s.Events[i], s.Events[j] = s.Events[j], s.Events[i] })
				}
				for _, e := range s.Events {
					h.send(e)
				}
				h.wait()
				for _, l := range s.Looks {
					h.check(l)
				}
				if t.Failed() {
					t.FailNow()
				}
			}
		})
	}
}

// Each event of the first week has the outcome that is written beside it, where
// the one before has had its effect.
func TestWeekComesOutAsWritten(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, e := range scenario.Week(time.Now()) {
		h.send(e)
		if got := h.wait(); got != e.Outcome {
			t.Errorf("%s %s: %s, want %s", e.Day, e.What, got, e.Outcome)
		}
	}
}

// The storm is what its name promises: 200 requests in no order, some of them
// twice, some forged, and two stops.
func TestStorm(t *testing.T) {
	t.Parallel()
	s := tell(t, "storm")
	ids, forged := map[string]int{}, 0
	var order []string
	for _, e := range s.Events {
		if ids[e.Request.ID]++; e.Forged() {
			forged++
		}
		order = append(order, e.Request.ID)
	}
	if len(s.Events) != 200 || len(ids) == len(s.Events) || forged == 0 || slices.IsSorted(order[:100]) {
		t.Errorf("%d requests, %d ids, %d forged, sorted %v, want 200, fewer ids, some forged, not sorted",
			len(s.Events), len(ids), forged, slices.IsSorted(order[:100]))
	}
	if len(s.Stops) != 2 || s.Stops[0].From < 1 || s.Stops[0].To <= s.Stops[0].From ||
		s.Stops[1].From <= s.Stops[0].To || s.Stops[1].To <= s.Stops[1].From || s.Stops[1].To >= len(s.Events) {
		t.Errorf("stops %v, want two within the %d events, one after the other", s.Stops, len(s.Events))
	}
}

// What comes again is the same message: one id, one body.
func TestOneIDIsOneMessage(t *testing.T) {
	t.Parallel()
	for _, name := range scenario.Names() {
		bodies := map[string]string{}
		for _, e := range tell(t, name).Events {
			if before, seen := bodies[e.Request.ID]; seen && before != string(e.Request.Body) {
				t.Errorf("%s: %s has the id of another message", name, e.What)
			}
			bodies[e.Request.ID] = string(e.Request.Body)
		}
	}
}

// Two tellings of a story share no person, organization, address or slug, and the
// instance is that of the samples.
func TestStoriesShareNobody(t *testing.T) {
	t.Parallel()
	names := regexp.MustCompile(`\b(user|org|orgmem|orginv|orgdmn|sess)_[0-9A-Za-z]{20,}|` +
		`[\w.]+@[\w.]+\.example|"(slug|username|external_id)":"[^"]*"`)
	for _, name := range scenario.Names() {
		seen := map[string]bool{}
		for _, e := range tell(t, name).Events {
			for _, id := range names.FindAllString(string(e.Request.Body), -1) {
				seen[id] = true
			}
			seen[e.Request.ID] = true
		}
		seen[`"slug":"verification_code"`] = false // the name of a template of Clerk's
		for _, e := range tell(t, name).Events {
			for _, id := range append(names.FindAllString(string(e.Request.Body), -1), e.Request.ID) {
				if seen[id] {
					t.Errorf("%s: %s is in two tellings", name, id)
				}
			}
			event, err := clerk.Decode(e.Request.Body)
			if err != nil || event.InstanceID != "ins_2exampleLumenOak00000000000" {
				t.Errorf("%s: %s has instance %q, %v, want that of the samples", name, e.What, event.InstanceID, err)
			}
		}
	}
}

// The newest event of a story is of now, none is of the future, and an object has
// one time of its creation in all of them.
func TestTimesOfStories(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, name := range scenario.Names() {
		s, err := scenario.Tell(name, now)
		if err != nil {
			t.Fatal(err)
		}
		newest, created := int64(0), map[string]int64{}
		for _, e := range s.Events {
			var event struct {
				Timestamp int64
				Data      struct {
					ID                   string
					CreatedAt, UpdatedAt int64
				}
			}
			decode(t, e.Request.Body, &event)
			newest = max(newest, event.Timestamp)
			if d := event.Data; d.CreatedAt > 0 {
				if at, known := created[d.ID]; known && at != d.CreatedAt {
					t.Errorf("%s: %s was created at %d and at %d", name, d.ID, at, d.CreatedAt)
				}
				created[d.ID] = d.CreatedAt
				if d.UpdatedAt < d.CreatedAt || d.UpdatedAt > event.Timestamp {
					t.Errorf("%s: %s has created_at %d, updated_at %d, timestamp %d, want them to rise",
						name, e.What, d.CreatedAt, d.UpdatedAt, event.Timestamp)
				}
			}
		}
		if newest != now.UnixMilli() {
			t.Errorf("%s: the newest event is of %d, want now, %d", name, newest, now.UnixMilli())
		}
	}
}

// decode reads members in snake case into fields of the same name.
func decode(t *testing.T, body []byte, v any) {
	t.Helper()
	plain := regexp.MustCompile(`"(created|updated)_at"`).ReplaceAll(body, []byte(`"${1}At"`))
	if err := json.Unmarshal(plain, v); err != nil {
		t.Fatal(err)
	}
}

// Names leads to every story, and another name to none.
func TestTellUnknown(t *testing.T) {
	t.Parallel()
	if _, err := scenario.Tell("calm", time.Now()); !errors.Is(err, scenario.ErrUnknown) {
		t.Errorf("Tell(calm) = %v, want ErrUnknown", err)
	}
	for _, name := range scenario.Names() {
		if s := tell(t, name); s.Name != name || s.Point == "" || s.Point != scenario.Point(name) || len(s.Looks) == 0 {
			t.Errorf("Tell(%s) has name %q, point %q, %d looks", name, s.Name, s.Point, len(s.Looks))
		}
	}
}
