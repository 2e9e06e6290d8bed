package console_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// What scripts can ask is what docs/console.md says, and no more.
func TestRoutesForScripts(t *testing.T) {
	t.Parallel()
	want := []string{
		"GET info", "GET messages", "GET messages/{id}", "GET messages/{id}/body", "GET messages/{id}/wait",
		"GET events",
		"POST preview", "POST send", "POST messages/{id}/resend", "GET rows", "GET rows/{pk}/{sk}",
		"GET rows/{pk}/{sk}/history", "GET dead-letters", "POST dead-letters/{id}/redrive", "POST dead-letters/redrive",
		"DELETE dead-letters/{id}", "POST order", "GET counts", "GET faults", "PUT faults", "POST reset",
	}
	var got []string
	for _, pattern := range newWorld(t).Console.Patterns() {
		if method, path, ok := strings.Cut(pattern, "/api/v1/"); ok {
			got = append(got, method+path)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
}

// paths are paths for every route that only reads, for these messages and rows.
func paths(c *console.Console, ids []string) (paths []string) {
	for _, pattern := range c.Patterns() {
		path, ok := strings.CutPrefix(pattern, "GET ")
		if !ok {
			continue
		}
		for _, id := range ids {
			paths = append(paths, strings.NewReplacer(
				"{$}", "", "{id}", id, "{name}", "app.js",
				"{pk}", "USER%23user_2exampleJonahAdeyemi0000000", "{sk}", "USER",
			).Replace(path))
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// Every route that only reads is asked: none shows a secret, the ticket of an
// invitation or the code of an e-mail, none fails, and none changes anything.
func TestEveryRouteThatReads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_a", "user.created", "applied")
	w.send("msg_inv", "organizationInvitation.created", "applied")
	w.send("msg_dead", "user.updated", "dead", "data.updated_at=-5")
	w.post("msg_mail", `{"type":"email.created","data":{"otp_code":"428913"}}`)
	w.forge("msg_forged", `{"type":"email.created","data":{"otp_code":"428913"}}`)
	before := w.state()
	asked := []string{"/send?message=msg_inv", "/send?message=msg_mail", "/order?ids=msg_inv,msg_a"}
	ids := []string{"msg_a", "msg_inv", "msg_dead", "msg_mail", "msg_forged"}
	for _, path := range append(asked, paths(w.Console, ids)...) {
		if path == "/api/v1/events" {
			continue // it does not end; what it sends is checked by itself
		}
		resp, body := ask(t, w.Console, request{method: get, path: path})
		if resp.StatusCode >= http.StatusInternalServerError {
			t.Errorf("GET %s = %d %s", path, resp.StatusCode, body)
		}
		wantNothingSecret(t, path, body)
	}
	if diff := cmp.Diff(before, w.state()); diff != "" {
		t.Errorf("reading has changed something (-before +after):\n%s", diff)
	}
	if before["dead letters"] == "" || !strings.Contains(before["messages"], "msg_dead") {
		t.Errorf("there was nothing to change: %v", before)
	}
}

// state is what is kept and what is in the queues.
func (w *world) state() map[string]string {
	state := map[string]string{
		"messages": w.page("/api/v1/messages"), "rows": w.page("/api/v1/rows"), "faults": w.page("/api/v1/faults"),
	}
	letters, err := w.Pipeline.BrowseDeadLetters()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range letters {
		state["dead letters"] += *m.MessageId + " " + m.Attributes["ApproximateReceiveCount"] + "\n"
	}
	return state
}

func wantNothingSecret(t *testing.T, where, text string) {
	t.Helper()
	for name, secret := range map[string]string{
		"the secret": strings.TrimPrefix(svixtest.Secret, "whsec_"), "a ticket": "FAKE-TICKET", "a code": "428913",
	} {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows %s", where, name)
		}
	}
}
