package pipeline_test

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
)

const (
	jonahID     = "user_2exampleJonahAdeyemi0000000"
	lumenOak    = "org_2exampleLumenOak00000000000"
	memberships = "/organizations/" + lumenOak + "/memberships?user_id=" + jonahID
)

// askClerk asks the emulated Clerk.
func (h *harness) askClerk(path, key, host string) (status int, body string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.p.ClerkURL+path, http.NoBody)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Host = host
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// Clerk's API and the webhook tell one story: what a signed event says has
// happened at Clerk, in the order of the table, and no forged one changes it.
func TestEventsChangeTheEmulatedClerk(t *testing.T) {
	t.Parallel()
	h := start(t, pipeline.Options{ClerkAddr: "127.0.0.1:0"})
	for i, step := range []struct {
		name, send string
		edits      [2]string // a text of the sample, and what is sent instead
		path       string
		want       string // is in the answer
	}{
		{name: "the company is there", path: "/users/" + jonahID, want: `"first_name":"Jonah"`},
		{name: "its member", path: memberships, want: `"total_count":1`},
		{name: "an update", send: "user.updated", path: "/users/" + jonahID, want: `"first_name":"Jonah T."`},
		{name: "an older one", send: "user.created", path: "/users/" + jonahID, want: `"first_name":"Jonah T."`},
		{
			name: "another instance", send: "user.deleted", edits: [2]string{`"ins_2example`, `"ins_3example`},
			path: "/users/" + jonahID, want: `"first_name":"Jonah T."`,
		},
		{name: "a deletion", send: "user.deleted", path: "/users/" + jonahID, want: `resource_not_found`},
		{name: "takes its membership along", path: memberships, want: `"total_count":0`},
		{name: "a late update", send: "user.updated", path: "/users/" + jonahID, want: `resource_not_found`},
		{
			name: "a late membership", send: "organizationMembership.created.rejoined",
			path: memberships, want: `"total_count":0`,
		},
	} {
		if step.send != "" {
			body := strings.Replace(sample(t, step.send), step.edits[0], step.edits[1], 1)
			h.send("msg_"+strconv.Itoa(i), body)
		}
		if _, got := h.askClerk(step.path, pipeline.ClerkKey, ""); !strings.Contains(got, step.want) {
			t.Errorf("%s: GET %s = %s, want %s in it", step.name, step.path, got, step.want)
		}
	}
}

// The emulated Clerk wants its key, and is guarded against web pages.
func TestEmulatedClerkIsGuarded(t *testing.T) {
	t.Parallel()
	h := start(t, pipeline.Options{ClerkAddr: "127.0.0.1:0"})
	for name, row := range map[string]struct {
		key, host string
		want      int
	}{
		"right":        {key: pipeline.ClerkKey, want: http.StatusOK},
		"other key":    {key: "sk_test_other", want: http.StatusUnauthorized},
		"rebound name": {key: pipeline.ClerkKey, host: "attacker.example", want: http.StatusForbidden},
	} {
		if got, body := h.askClerk("/instance", row.key, row.host); got != row.want {
			t.Errorf("%s: GET /instance = %d %s, want %d", name, got, body, row.want)
		}
	}
}

// A second dev on this machine has its Clerk at another port.
func TestEmulatedClerkTakesAnotherPort(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	h := start(t, pipeline.Options{ClerkAddr: l.Addr().String()})
	if got, body := h.askClerk("/instance", pipeline.ClerkKey, ""); got != http.StatusOK {
		t.Errorf("GET /instance = %d %s, want 200", got, body)
	}
	if _, err := pipeline.Start(t.Context(), pipeline.Options{
		Addr: "127.0.0.1:0", AWSAddr: "127.0.0.1:0", ClerkAddr: "nowhere",
	}); err == nil || !strings.Contains(err.Error(), "the API of Clerk") {
		t.Errorf("Start = %v, want an error about the API of Clerk", err)
	}
}
