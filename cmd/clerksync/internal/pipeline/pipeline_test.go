package pipeline_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

const jonah = "USER#user_2exampleJonahAdeyemi0000000"

// older makes the sample user.updated older than user.created.
func older(body string) string { return strings.ReplaceAll(body, "1772543300655", "1772447500000") }

// TestWhatItMustShow is the promise: a signed event becomes a row; what is
// sent twice, forged, late or overtaken changes nothing.
func TestWhatItMustShow(t *testing.T) {
	t.Parallel()
	w := start(t, pipeline.Options{})
	created, updated := sample(t, "user.created"), sample(t, "user.updated")

	if got := w.accepted(t, "msg_1", created); got != "applied" {
		t.Errorf("user.created is %s, want applied", got)
	}
	row := w.row(t, jonah, "USER")
	if row == nil || row["email"] != "jonah@lumenoak.example" {
		t.Fatalf("row after user.created = %v, want Jonah's", row)
	}
	same := func(deed string) {
		t.Helper()
		if diff := cmp.Diff(row, w.row(t, jonah, "USER")); diff != "" {
			t.Errorf("row after %s (-before +after):\n%s", deed, diff)
		}
	}

	if got := w.accepted(t, "msg_1", created); got != "duplicate" {
		t.Errorf("the same message again is %s, want duplicate", got)
	}
	same("a duplicate")

	tampered := signed("msg_2", updated)
	tampered.Body = append(tampered.Body, ' ')
	if status, body, _ := w.do(t, tampered); status != http.StatusBadRequest || body != `{"error":"invalid_signature"}` {
		t.Errorf("tampered = %d %s, want 400 invalid_signature", status, body)
	}
	same("a tampered request")

	if got := w.accepted(t, "msg_3", older(updated)); got != "stale" {
		t.Errorf("an older user.updated is %s, want stale", got)
	}
	same("an older update")

	if got := w.accepted(t, "msg_4", sample(t, "user.deleted")); got != "applied" {
		t.Errorf("user.deleted is %s, want applied", got)
	}
	if row = w.row(t, jonah, "USER"); row == nil || row["deleted_at"] == nil {
		t.Fatalf("row after user.deleted = %v, want a tombstone", row)
	}
	if got := w.accepted(t, "msg_5", updated); got != "stale" {
		t.Errorf("a late user.updated is %s, want stale", got)
	}
	same("a late update of a deleted user")

	var outcomes []string
	for _, d := range w.rows(t, w.DeliveriesTable) {
		outcomes = append(outcomes, d["svix_id"].(string)+" "+d["outcome"].(string))
	}
	if diff := cmp.Diff([]string{"msg_1 applied", "msg_3 stale", "msg_4 applied", "msg_5 stale"}, outcomes); diff != "" {
		t.Errorf("deliveries, the tampered one in none (-want +got):\n%s", diff)
	}
	if got := count(t, w.SQS, w.DeadLetterQueueURL); got != 0 {
		t.Errorf("dead letters = %d, want none", got)
	}
}

