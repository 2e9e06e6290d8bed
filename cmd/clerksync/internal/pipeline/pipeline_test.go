package pipeline_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// jonah is the key of the user of the samples.
const jonah = "USER#user_2exampleJonahAdeyemi0000000 USER"

// older makes the sample user.updated older than user.created.
func older(body string) string { return strings.ReplaceAll(body, "1772543300655", "1772447500000") }

// TestPromise is what clerksync is for: a signed event becomes a row; what is
// sent twice, forged, late or overtaken changes nothing.
func TestPromise(t *testing.T) {
	t.Parallel()
	h := start(t, pipeline.Options{})
	created, updated := sample(t, "user.created"), sample(t, "user.updated")

	h.wantSent("msg_1", created, "applied")
	row := h.row(jonah)
	if row == nil || row["email"] != "jonah@lumenoak.example" {
		t.Fatalf("row after user.created = %v, want Jonah's", row)
	}
	wantSame := func(after string) {
		t.Helper()
		if diff := cmp.Diff(row, h.row(jonah)); diff != "" {
			t.Errorf("row after %s (-before +after):\n%s", after, diff)
		}
	}

	h.wantSent("msg_1", created, "duplicate")
	wantSame("a duplicate")

	tampered := signed("msg_2", updated)
	tampered.Body = append(tampered.Body, ' ')
	status, body, _ := h.do(tampered)
	if status != http.StatusBadRequest || body != `{"error":"invalid_signature"}` {
		t.Errorf("tampered = %d %s, want 400 invalid_signature", status, body)
	}
	wantSame("a tampered request")

	h.wantSent("msg_3", older(updated), "stale")
	wantSame("an older update")

	h.wantSent("msg_4", sample(t, "user.deleted"), "applied")
	if row = h.row(jonah); row == nil || row["deleted_at"] == nil {
		t.Fatalf("row after user.deleted = %v, want a tombstone", row)
	}
	h.wantSent("msg_5", updated, "stale")
	wantSame("a late update of a deleted user")

	outcomes := map[string]any{}
	for id, d := range h.rows(h.p.DeliveriesTable) {
		outcomes[id] = d["outcome"]
	}
	want := map[string]any{"msg_1": "applied", "msg_3": "stale", "msg_4": "applied", "msg_5": "stale"}
	if diff := cmp.Diff(want, outcomes); diff != "" {
		t.Errorf("deliveries, the tampered one in none (-want +got):\n%s", diff)
	}
	h.wantDeadLetters(0)
}

