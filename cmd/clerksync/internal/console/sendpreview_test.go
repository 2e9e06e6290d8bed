package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/scenario"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Format puts the text on lines and changes no number.
func TestSendFormats(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	resp, page := w.posts("/send", url.Values{
		"sample": {"user.created"}, "event": {`{"a":1.0,"b":1e400}`}, "action": {"format"},
	})
	if resp.StatusCode != http.StatusOK || !strings.Contains(page, "{\n  &#34;a&#34;: 1.0,\n  &#34;b&#34;: 1e400\n}") {
		t.Errorf("format = %d:\n%s", resp.StatusCode, page)
	}
}

// A preview says what would become of the event and shows the row, and sends
// nothing. htmx gets the part below the buttons alone.
func TestSendPreviews(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_1", "user.created", "applied")
	form := url.Values{
		"sample": {"user.created"}, "event": {""}, "action": {"preview"},
		"set": {"data.first_name=Ada\ndata.updated_at=1"},
	}
	resp, part := ask(t, w.Console, request{
		method: http.MethodPost, path: "/send", site: "same-origin", form: form.Encode(), target: "section#result",
	})
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(strings.TrimSpace(part), `<section id="result"`) {
		t.Fatalf("preview = %d:\n%s", resp.StatusCode, part)
	}
	for _, want := range []string{`data-outcome="stale"`, "the row is newer: updated_at", "Ada", "not written"} {
		if !strings.Contains(part, want) {
			t.Errorf("the preview of an older event has no %q:\n%s", want, part)
		}
	}
	form.Set("set", "data.first_name=Ada\ndata.updated_at=1790000000000")
	_, page := w.posts("/send", form)
	changes := attributes(inside(page, "row", "table"), "data-change")
	if !strings.Contains(page, `data-attribute="first_name" data-change="changed"`) || changes[0] == "same" {
		t.Errorf("the preview of a newer event does not show first what changes:\n%s",
			inside(page, "result", "section"))
	}
	form.Set("duplicate", "1")
	if _, page := w.posts("/send", form); !strings.Contains(inside(page, "result", "section"), "◌ duplicate") {
		t.Error("the preview of an event that is sent twice says nothing of a duplicate")
	}
	if n, name := w.Recorder.Counts().Requests, w.row(jonahKey()).Text("first_name"); n != 1 || name != "Jonah" {
		t.Errorf("after the previews there were %d requests, and the row is %s's, want one, Jonah", n, name)
	}
}

// A scenario is played through the webhook, says what the rows show, and leads
// there. The week leads to the list.
func TestSendPlaysScenarios(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	resp, page := w.posts("/send", url.Values{"scenario": {"race"}, "action": {"send"}})
	if ids := attributes(page, "data-svix-id"); resp.StatusCode != http.StatusOK || len(ids) != 4 {
		t.Fatalf("the race = %d with %d requests, want 200 with 4", resp.StatusCode, len(ids))
	}
	found := regexp.MustCompile(`clerksync get user (user_\w+)`).FindStringSubmatch(page)
	if len(found) == 0 {
		t.Fatalf("the page does not say where to look:\n%s", page)
	}
	w.until("the user is deleted", func() bool { return w.row(directory.UserKey(found[1])).Gone() })
	_, page = w.posts("/send", url.Values{"scenario": {"race"}, "action": {"preview"}})
	if strings.Count(page, `class="outcome`) < 3 {
		t.Errorf("the preview of the race shows not every message:\n%s", inside(page, "result", "section"))
	}

	before := w.Recorder.Counts().Requests
	if resp, _ := w.posts("/send", url.Values{"scenario": {"week"}}); resp.Header.Get("Location") != "/" {
		t.Errorf("the week leads to %q, want the list", resp.Header.Get("Location"))
	}
	if n := w.Recorder.Counts().Requests - before; n != len(scenario.Week(w.signer.Now())) {
		t.Errorf("the week sent %d requests", n)
	}
	if row := w.row(jonahKey()); !row.Gone() {
		t.Error("after the week Jonah is not deleted")
	}
}
