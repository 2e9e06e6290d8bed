package browser_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/clerksync/clerksync/test/program"
)

// testDeadLetters sends what can never be applied, moves it back, and drops it.
func (s *suite) testDeadLetters(t *testing.T) {
	d := s.start(t)
	id := d.apply(t, message{sample: "user.created", set: map[string]any{"data.updated_at": -5}})
	d.outcome(t, id, "dead")
	p := s.open(t, d.ready.ConsoleURL, "/dead-letters")
	item := fmt.Sprintf(`#dead-letters [data-svix-id=%q]`, id)
	if text := p.text(item); !strings.Contains(text, "updated_at") {
		t.Errorf("the dead letter's line is %q, want its reason", text)
	}
	type attempts struct {
		Attempts []any `json:"attempts"`
	}
	before := len(getJSON[attempts](t, d, "/api/v1/messages/"+id).Attempts)
	p.press("Redrive")
	program.WaitUntil(t, patience, "a new attempt", func() bool {
		return len(getJSON[attempts](t, d, "/api/v1/messages/"+id).Attempts) > before
	})

	p.to("/dead-letters")
	p.has(item)
	p.press("Drop")
	const field = `dialog[open] input[type=text], dialog[open] input:not([type])`
	p.allow("status of 400") // another id is refused
	p.fill(field, "msg_another")
	p.activateIn(`dialog[open]`, "Drop")
	p.has(`[role=alert]`)
	status, body := d.get(t, "/api/v1/dead-letters")
	if status != http.StatusOK || !strings.Contains(string(body), id) {
		t.Errorf("another id dropped the dead letter: %d %s", status, body)
	}
	p.to("/dead-letters")
	p.press("Drop")
	p.fill(field, id)
	p.activateIn(`dialog[open]`, "Drop")
	p.until("the dead letter is gone", `!document.querySelector(%q)`, item)
}

func (s *suite) testSearch(t *testing.T) {
	d := s.start(t)
	d.founded(t)
	p := s.open(t, d.ready.ConsoleURL, "/directory")
	found := func(query string) []string {
		p.to("/directory?" + query)
		p.has("main")
		return p.attributes(`#rows [data-pk]`, "data-pk")
	}
	for q, want := range map[string]string{
		jonahsMail: "USER#" + jonah, jonah: "USER#" + jonah, "lo-0002": "USER#" + jonah,
		"lumen-oak": "ORG#org_2exampleLumenOak00000000000",
	} {
		if got := found("q=" + url.QueryEscape(q)); len(got) != 1 || got[0] != want {
			t.Errorf("search for %s finds %q, want %s alone", q, got, want)
		}
	}
	d.apply(t, message{sample: "user.deleted"})
	if got := found("q=" + jonah); len(got) != 0 {
		t.Errorf("without \"deleted too\" the deleted user is found: %q", got)
	}
	if got := found("deleted=1&q=" + jonah); len(got) != 1 {
		t.Fatalf("with \"deleted too\" %q are found, want the deleted user", got)
	}
	row := fmt.Sprintf(`#rows [data-pk="USER#%s"]`, jonah)
	if got := p.attribute(row, "data-deleted"); got != "true" {
		t.Errorf("data-deleted is %q", got)
	}
	if text := p.text(row); !regexp.MustCompile(`2026|Mar|\d:\d\d`).MatchString(text) {
		t.Errorf("the deleted user's line has no date: %q", text)
	}
	p.to("/directory")
	p.fill(`input[name=q]`, jonah)
	p.do(chromedp.Click(chromedp.CSS(`input[type=checkbox][name=deleted]`)))
	eval[any](p, `document.querySelector("input[name=q]").form.requestSubmit()`)
	p.has(row)
}

// userPath is the address of a user's row: each part of its key is one escaped segment.
func userPath(id string) string { return "/rows/" + url.PathEscape("USER#"+id) + "/USER" }

func (s *suite) testHistory(t *testing.T) {
	d := s.start(t)
	for i, at := range []int{0, 1000, 2000, 1500, 3000} {
		d.apply(t, message{sample: "user.updated", set: map[string]any{
			"data.first_name": "Name" + strconv.Itoa(i+1),
			"data.updated_at": updatedAt + at, "timestamp": updatedAt + at,
		}})
	}
	p := s.open(t, d.ready.ConsoleURL, userPath(jonah))
	const stops = `#history [data-at][data-outcome]`
	p.has(stops)
	outcomes := map[string]string{}
	for i, at := range p.attributes(stops, "data-at") {
		outcomes[at] = p.attributes(stops, "data-outcome")[i]
	}
	if len(outcomes) != 5 || outcomes["4"] != "stale" || outcomes["5"] != "applied" {
		t.Errorf("stops are %v, want 5, the fourth stale", outcomes)
	}
	if got := p.attribute(`input[type=range]`, "max"); got != "5" {
		t.Errorf("the slider ends at %s, want 5", got)
	}
	p.to(userPath(jonah) + "?at=2")
	if text := p.text("main"); !strings.Contains(text, "Name2") {
		t.Errorf("?at=2 does not show the second state:\n%s", text)
	}
	if got := p.attribute(`input[type=range]`, "value"); got != "2" {
		t.Errorf("the slider stands at %s, want 2", got)
	}
	ink := func(outcome string) string {
		selector := `#history [data-outcome=` + outcome + `]`
		return eval[string](p, `getComputedStyle(document.querySelector(%q)).color`, selector)
	}
	if ink("stale") == ink("applied") {
		t.Error("the stale stop has the same colour as the applied ones")
	}
	// By the keyboard, faster than the pages come: the slider ends where it was left, and keeps the focus.
	p.to(userPath(jonah) + "?tab=object")
	p.has("input[type=range]")
	eval[any](p, `document.querySelector("input[type=range]").focus()`)
	for range 4 {
		p.do(chromedp.KeyEvent(kb.ArrowLeft))
	}
	p.until("the row is shown as the first write left it", `location.search.includes("at=1") &&
		document.querySelector("output").textContent.startsWith("1 of") &&
		document.activeElement.matches("input[type=range]") &&
		document.querySelector("#rowview .tabs [aria-current]").textContent === "object"`)
}

