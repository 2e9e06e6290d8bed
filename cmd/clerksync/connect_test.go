package main_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/google/go-cmp/cmp"

	main "github.com/clerksync/clerksync/cmd/clerksync"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// connection is a deployment, an instance of Clerk with one user, and what was asked of it.
type connection struct {
	*deploymenttest.Stack
	clerk    *clerk.Instance
	env      map[string]string
	requests []string // to Clerk
}

func newConnection(t *testing.T) *connection {
	t.Helper()
	c := &connection{
		Stack: deploymenttest.New(t),
		clerk: clerk.New(clerk.Options{ID: "ins_1", Environment: "production", Key: clerkKey, Limit: -1}),
	}
	if err := c.clerk.Put(directory.KindUser, []byte(`{"id":"user_1","created_at":1}`)); err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.requests = append(c.requests, r.Method+" "+r.URL.Path)
		c.clerk.ServeHTTP(w, r)
	}))
	t.Cleanup(api.Close)
	c.env = map[string]string{"CLERK_API_URL": api.URL + "/v1", "CLERK_SECRET_KEY": clerkKey}
	return c
}

// reaction is a stream of words that does something when they say that connect waits.
type reaction struct {
	text        bytes.Buffer
	whenWaiting func()
}

func (r *reaction) Write(p []byte) (int, error) {
	n, err := r.text.Write(p)
	if do := r.whenWaiting; do != nil && strings.Contains(r.text.String(), "Waiting") { // it comes in pieces
		r.whenWaiting = nil
		do()
	}
	return n, err
}

// run runs connect with that input and returns what it prints. It may print neither the key nor a secret, and
// deletes nothing at Clerk: DELETE /webhooks/svix would take every endpoint of the instance with it.
func (c *connection) run(
	t *testing.T, status int, input string, whenWaiting func(), args ...string,
) (out, words string) {
	t.Helper()
	line := append([]string{"clerksync", "connect"}, args...)
	var stdout bytes.Buffer
	stderr := &reaction{whenWaiting: whenWaiting}
	got := main.RunWithAll(t.Context(), strings.NewReader(input), c.env, &stdout, stderr, line)
	out, words = stdout.String(), stderr.text.String()
	if got != status {
		t.Errorf("%s exits %d, want %d\n%s\n%s", line, got, status, words, out)
	}
	for _, secret := range []string{clerkKey, strings.TrimPrefix(svixtest.OtherSecret, "whsec_")} {
		if strings.Contains(out+words, secret) {
			t.Errorf("%s prints a secret", line)
		}
	}
	for _, r := range c.requests {
		if strings.HasPrefix(r, http.MethodDelete) {
			t.Errorf("%s sends Clerk %s", line, r)
		}
	}
	return out, words
}