// What the path, the method and the size decide is answered before anything
// else, never with a redirect.
func TestEdge(t *testing.T) {
	t.Parallel()
	h := start(t, pipeline.Options{})
	empty := signed("msg_1", "{}")
	for name, test := range map[string]struct {
		r      svixtest.Request
		status int
		body   string
	}{
		"a slash at the end": {
			r: empty.To("POST", "/webhooks/clerk/"), status: 404, body: `{"error":"not_found"}`,
		},
		"another case": {
			r: empty.To("POST", "/Webhooks/Clerk"), status: 404, body: `{"error":"not_found"}`,
		},
		"a doubled slash": {
			r: empty.To("POST", "//webhooks/clerk"), status: 404, body: `{"error":"not_found"}`,
		},
		"GET": {
			r: empty.To("GET", "/webhooks/clerk"), status: 405, body: `{"error":"method_not_allowed"}`,
		},
		"over 1,000,000 bytes": {
			r: signed("msg_1", strings.Repeat(" ", 1_000_001)), status: 413, body: `{"error":"payload_too_large"}`,
		},
		// https://github.com/resend/resend-cli/pull/224
		"unsigned": {
			r: empty.With("svix-signature", "-"), status: 400, body: `{"error":"missing_headers"}`,
		},
		"by webhook-* headers": {
			r:      signed("msg_1", `{"type":"session.created","data":{}}`).Renamed("webhook-"),
			status: 200, body: `{"received":true,"id":"msg_1","ignored":"type"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body, header := h.do(test.r)
			if status != test.status || body != test.body {
				t.Errorf("%s %s = %d %s, want %d %s", test.r.Method, test.r.Path, status, body, test.status, test.body)
			}
			if got := header.Get("content-type"); got != "application/json" {
				t.Errorf("content-type = %q, want application/json", got)
			}
			if got := header.Get("location"); got != "" {
				t.Errorf("location = %q, want none", got)
			}
		})
	}
}

// Clerk's guide replaces a secret by a second endpoint at the same URL: for a
// while every event comes twice, signed by different secrets, under one svix
// id; Svix's own rotation signs with both for a day.
// https://clerk.com/docs/guides/development/webhooks/overview
func TestSeveralSecrets(t *testing.T) {
	t.Parallel()
	h := start(t, pipeline.Options{Secrets: secrets(t, svixtest.OtherSecret+", "+svixtest.Secret)})
	signature := func(r svixtest.Request, id, secret string) string {
		return svixtest.Sign(secret, id, r.Header["svix-timestamp"], r.Body)
	}
	twice := signed("msg_twice", sample(t, "user.created"))
	h.post(twice)
	h.wantOutcome("msg_twice", 1, "applied")
	h.post(twice.With("svix-signature", signature(twice, "msg_twice", svixtest.OtherSecret)))
	h.wantOutcome("msg_twice", 2, "duplicate")

	both := signed("msg_both", sample(t, "session.created"))
	h.post(both.With("svix-signature",
		signature(both, "msg_both", svixtest.OtherSecret)+" "+signature(both, "msg_both", svixtest.Secret)))
	third := both.With("svix-signature", signature(both, "msg_both", svixtest.ThirdSecret))
	if status, body, _ := h.do(third); status != http.StatusBadRequest {
		t.Errorf("signed by a secret of no endpoint = %d %s, want 400", status, body)
	}
}

// Of events that are verified, only those of the named instances are taken; the
// others are accepted and go no further.
func TestInstances(t *testing.T) {
	t.Parallel()
	h := start(t, pipeline.Options{Instances: []string{"ins_other"}})
	body := sample(t, "user.created")
	status, reply, _ := h.do(signed("msg_1", body))
	if want := `{"received":true,"id":"msg_1","ignored":"instance"}`; status != http.StatusOK || reply != want {
		t.Errorf("an event of another instance = %d %s, want 200 %s", status, reply, want)
	}
	h.wantSent("msg_2", strings.Replace(body, `"instance_id":"`, `"instance_id":"ins_other","was":"`, 1), "applied")
	if got := h.stages("msg_1"); !cmp.Equal(got, []string{"ignored"}) {
		t.Errorf("stages of another instance's = %v, want ignored alone", got)
	}
}

// The two privacy settings reach the rows: no copy of Clerk's object, and nothing
// of a person in a tombstone.
func TestObjectStorageAndDeletionPolicy(t *testing.T) {
	t.Parallel()
	h := start(t, pipeline.Options{
		Storage: settings.Storage{DeletionPolicy: "hard", ObjectStorage: "none", Retention: time.Hour},
	})
	h.wantSent("msg_1", sample(t, "user.created"), "applied")
	row := h.row(jonah)
	if row == nil || row["object"] != nil || row["email"] == nil {
		t.Errorf("row with OBJECT_STORAGE=none = %v, want one without object", row)
	}
	h.wantSent("msg_2", sample(t, "user.deleted"), "applied")
	want := []string{"deleted_at", "instance_id", "kind", "pk", "rev", "sk", "svix_id", "synced_at"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(h.row(jonah)))); diff != "" {
		t.Errorf("attributes of a tombstone with DELETION_POLICY=hard (-want +got):\n%s", diff)
	}
}

// Start says which address is taken, and leaves nothing behind.
func TestStartFails(t *testing.T) {
	t.Parallel()
	h := start(t, pipeline.Options{})
	const free = "127.0.0.1:0"
	taken := strings.TrimPrefix(strings.TrimSuffix(h.p.WebhookURL, "/webhooks/clerk"), "http://")
	for name, test := range map[string]struct {
		webhook, endpoint string
		want              string
	}{
		"the webhook's address is taken": {
			webhook: taken, endpoint: free, want: "the webhook: cannot listen on " + taken,
		},
		"the endpoint's address is taken": {
			webhook: free, endpoint: taken, want: "the AWS endpoint: cannot listen on " + taken,
		},
		"no address": {webhook: "nowhere", endpoint: free, want: "cannot listen on nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := pipeline.Start(t.Context(), pipeline.Options{Addr: test.webhook, AWSAddr: test.endpoint})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Start() = %v, want an error with %q", err, test.want)
			}
		})
	}
}
