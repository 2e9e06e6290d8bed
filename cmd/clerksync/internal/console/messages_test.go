package console_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
)

const (
	get  = http.MethodGet
	post = http.MethodPost
)

// forge posts an event that nobody has signed.
func (w *world) forge(id, body string) {
	w.t.Helper()
	h, sent := w.signer.Sign(webhook.Request{ID: id, Body: []byte(body), Tamper: true})
	a, err := webhook.Post(w.t.Context(), w.Pipeline.WebhookURL, h, sent)
	if err != nil || a.Status != http.StatusBadRequest {
		w.t.Fatalf("a forged request is answered %+v, %v", a, err)
	}
}

// post sends a signed body.
func (w *world) post(id, body string) {
	w.t.Helper()
	h, sent := w.signer.Sign(webhook.Request{ID: id, Body: []byte(body)})
	if _, err := webhook.Post(w.t.Context(), w.Pipeline.WebhookURL, h, sent); err != nil {
		w.t.Fatal(err)
	}
}

// message gets a message as scripts do.
func (w *world) message(id string) (m view.Message) {
	w.t.Helper()
	if err := json.Unmarshal([]byte(w.page("/api/v1/messages/"+id)), &m); err != nil {
		w.t.Fatal(err)
	}
	return m
}

// The page of a message: its way in order, why, and its row attribute by attribute.
func TestMessagePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_a", "user.created", "applied")
	page := w.page("/messages/msg_a")
	if got := attributes(inside(page, "detail", "section"), "data-svix-id"); !slices.Equal(got, []string{"msg_a"}) {
		t.Errorf("#detail is of %v", got)
	}
	path := inside(page, "path", "ol")
	stages := []string{"received", "verified", "queued", "attempt", "applied"}
	if diff := cmp.Diff(stages, attributes(path, "data-stage")); diff != "" {
		t.Errorf("path (-want +got):\n%s", diff)
	}
	last := ""
	for i, at := range attributes(path, "datetime") {
		if at < last || attributes(path, "data-state")[i] != "done" {
			t.Errorf("step %d at %s is not done after that at %s", i, at, last)
		}
		last = at
	}
	row := inside(page, "row", "table")
	if !strings.Contains(row, `data-attribute="email" data-change="added"`) ||
		!strings.Contains(row, "jonah@lumenoak.example") {
		t.Errorf("#row has no added e-mail:\n%s", row)
	}

	w.send("msg_b", "user.updated", "applied")
	row = inside(w.page("/messages/msg_b"), "row", "table")
	for _, want := range []string{
		`data-attribute="first_name" data-change="changed"`, `data-attribute="updated_at" data-change="changed"`,
		`data-attribute="email" data-change="same"`, ">Jonah<", ">Jonah T.<",
	} {
		if !strings.Contains(row, want) {
			t.Errorf("#row of the update lacks %s", want)
		}
	}

	if changes := attributes(row, "data-change"); changes[0] == "same" || changes[len(changes)-1] != "same" {
		t.Errorf("changes in the order %v, want what is the same last", changes)
	}

	w.send("msg_c", "user.created", "stale")
	page = w.page("/messages/msg_c")
	why := inside(page, "why", "p")
	if !regexp.MustCompile(`newer.*\d\d:\d\d:\d\d.*\d\d:\d\d:\d\d`).MatchString(why) {
		t.Errorf("#why = %s, want both times", why)
	}
	row = inside(page, "row", "table")
	changed := slices.DeleteFunc(attributes(row, "data-change"), func(s string) bool { return s == "same" })
	if len(changed) > 0 {
		t.Errorf("a stale message shows changes %v, want the row as it is", changed)
	}
	if !strings.Contains(row, "not written") {
		t.Error("what the message wanted is not shown")
	}
}

// A copy is a further step below the first outcome, and leads to the first.
func TestDuplicateOnItsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_a", "user.created", "applied")
	resp, body := ask(t, w.Console, request{method: post, path: "/api/v1/messages/msg_a/resend"})
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("resend = %d %s", resp.StatusCode, body)
	}
	w.until("the copy is done", func() bool { return len(w.message("msg_a").Attempts) == 2 })
	page := w.page("/messages/msg_a")
	path := inside(page, "path", "ol")
	stages := attributes(path, "data-stage")
	_, step, _ := strings.Cut(path, `data-stage="duplicate"`)
	if stages[len(stages)-1] != "duplicate" || !strings.Contains(step, "first") ||
		!strings.Contains(step, `href="/messages/msg_a#path"`) {
		t.Errorf("path = %v, %s, want a duplicate that leads to the first", stages, step)
	}
	list := inside(w.page("/"), "messages", "ul")
	if got := attributes(list, "data-outcome"); !slices.Equal(got, []string{"applied"}) {
		t.Errorf("list = %v, want one message, applied", got)
	}
	if m := w.message("msg_a"); len(m.Requests) != 2 {
		t.Errorf("%d requests, want 2", len(m.Requests))
	}
}

// What is refused says what to look at, and touches no genuine message.
func TestRejectedOnItsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const body = `{"type":"user.created","data":{"id":"user_x"},"object":"event"}`
	w.forge("msg_f", body)
	page := w.page("/messages/msg_f")
	path := inside(page, "path", "ol")
	if diff := cmp.Diff([]string{"received", "verified", "rejected"}, attributes(path, "data-stage")); diff != "" {
		t.Errorf("path (-want +got):\n%s", diff)
	}
	if states := attributes(path, "data-state"); states[1] != "failed" {
		t.Errorf("states = %v, want verified failed", states)
	}
	if why := inside(page, "why", "p"); !strings.Contains(why, "secret") {
		t.Errorf("#why = %s, want the secret named", why)
	}
	if strings.Contains(page, "Resend") {
		t.Error("a stranger's event can be sent with our signature")
	}
	resp, _ := ask(t, w.Console, request{method: post, path: "/messages/msg_f/resend", site: "same-origin"})
	if resp.StatusCode != http.StatusConflict {
		t.Errorf("resend of a forged message = %d, want 409", resp.StatusCode)
	}
	if banner := w.page("/"); !strings.Contains(banner, "All 1 so far were refused for their signature") {
		t.Error("nothing says that the secret may be wrong")
	}
	h, _ := w.signer.Sign(webhook.Request{ID: "msg_old", Body: []byte(body), Skew: -10 * time.Minute})
	if _, err := webhook.Post(t.Context(), w.Pipeline.WebhookURL, h, []byte(body)); err != nil {
		t.Fatal(err)
	}
	if why := inside(w.page("/messages/msg_old"), "why", "p"); !strings.Contains(why, "clock") {
		t.Errorf("#why = %s, want the clocks named", why)
	}
	w.send("msg_a", "user.created", "applied")
	w.forge("msg_a", body)
	if m := w.message("msg_a"); m.Outcome != "applied" || len(m.Requests) != 2 || m.Requests[1].Proven {
		t.Errorf("an applied message is %s after a forged request", m.Outcome)
	}
	if strings.Contains(w.page("/"), "refused for their signature") {
		t.Error("the banner stays though a message came through")
	}
}
