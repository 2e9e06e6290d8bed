package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// testHidePeople hides people by the key and looks on every page for a name or an address that is not blurred.
func (s *suite) testHidePeople(t *testing.T) {
	d := s.start(t)
	d.founded(t)
	id := d.apply(t, message{sample: "user.updated"})
	p := s.open(t, d.ready.ConsoleURL, "/")
	p.has(`#live[data-state=live]`)
	p.do(chromedp.KeyEvent("h"))
	p.has(`html[data-people=hidden]`)
	shown, row := 0, userPath(jonah)
	for _, path := range []string{
		"/", "/messages/" + id, "/messages/" + id + "?tab=event", "/messages/" + id + "?tab=raw",
		"/messages/" + id + "?tab=requests", "/directory",
		row, row + "?tab=object", row + "?tab=item", row + "?tab=memberships",
		"/send?message=" + id, row + "?at=1", "/order?ids=" + id, "/dead-letters", "/traffic",
	} {
		p.to(path)
		p.has(`html[data-people=hidden]`)
		// The samples' ids hold names, Clerk's do not.
		const people = `[...document.querySelectorAll("main *")].filter(e => [...e.childNodes].some(n =>
			n.nodeType === 3 && /Adeyemi|Lindqvist|jonah@|mara@|555/.test(n.data.replace(/_2example\w+/g, ""))))`
		shown += eval[int](p, people+`.length`)
		unblurred := eval[[]string](p, people+`.filter(e => {
			for (let a = e; a; a = a.parentElement) if (getComputedStyle(a).filter.includes("blur")) return false;
			return e.checkVisibility();
		}).map(e => e.outerHTML.slice(0, 200))`)
		if len(unblurred) > 0 {
			t.Errorf("%s shows people:\n%s", path, strings.Join(unblurred, "\n"))
		}
	}
	if shown == 0 {
		t.Error("no page has people on it")
	}
}
