package preview_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/preview"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/scenario"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// harness is a running pipeline, what passed through it, and previews over its
// tables.
type harness struct {
	t      *testing.T
	p      *pipeline.Pipeline
	passed *recorder.Recorder
	*preview.Previewer
}

func start(t *testing.T) *harness {
	t.Helper()
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, Previewer: &preview.Previewer{
		Signer:  webhook.Signer{Secrets: secrets, Now: time.Now},
		Storage: settings.Storage{DeletionPolicy: "soft", ObjectStorage: "full", Retention: time.Hour},
	}}
	h.passed = recorder.New(recorder.Options{Now: time.Now, Projector: projector.New(projector.StoreFull)})
	h.p, err = pipeline.Start(t.Context(), pipeline.Options{
		Addr: "127.0.0.1:0", AWSAddr: "127.0.0.1:0", Secrets: secrets, Storage: h.Storage,
		OnRequest: h.passed.OnRequest, OnMessage: h.passed.OnMessage,
		WrapWebhook: h.passed.Handler, WrapTable: h.passed.Table,
		Warn: func(_ context.Context, operation string, err error) { t.Errorf("%s: %v", operation, err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.p.Stop(t.Context()) })
	h.Table = dynamo.New(h.p.DynamoDB, h.p.DirectoryTable, h.p.DeliveriesTable)
	h.Rows = deployment.NewRows(h.p.DynamoDB, h.p.DirectoryTable, h.p.DeliveriesTable)
	return h
}

// preview returns what would become of a request.
func (h *harness) preview(r webhook.Request) recorder.Message {
	h.t.Helper()
	list, err := h.Preview(h.t.Context(), r)
	if err != nil || len(list) != 1 {
		h.t.Fatalf("Preview() = %d messages, %v, want one", len(list), err)
	}
	return list[0]
}

// send sends the request, and returns what became of it.
func (h *harness) send(r webhook.Request) recorder.Message {
	h.t.Helper()
	headers, body := h.Signer.Sign(r)
	if _, err := webhook.Post(h.t.Context(), h.p.WebhookURL, headers, body); err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	m, _, err := h.passed.Wait(ctx, r.ID, recorder.WaitEnded)
	if err != nil {
		h.t.Fatalf("message %s is %q after a minute", r.ID, m.Outcome)
	}
	return m
}

// effect is what a message did, less what depends on the clock.
type effect struct {
	Outcome, Entity, Reason string
	Writes                  []string
}

func effectOf(m recorder.Message) effect {
	e := effect{Outcome: m.Outcome, Entity: m.Entity, Reason: m.Reason}
	for _, w := range m.Writes {
		e.Writes = append(e.Writes, strings.Join([]string{
			w.Outcome, w.Key.PK, w.Key.SK, w.Before.Text("rev"), w.Wanted.Text("rev"), w.Wanted.Text("deleted_at"),
		}, " "))
	}
	slices.Sort(e.Writes) // a cascade deletes several children at once
	return e
}

// What a preview says of a message becomes of it, whatever came before and in
// whatever order, and the preview itself changes nothing.
func TestPreviewComesTrue(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"signup", "org-life", "race", "sign-in-race"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			for run := range 3 {
				story, err := scenario.Tell(name, time.Now())
				if err != nil {
					t.Fatal(err)
				}
				list := story.Events
				if run > 0 {
					rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
				}
				seen := map[string]bool{}
				for _, e := range list {
					want := effectOf(h.preview(e.Request))
					if again := effectOf(h.preview(e.Request)); !cmp.Equal(want, again) {
						t.Errorf("%s: a second preview says otherwise:\n%s", e.What, cmp.Diff(want, again))
					}
					sent := seen[e.Request.ID]
					if want.Outcome != "ignored" && sent != (want.Outcome == "duplicate") {
						t.Errorf("%s: the preview is %s, and whether it was sent before is %v",
							e.What, want.Outcome, sent)
					}
					got := effectOf(h.send(e.Request))
					if !seen[e.Request.ID] && !cmp.Equal(want, got) { // the outcome of the first stays
						t.Errorf("%s (-preview +what became of it):\n%s", e.What, cmp.Diff(want, got))
					}
					seen[e.Request.ID] = true
				}
			}
		})
	}
}

func sample(t *testing.T, name string, edits ...string) webhook.Request {
	t.Helper()
	body, err := events.Body(name)
	if err == nil {
		body, err = webhook.Edit(body, edits)
	}
	if err != nil {
		t.Fatal(err)
	}
	return webhook.Request{ID: webhook.NewID(time.Now()), Body: body}
}

// Requests that never reach the tables are previewed, too, with their reasons.
func TestPreviewOfRequestsThatAreNotKept(t *testing.T) {
	t.Parallel()
	h := start(t)
	created := sample(t, "user.created")
	with := func(change func(*webhook.Request)) webhook.Request {
		r := created
		change(&r)
		return r
	}
	for name, c := range map[string]struct {
		request         webhook.Request
		outcome, reason string
	}{
		"tampered": {
			request: with(func(r *webhook.Request) { r.Tamper = true }), outcome: "rejected",
			reason: "invalid_signature",
		},
		"late": {
			request: with(func(r *webhook.Request) { r.Skew = -10 * time.Minute }), outcome: "rejected",
			reason: "invalid_timestamp",
		},
		"an id that is none": {
			request: with(func(r *webhook.Request) { r.ID = "a.b" }), outcome: "rejected", reason: "missing_headers",
		},
		"no event": {
			request: with(func(r *webhook.Request) { r.Body = []byte(`[]`) }), outcome: "rejected",
			reason: "invalid_payload",
		},
		"a type without a row": {request: sample(t, "email.created"), outcome: "ignored", reason: "type"},
		"a time that is none": {
			request: sample(t, "user.created", "data.updated_at=-5"), outcome: "dead", reason: "data.updated_at",
		},
	} {
		m := h.preview(c.request)
		if m.Outcome != c.outcome || !strings.Contains(m.Reason, c.reason) {
			t.Errorf("%s: preview = %s %q, want %s %q", name, m.Outcome, m.Reason, c.outcome, c.reason)
		}
	}
	h.Instances = []string{"ins_other"}
	if m := h.preview(created); m.Outcome != "ignored" || m.Reason != "instance" {
		t.Errorf("another instance: preview = %s %q, want ignored, instance", m.Outcome, m.Reason)
	}
}

// Several requests are previewed one after the other: what the first would write,
// the next one finds.
func TestPreviewOfSeveral(t *testing.T) {
	t.Parallel()
	h := start(t)
	created, deleted, late := sample(t, "user.created"), sample(t, "user.deleted"), sample(t, "user.updated")
	joined := sample(t, "organizationMembership.created")
	list, err := h.Preview(t.Context(), created, created, joined, deleted, late)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range list {
		got = append(got, m.Outcome)
	}
	if diff := cmp.Diff([]string{"applied", "applied", "applied", "stale"}, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if n := len(list[0].Attempts); n != 2 {
		t.Errorf("the message that comes twice has %d attempts, want 2", n)
	}
	if ended := list[2].Writes; len(ended) != 2 || !ended[1].Child {
		t.Errorf("the deletion has %d writes, want its own and that of the membership", len(ended))
	}
	rows, err := h.Table.Read(t.Context(), directory.UserKey("user_2exampleJonahAdeyemi0000000"))
	if err != nil || rows[0] != nil {
		t.Errorf("after the preview the table holds %v, %v, want nothing", rows[0], err)
	}
}