// What the path, the method and the size decide is answered before anything
// else, never with a redirect.
func TestEdge(t *testing.T) {
	t.Parallel()
	w := start(t, pipeline.Options{})
	for _, tt := range []struct {
		name   string
		r      svixtest.Request
		status int
		body   string
	}{
		{"a slash at the end", signed("msg_1", "{}").To("POST", "/webhooks/clerk/"), 404, `{"error":"not_found"}`},
		{"another case", signed("msg_1", "{}").To("POST", "/Webhooks/Clerk"), 404, `{"error":"not_found"}`},
		{"a doubled slash", signed("msg_1", "{}").To("POST", "//webhooks/clerk"), 404, `{"error":"not_found"}`},
		{"GET", signed("msg_1", "{}").To("GET", "/webhooks/clerk"), 405, `{"error":"method_not_allowed"}`},
		{"over 1,000,000 bytes", signed("msg_1", strings.Repeat(" ", 1_000_001)), 413, `{"error":"payload_too_large"}`},
		// https://github.com/resend/resend-cli/pull/224
		{"unsigned", signed("msg_1", "{}").With("svix-signature", "-"), 400, `{"error":"missing_headers"}`},
		{"by webhook-* headers", signed("msg_1", `{"type":"session.created","data":{}}`).Renamed("webhook-"), 200, `{"received":true,"id":"msg_1","ignored":"type"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			status, body, header := w.do(t, tt.r)
			if status != tt.status || body != tt.body {
				t.Errorf("%s %s = %d %s, want %d %s", tt.r.Method, tt.r.Path, status, body, tt.status, tt.body)
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

func TestSeveralSecrets(t *testing.T) {
	t.Parallel()
	w := start(t, pipeline.Options{Secret: svixtest.OtherSecret + ", " + svixtest.Secret})
	for secret, want := range map[string]int{svixtest.Secret: 200, svixtest.OtherSecret: 200, svixtest.ThirdSecret: 400} {
		r := signed("msg_1", sample(t, "session.created"))
		r = r.With("svix-signature", svixtest.Sign(secret, "msg_1", r.Header["svix-timestamp"], r.Body))
		if status, body, _ := w.do(t, r); status != want {
			t.Errorf("signed by %s = %d %s, want %d", secret, status, body, want)
		}
	}
}

func TestInstances(t *testing.T) {
	t.Parallel()
	w := start(t, pipeline.Options{Instances: []string{"ins_other"}})
	body := sample(t, "user.created")
	status, reply, _ := w.do(t, signed("msg_1", body))
	if want := `{"received":true,"id":"msg_1","ignored":"instance"}`; status != 200 || reply != want {
		t.Errorf("an event of another instance = %d %s, want 200 %s", status, reply, want)
	}
	mine := strings.Replace(body, `"instance_id":"`, `"instance_id":"ins_other","was":"`, 1)
	if got := w.accepted(t, "msg_2", mine); got != "applied" {
		t.Errorf("an event of the instance is %s, want applied", got)
	}
	if got := w.stages("msg_1"); !cmp.Equal(got, []string{"ignored"}) {
		t.Errorf("stages of another instance's = %v, want ignored alone", got)
	}
}

func TestObjectStorageAndDeletionPolicy(t *testing.T) {
	t.Parallel()
	w := start(t, pipeline.Options{Storage: settings.Storage{DeletionPolicy: "hard", ObjectStorage: "none", Retention: time.Hour}})
	w.accepted(t, "msg_1", sample(t, "user.created"))
	row := w.row(t, jonah, "USER")
	if row == nil || row["object"] != nil || row["email"] == nil {
		t.Errorf("row with OBJECT_STORAGE=none = %v, want one without object", row)
	}
	w.accepted(t, "msg_2", sample(t, "user.deleted"))
	var names []string
	for name := range w.row(t, jonah, "USER") {
		names = append(names, name)
	}
	want := []string{"deleted_at", "instance_id", "kind", "pk", "rev", "sk", "svix_id", "synced_at"}
	if diff := cmp.Diff(want, sorted(names)); diff != "" {
		t.Errorf("attributes of a tombstone with DELETION_POLICY=hard (-want +got):\n%s", diff)
	}
}

// Start says which address is taken, and leaves nothing behind.
func TestStartFails(t *testing.T) {
	t.Parallel()
	w := start(t, pipeline.Options{})
	taken := strings.TrimPrefix(strings.TrimSuffix(w.WebhookURL, "/webhooks/clerk"), "http://")
	for _, tt := range []struct {
		name string
		o    pipeline.Options
		want string
	}{
		{"the webhook's address is taken", pipeline.Options{Addr: taken, AWSAddr: "127.0.0.1:0"}, "the webhook: cannot listen on " + taken},
		{"the endpoint's address is taken", pipeline.Options{Addr: "127.0.0.1:0", AWSAddr: taken}, "the AWS endpoint: cannot listen on " + taken},
		{"no address", pipeline.Options{Addr: "nowhere", AWSAddr: "127.0.0.1:0"}, "cannot listen on nowhere"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := pipeline.Start(t.Context(), tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Start() = %v, want an error with %q", err, tt.want)
			}
		})
	}
}
