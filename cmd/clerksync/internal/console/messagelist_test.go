package console_test

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
)

// The list: filters stay in its links, older ones are a page away, and its foot
// says how many are gone.
func TestMessageList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 3 {
		w.send(fmt.Sprintf("msg_%d", i), "user.created", map[bool]string{true: "applied", false: "stale"}[i == 0],
			fmt.Sprintf("data.updated_at=%d", 1772447507139-int64(i)))
	}
	w.send("msg_org", "organization.created", "applied")
	page := w.page("/?outcome=stale&q=JONAH")
	list := inside(page, "messages", "ul")
	if got := attributes(list, "data-svix-id"); !slices.Equal(got, []string{"msg_2", "msg_1"}) {
		t.Errorf("filtered = %v", got)
	}
	link := html.UnescapeString(attributes(list, "href")[0])
	if link != "/messages/msg_2?outcome=stale&q=JONAH" {
		t.Errorf("link = %s, want the filter in it", link)
	}
	page = w.page(link)
	got := attributes(inside(page, "messages", "ul"), "data-svix-id")
	if !slices.Equal(got, []string{"msg_2", "msg_1"}) {
		t.Errorf("the list beside the message = %v, want it filtered", got)
	}
	if !strings.Contains(page, `<option selected>stale</option>`) || !strings.Contains(page, `value="JONAH"`) {
		t.Error("the form does not show the filter")
	}
	page = w.page("/?type=role.created")
	if !strings.Contains(page, "0 of 4 match") || !strings.Contains(page, "role.created") {
		t.Error("an empty list does not name its filter")
	}
	resp, _ := ask(t, w.Console, request{method: get, path: "/?before=x"})
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("GET /?before=x = %d, want 400", resp.StatusCode)
	}
}

// No page is long, whatever has passed, and the foot says what is gone.
func TestLongList(t *testing.T) {
	t.Parallel()
	limits := recorder.DefaultLimits()
	limits.Messages, limits.Rejected = 150, 20
	w := newWorldWith(t, limits)
	for i := range 180 {
		w.post(fmt.Sprintf("msg_%d", i), `{"type":"session.created","data":{"id":"s"}}`)
	}
	for i := range 25 {
		w.forge(fmt.Sprintf("msg_forged%d", i), `{"type":"user.created","data":{}}`)
	}
	seen, path := 0, "/"
	for path != "" {
		page := w.page(path)
		n := len(attributes(inside(page, "messages", "ul"), "data-svix-id"))
		if seen += n; n > 250 {
			t.Errorf("%s lists %d messages", path, n)
		}
		gone := strings.Join(strings.Fields(inside(page, "gone", "p")), " ")
		if !strings.Contains(gone, "30 older ones are no longer kept. 5 rejected ones") {
			t.Errorf("#gone = %s", gone)
		}
		path = ""
		if m := regexp.MustCompile(`<a href="([^"]*)">Older ones`).FindStringSubmatch(page); m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	if seen != 170 {
		t.Errorf("%d messages on all pages, want 170", seen)
	}
}

// The empty page says how to begin, with this console's own addresses.
func TestEmptyPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := w.page("/")
	for _, want := range []string{
		"Waiting for the first webhook", w.Pipeline.WebhookURL, `name="scenario" value="week"`,
		"send user.created --to " + w.Pipeline.WebhookURL + " --secret whsec_...",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the empty page lacks %q", want)
		}
	}
	w.send("msg_a", "user.created", "applied")
	if strings.Contains(w.page("/"), "Waiting for") {
		t.Error("it still waits")
	}
	resp, _ := ask(t, w.Console, request{method: post, path: "/clear", site: "same-origin"})
	if resp.StatusCode != http.StatusSeeOther || !strings.Contains(w.page("/"), "Waiting for") {
		t.Errorf("POST /clear = %d, want an empty list", resp.StatusCode)
	}
}
