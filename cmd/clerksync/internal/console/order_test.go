package console_test

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/order"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/settings"
)

// fiveMessages go through a world: a user's life, with an update that is late.
func fiveMessages(w *world) []string {
	w.send("msg_o1", "user.created", "applied")
	w.send("msg_o2", "user.updated", "applied")
	w.send("msg_o3", "user.deleted", "applied")
	w.send("msg_o4", "user.updated", "stale", "data.first_name=Jon", "data.updated_at=1772447600000")
	w.send("msg_o5", "user.updated", "stale", "data.first_name=Late", "data.updated_at=1772970000000")
	return []string{"msg_o1", "msg_o2", "msg_o3", "msg_o4", "msg_o5"}
}

// shownOrder is what a page shows of its order.
func shownOrder(page string) (ids, outcomes []string, digest string) {
	list := inside(page, "order", "ol")
	return attributes(list, "data-svix-id"), attributes(list, "data-outcome"), attributes(page, "data-digest")[0]
}

// pressed is the link to which the form leads that has the button of that name, in
// the n-th item of the order.
func pressed(t *testing.T, page, name string, n int) string {
	t.Helper()
	item := strings.Split(inside(page, "order", "ol"), "<li ")[n]
	for form := range strings.SplitSeq(item, "<form ") {
		if !strings.Contains(form, `aria-label="`+name+`"`) {
			continue
		}
		q := url.Values{}
		for _, field := range regexp.MustCompile(`name="(\w+)" value="([^"]*)"`).FindAllStringSubmatch(form, -1) {
			q.Set(field[1], html.UnescapeString(field[2]))
		}
		return "/order?" + q.Encode()
	}
	t.Fatalf("item %d has no button %q", n, name)
	return ""
}

// A message is moved by its buttons, without JavaScript: outcomes change, the table
// does not, and the keyboard stays on the button.
func TestOrderPageMoves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := fiveMessages(w)
	page := w.page("/order?ids=" + strings.Join(ids, ","))
	got, before, digest := shownOrder(page)
	if diff := cmp.Diff(ids, got); diff != "" || len(digest) != 64 {
		t.Fatalf("order (-want +got): %s, digest %q", diff, digest)
	}
	page = w.page(pressed(t, page, "Move up", 3))
	page = w.page(pressed(t, page, "Move up", 2))
	got, after, same := shownOrder(page)
	if diff := cmp.Diff([]string{"msg_o3", "msg_o1", "msg_o2", "msg_o4", "msg_o5"}, got); diff != "" {
		t.Errorf("order after two moves (-want +got): %s", diff)
	}
	if slices.Equal(before, after) {
		t.Errorf("outcomes = %q, as before the moves", after)
	}
	if same != digest || !strings.Contains(page, "same as before") {
		t.Errorf("digest %q, before %q, want the same, and that the page says so", same, digest)
	}
	if first := strings.Split(inside(page, "order", "ol"), "<li ")[1]; !strings.Contains(first, "autofocus>↓") {
		t.Errorf("the focus is not at the message that was moved:\n%s", first)
	}
	got, _, _ = shownOrder(w.page(pressed(t, page, "Leave out", 1)))
	if slices.Contains(got, "msg_o3") || len(got) != 4 {
		t.Errorf("order without the first = %q", got)
	}
}

// All orders of five are 120, which have one end, and the handlers beside it several.
func TestOrderPageAllOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link := "/order?all=1&ids=" + strings.Join(fiveMessages(w), ",")
	if page := w.page(strings.Replace(link, "all=1", "all=", 1)); !strings.Contains(page, "All 120 orders</button>") ||
		strings.Contains(page, `data-orders=`) {
		t.Error("the page has no button for 120 orders, or has run them unasked")
	}
	page := w.page(link)
	if !regexp.MustCompile(`id="orders"[^>]* data-orders="120" data-distinct="1"`).MatchString(page) {
		t.Errorf("no 120 orders with one end in: %s", inside(page, "orders", "section"))
	}
	want := map[string]bool{"clerksync": true, "arrival": false, "updated_at": false}
	bar := regexp.MustCompile(`data-handler="(\w+)" data-orders="120" data-distinct="(\d+)"`)
	bars := bar.FindAllStringSubmatch(page, -1)
	for _, bar := range bars {
		if one := bar[2] == "1"; one != want[bar[1]] {
			t.Errorf("%s has %s ends", bar[1], bar[2])
		}
	}
	if len(bars) != 3 {
		t.Errorf("%d handlers, want three", len(bars))
	}
	differ := w.page(link + "&differ=updated_at")
	if _, rest, ok := strings.Cut(differ, "Two orders in which"); !ok || !strings.Contains(rest, "user_2exampleJonah") {
		t.Error("the page does not show two orders that differ")
	}
	if strings.Contains(differ, "ZgotmplZ") {
		t.Error("the drawing holds what a template refused")
	}
}

// A story is there at once, and what is not kept is named.
func TestOrderPageOfStoriesAndUnknownMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids, _, _ := shownOrder(w.page("/order"))
	if len(ids) != 5 || ids[0] != "msg_story_late-update_1" {
		t.Errorf("/order = %q, want the first story", ids)
	}
	again, _, _ := shownOrder(w.page("/order?ids=" + ids[1] + "," + ids[0]))
	if diff := cmp.Diff([]string{ids[1], ids[0]}, again); diff != "" {
		t.Errorf("a story by the ids of its messages (-want +got): %s", diff)
	}
	page := w.page("/order?ids=msg_nowhere," + ids[0])
	if got, _, _ := shownOrder(page); len(got) != 1 || !strings.Contains(page, "<code>msg_nowhere</code>") {
		t.Errorf("order with an unknown message = %q, want the other, and the unknown one named", got)
	}
	if page := w.page("/order?ids="); !strings.Contains(page, "Add to Order") {
		t.Error("the empty page does not say how messages come here")
	}
	resp, page := ask(t, w.Console, request{method: http.MethodGet, path: "/order?story=nowhere"})
	if resp.StatusCode != http.StatusNotFound || !strings.Contains(page, `role="alert"`) ||
		!strings.Contains(page, `<option value="rejoin">`) {
		t.Errorf("an unknown story = %d, want 404, the error, and the stories that there are", resp.StatusCode)
	}
}

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