func (s *suite) testSend(t *testing.T) {
	d := s.start(t)
	p := s.open(t, d.ready.ConsoleURL, "/send?sample=user.created")
	p.allow("status of 4") // what does not parse is refused
	const area = `form#send textarea`
	p.has(area)
	text := eval[string](p, `document.querySelector(%q).value`, area)
	broken := "{\n  \"type\": \"user.created\",\n  \"data\": {,}\n}"
	p.fill(area, broken)
	p.press("Send")
	p.until("line and column", `/line 3\b.*column 12/is.test(document.body.innerText)`)
	got := eval[string](p, `document.querySelector(%q).value`, area)
	if strings.ReplaceAll(got, "\r\n", "\n") != broken {
		t.Errorf("the edit is lost: %q", got)
	}
	type list struct {
		Messages []struct {
			ID string `json:"svix_id"`
		} `json:"messages"`
	}
	if n := len(getJSON[list](t, d, "/api/v1/messages").Messages); n > 0 {
		t.Errorf("what does not parse was sent: %d messages", n)
	}
	mended := strings.Replace(text, "Jonah", "Mended", 1)
	p.fill(area, mended)
	p.press("Send")
	p.has(`#detail[data-svix-id]`)
	if path := eval[string](p, `location.pathname`); !strings.HasPrefix(path, "/messages/msg_") {
		t.Errorf("after Send the page is %s, want the new message's", path)
	}
	d.outcome(t, p.attribute("#detail", "data-svix-id"), "applied")
	p.to("/send?sample=user.created")
	p.until("the edit is still there", `document.querySelector(%q).value.includes("Mended")`, area)
}

// testOrder plays with the order of five messages.
func (s *suite) testOrder(t *testing.T) {
	d := s.start(t)
	var ids []string
	for _, m := range []message{
		{sample: "user.created"},
		{sample: "user.updated"},
		{sample: "user.deleted"},
		{sample: "user.updated", set: map[string]any{"data.first_name": "Jon", "data.updated_at": overtaken}},
		{sample: "user.updated", set: map[string]any{"data.first_name": "Late", "data.updated_at": updatedAt + 1}},
	} {
		ids = append(ids, d.apply(t, m))
	}
	p := s.open(t, d.ready.ConsoleURL, "/order?ids="+strings.Join(ids, ","))
	const items = `#order [data-svix-id][data-outcome]`
	p.has(items)
	state := func() string {
		return strings.Join(p.attributes(items, "data-svix-id"), " ") + "\n" +
			strings.Join(p.attributes(items, "data-outcome"), " ")
	}
	before, digest := state(), p.attribute("#digest", "data-digest")
	for range 2 {
		was := state()
		p.activateIn(fmt.Sprintf(`#order [data-svix-id=%q]`, ids[2]), "Move up")
		p.until("it moved", `[...document.querySelectorAll(%q)].map(e => e.dataset.svixId).join(" ") + "\n" +
			[...document.querySelectorAll(%q)].map(e => e.dataset.outcome).join(" ") !== %q`, items, items, was)
	}
	after := state()
	if strings.Split(after, "\n")[1] == strings.Split(before, "\n")[1] {
		t.Errorf("the deletion is first, and the outcomes are as before:\n%s", after)
	}
	if got := p.attribute("#digest", "data-digest"); got != digest || digest == "" {
		t.Errorf("digest %q, before %q: want the same", got, digest)
	}
	p.do(chromedp.DragAndDrop(chromedp.CSS(fmt.Sprintf(`#order [data-svix-id=%q]`, ids[4])),
		chromedp.CSS(fmt.Sprintf(`#order [data-svix-id=%q]`, ids[2]))))
	p.until("the drag moved it",
		`[...document.querySelectorAll(%q)].findIndex(e => e.dataset.svixId === %q) < 4`, items, ids[4])
	if got := p.attribute("#digest", "data-digest"); got != digest {
		t.Errorf("digest after the drag %q, before %q: want the same", got, digest)
	}
	p.press("All 120 orders")
	p.has(`#orders[data-orders="120"][data-distinct="1"]`)
	p.has(`#orders [data-handler=clerksync][data-orders="120"][data-distinct="1"]`)
	for _, handler := range []string{"arrival", "updated_at"} {
		n, _ := strconv.Atoi(p.attribute(`#orders [data-handler=`+handler+`]`, "data-distinct"))
		if n < 2 {
			t.Errorf("handler %s has %d ends, want several", handler, n)
		}
	}
}
