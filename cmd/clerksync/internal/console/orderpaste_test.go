package console_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/order"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/settings"
)

// Scripts ask for an order of messages, of a story and of events that they bring.
func TestAPIOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := fiveMessages(w)
	body, err := events.Body("user.created")
	if err != nil {
		t.Fatal(err)
	}
	type answer struct {
		Outcomes         []struct{ SvixID, Outcome string } `json:"outcomes"`
		Rows             []map[string]any                   `json:"rows"`
		Digest           string                             `json:"digest"`
		Orders, Distinct int
		Handlers         []struct {
			Handler          string
			Orders, Distinct int
		}
		Error string
	}
	post := func(question any, status int) (a answer) {
		t.Helper()
		text, err := json.Marshal(question)
		if err != nil {
			t.Fatal(err)
		}
		q := request{method: http.MethodPost, path: "/api/v1/order", body: string(text)}
		resp, reply := ask(t, w.Console, q)
		if err := json.Unmarshal([]byte(reply), &a); err != nil || resp.StatusCode != status {
			t.Errorf("POST order %.80s = %d %.300s, %v, want %d", text, resp.StatusCode, reply, err, status)
		}
		return a
	}
	type m map[string]any
	a := post(m{"ids": ids, "all": true}, 200)
	if len(a.Outcomes) != 5 || a.Orders != 120 || a.Distinct != 1 || len(a.Handlers) != 3 ||
		a.Handlers[1].Distinct < 2 {
		t.Errorf("POST order of all = %+v", a)
	}
	slices.Reverse(ids)
	if b := post(m{"ids": ids}, 200); b.Digest != a.Digest || b.Orders != 1 || b.Outcomes[0].Outcome != "applied" {
		t.Errorf("POST order of one = %+v, want the digest %s", b, a.Digest)
	}
	if a := post(m{"events": []json.RawMessage{body, body}}, 200); len(a.Rows) != 1 ||
		a.Outcomes[1].Outcome != "applied" || a.Rows[0]["first_name"] != "Jonah" {
		t.Errorf("POST order of events = %+v, want the same under a greater id applied", a)
	}
	if a := post(m{"story": "rejoin"}, 200); len(a.Outcomes) != 4 {
		t.Errorf("POST order of a story = %+v", a)
	}
	post(m{"ids": []string{"msg_nowhere"}}, 404)
	post(m{"story": "nowhere"}, 404)
	post(m{}, 400)
	post(m{"order": 1}, 400)
}

// Events that are pasted are messages of an order, with a link of their own, also
// where nothing passes through a pipeline of this process.
func TestOrderPageOfPastedEvents(t *testing.T) {
	t.Parallel()
	c := startConsole(t, console.Options{
		Deployment: &deployment.Deployment{},
		Order:      order.New(settings.Storage{DeletionPolicy: "soft", ObjectStorage: "full"}, time.Minute),
	})
	sample := func(name string) string {
		t.Helper()
		body, err := events.Body(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	paste := func(text string, status int) (path, page string) {
		t.Helper()
		r, err := http.NewRequestWithContext(
			t.Context(), http.MethodPost, c.URL+"/order/events",
			strings.NewReader(url.Values{"events": {text}}.Encode()),
		)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != status {
			t.Errorf("paste %.60s = %d, %v, want %d", text, resp.StatusCode, err, status)
		}
		return resp.Request.URL.RequestURI(), string(body)
	}
	deleted, created := sample("user.deleted"), sample("user.created")
	path, page := paste(deleted+"\n"+created, 200)
	ids, outcomes, _ := shownOrder(page)
	if path != "/order?ids="+strings.Join(ids, ",") || strings.Join(outcomes, " ") != "applied stale" {
		t.Errorf("pasted events are at %s: %q, %q", path, ids, outcomes)
	}
	if _, page := paste("["+created+","+deleted+"]", 200); !strings.Contains(page, "user_2exampleJonah") &&
		!strings.Contains(page, "Jonah Adeyemi") {
		t.Error("a list of events leads to no row")
	}
	for what, text := range map[string]string{
		"nothing": "", "no JSON": "{", "no events": "[1]", "a one-time code": created + sample("email.created"),
	} {
		if _, page := paste(text, 400); strings.Contains(page, "424242") || !strings.Contains(page, `role="alert"`) {
			t.Errorf("%s: the page shows it, or does not say what is wrong", what)
		}
	}
	for range 4 { // the oldest go
		paste(strings.Repeat(created, order.MaxMessages), 200)
	}
	resp, old := ask(t, c, request{method: http.MethodGet, path: path})
	if resp.StatusCode != http.StatusOK || !strings.Contains(old, "<code>"+ids[0]+"</code>") {
		t.Errorf("an order whose messages are gone = %d, want that it says so", resp.StatusCode)
	}
}