// secret is the signing secret that the deployment reads.
func (c *connection) secret(t *testing.T) string {
	t.Helper()
	client := ssm.NewFromConfig(emulator.Config(c.Pipeline.Endpoint))
	out, err := client.GetParameter(t.Context(), &ssm.GetParameterInput{
		Name: aws.String(pipeline.SecretParameter), WithDecryption: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Parameter.Value
}

// The whole way of a stack: one key, one secret, and the users are in the table. Every request to Clerk is listed: each
// is documented, and the webhook application is made only where there is none.
func TestConnect(t *testing.T) {
	c := newConnection(t)
	c.UseAsAWS()
	c.Account.Environment = map[string]string{"OBJECT_STORAGE": "none"}
	c.Account.IngestEnvironment = map[string]string{"CLERK_INSTANCE_ID": "ins_1"}
	c.Account.Count("Verified", deploymenttest.IngestFunction, time.Hour, 1) // of an earlier endpoint
	signed := func() { c.Account.Count("Verified", deploymenttest.IngestFunction, 0, 1) }
	out, _ := c.run(t, terminal.ExitDone, svixtest.OtherSecret+"\n", signed,
		"--stack", deploymenttest.StackName, "--yes", "--json", "--timeout", "60s")
	var events []map[string]any
	for line := range strings.Lines(out) {
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		events = append(events, event)
	}
	if len(events) != 5 {
		t.Fatalf("it prints %s, want five lines", out)
	}
	for i, want := range []map[string]any{
		{"event": "instance", "id": "ins_1", "environment": "production"},
		{
			"event": "endpoint", "url": c.WebhookURL,
			"settings_url": events[1]["settings_url"], "events": events[1]["events"],
		},
		{"event": "secret", "parameter": pipeline.SecretParameter, "key": "alias/aws/ssm"},
		{"event": "signed_request", "at": events[3]["at"]},
		{"event": "done", "kinds": events[4]["kinds"]},
	} {
		if diff := cmp.Diff(want, events[i]); diff != "" {
			t.Errorf("line %d (-want +got):\n%s", i, diff)
		}
	}
	if link, _ := events[1]["settings_url"].(string); !strings.HasPrefix(link, "https://app.svix.com/login#key=") {
		t.Errorf("settings_url = %q, want Clerk's link", link)
	}
	if list, _ := events[1]["events"].([]any); len(list) != 21 || list[0] != "user.created" ||
		!slices.Contains(list, any("organizationInvitation.accepted")) {
		t.Errorf("events = %v, want the 21 that are kept", list)
	}
	if got := c.secret(t); got != svixtest.OtherSecret {
		t.Error("the parameter does not hold the new secret")
	}
	if rows := c.Rows(); len(rows) != 1 || rows[0].Text("id") != "user_1" || rows[0].Text("object") != "" {
		t.Errorf("rows = %v, want the user as the stack keeps it", rows)
	}
	c.checkRequests(t, "GET /v1/instance", "POST /v1/webhooks/svix_url", "POST /v1/webhooks/svix")

	// A second time the application is there, and nobody wants a backfill.
	c.requests = nil
	c.run(t, terminal.ExitFailed, "", nil, "--stack", deploymenttest.StackName, "--yes", "--timeout", "60s")
	c.checkRequests(t, "GET /v1/instance", "POST /v1/webhooks/svix_url")
}

// checkRequests checks all requests but those of a backfill, which reads lists.
func (c *connection) checkRequests(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, r := range c.requests {
		list := strings.HasPrefix(r, "GET /v1/users") || strings.HasPrefix(r, "GET /v1/organization")
		if !list {
			got = append(got, r)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests to Clerk (-want +got):\n%s", diff)
	}
}

// Whoever says no, or nothing, or pastes what is no secret, has changed nothing.
func TestConnectChangesNothing(t *testing.T) {
	c := newConnection(t)
	c.UseAsAWS()
	c.Account.Environment = map[string]string{"OBJECT_STORAGE": "full"}
	c.Account.IngestEnvironment = map[string]string{"OTHER": "x"}
	before := c.secret(t)
	stack := []string{"--stack", deploymenttest.StackName}
	_, words := c.run(t, terminal.ExitFailed, "n\n", nil, stack...)
	if !strings.Contains(words, "Clerk instance ins_1 (production)") ||
		!strings.Contains(words, "nothing was changed") {
		t.Errorf("it says %q, want whose key it is, and that nothing was changed", words)
	}
	c.checkRequests(t, "GET /v1/instance")
	c.run(t, terminal.ExitFailed, "sk_test_no_signing_secret", nil, append(stack, "--yes")...)
	c.Account.IngestEnvironment = map[string]string{"CLERK_INSTANCE_ID": "ins_2"}
	_, words = c.run(t, terminal.ExitFailed, "", nil, append(stack, "--yes")...)
	if !strings.Contains(words, "ins_2") {
		t.Errorf("it says %q, want both instances", words)
	}
	if got := c.secret(t); got != before {
		t.Error("the parameter holds another secret than before")
	}
	if rows := c.Rows(); len(rows) > 0 {
		t.Errorf("rows = %v, want none", rows)
	}
}

// Where no signed request comes it ends with what to look at, and says so where signatures are refused.
func TestConnectTimesOut(t *testing.T) {
	c := newConnection(t)
	c.UseAsAWS()
	c.Account.Environment = map[string]string{"OBJECT_STORAGE": "full"}
	c.Account.IngestEnvironment = map[string]string{"OTHER": "x"}
	refused := func() { c.Account.Count("Rejected", deploymenttest.IngestFunction, 0, 2, "invalid_signature") }
	out, words := c.run(t, terminal.ExitFailed, svixtest.OtherSecret, refused,
		"--stack", deploymenttest.StackName, "--yes", "--timeout", "300ms")
	for _, want := range []string{
		"2 signatures were refused", "no request that Clerk signed came in 300ms",
		"doctor --stack " + deploymenttest.StackName,
	} {
		if !strings.Contains(words, want) {
			t.Errorf("it says %q, want %q", words, want)
		}
	}
	if !strings.Contains(out, "with this URL: "+c.WebhookURL) || !strings.Contains(out, "\n     role.deleted\n") {
		t.Errorf("it prints %q, want the URL and the events to tick", out)
	}
}

// Of a clerksync dev the first event that it applies counts.
func TestConnectOfDev(t *testing.T) {
	t.Parallel()
	c := newConnection(t)
	send := func() {
		r := svixtest.Signed(time.Now(), `{"type":"user.created","timestamp":1,"data":{"id":"user_2","created_at":1}}`)
		body := strings.NewReader(string(r.Body))
		request, err := http.NewRequestWithContext(t.Context(), r.Method, c.Pipeline.WebhookURL, body)
		if err != nil {
			t.Error(err)
			return
		}
		for name, value := range r.Header {
			request.Header.Set(name, value)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Errorf("the webhook answers %v, %v, want 200", answer, err)
			return
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	}
	_, words := c.run(t, terminal.ExitDone, svixtest.OtherSecret, send,
		"--endpoint-url", c.Pipeline.Endpoint, "--yes", "--timeout", "60s")
	if !strings.Contains(words, "a request that Clerk signed came at ") {
		t.Errorf("it says %q, want that a signed request came", words)
	}
	ids := map[string]bool{}
	for _, row := range c.Rows() {
		ids[row.Text("id")] = true
	}
	if !ids["user_1"] || !ids["user_2"] {
		t.Errorf("rows = %v, want the user of the event and that of the backfill", ids)
	}
}
