package console_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

// A story shows at once what all of its orders come to, and goes on to while its
// messages are moved; what takes the machine for seconds waits for a click.
func TestOrderPageShowsTheBarsOfAStoryAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := ""
	w.until("all orders of the story were run", func() bool { // a machine that is busy needs more than a second
		page = w.page("/order")
		return !strings.Contains(page, `data-live="pending"`)
	})
	moved := w.page(pressed(t, page, "Move up", 3))
	for what, page := range map[string]string{"the first story": page, "after a move": moved} {
		bars := attributes(page, "data-handler")
		if want := []string{"clerksync", "arrival", "updated_at"}; !slices.Equal(bars, want) {
			t.Errorf("%s has the bars %q, want %q", what, bars, want)
		}
		if orders := attributes(page, "data-orders"); len(orders) == 0 || orders[0] != "120" {
			t.Errorf("%s has %q orders, want 120", what, orders)
		}
	}
	one := w.page("/order?ids=msg_story_edits_1")
	for what, page := range map[string]string{
		"six messages": w.page("/order?story=life"), "one message": one,
	} {
		if bars := attributes(page, "data-handler"); len(bars) > 0 {
			t.Errorf("%s: the page has the bars %q unasked", what, bars)
		}
	}
	if strings.Contains(one, "All 1 orders") {
		t.Error("one message has a button for all of its orders")
	}
}
