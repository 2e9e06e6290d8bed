package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to show what it must, on a machine that is busy with other tests.
const patience = 30 * time.Second

// inTime wants something to take no longer than the limit, in one of five tries: in the others the machine may have
// been busy with other tests. Each try waits itself for what it does, with patience.
func inTime(t *testing.T, limit time.Duration, what string, try func() (took time.Duration)) {
	t.Helper()
	const tries = 5
	var all [tries]time.Duration
	for i := range all {
		if all[i] = try(); all[i] <= limit {
			return
		}
	}
	t.Errorf("%s took %v in %d tries, want %v at most", what, all, tries, limit)
}

// timed is how long something takes.
func timed(do func()) time.Duration {
	began := time.Now()
	do()
	return time.Since(began)
}

// tab is a tab of the browser, with a profile of its own: no other test's local storage, no other test's connections.
type tab struct {
	*watcher
	t    testing.TB
	ctx  context.Context //nolint:containedctx // chromedp keeps a tab in a context
	base string          // the console's address
}

// open opens a tab on the path. Whatever the watcher finds until the test's end fails it.
func (s *suite) open(tb testing.TB, base, path string) *tab {
	tb.Helper()
	w := &watcher{}
	ctx, cancel := chromedp.NewContext(s.browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(w.listen))
	p := &tab{watcher: w, t: tb, ctx: ctx, base: base}
	tb.Cleanup(func() {
		for _, problem := range w.found() {
			tb.Errorf("the page %s: %s", path, problem)
		}
		cancel()
	})
	if err := chromedp.Do(ctx); err != nil { // a tab lives as long as the context of its first action
		tb.Fatalf("open a tab: %v", err)
	}
	p.do(chromedp.EmulateViewport(1280, 900))
	if path != "" {
		p.to(path)
	}
	return p
}

// do runs an action within the patience.
func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatalf("%v\n%s", err, p.excerpt())
	}
}

func (p *tab) to(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.base + path))
}

// script is an expression with its arguments in it. Each %q takes a string, escaped for JavaScript.
func script(expression string, args ...any) string {
	if len(args) == 0 {
		return expression
	}
	args = slices.Clone(args)
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			b, _ := json.Marshal(text) // a string never fails
			args[i] = string(b)
		}
	}
	return fmt.Sprintf(strings.ReplaceAll(expression, "%q", "%s"), args...)
}

// eval returns the value of an expression, whose arguments are those of script.
func eval[T any](p *tab, expression string, args ...any) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	expression = script(expression, args...)
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, awaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v\n%s", expression, err, p.excerpt())
	}
	return v
}

func awaitPromise(params *runtime.EvaluateParams) { params.AwaitPromise = new(true) }

// until waits until the expression is true. A page that is being replaced has no answer, and is asked again.
func (p *tab) until(what, expression string, args ...any) {
	p.t.Helper()
	expression = "!!(" + script(expression, args...) + ")"
	deadline := time.Now().Add(patience)
	for {
		ctx, cancel := context.WithTimeout(p.ctx, patience)
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		cancel()
		if err == nil && ok {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("waited %v in vain: %s (%s; last error %v)\n%s", patience, what, expression, err, p.excerpt())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// excerpt is what the page shows, for a test that failed.
func (p *tab) excerpt() string {
	const expression = `location.href + "\n" + (document.body ? document.body.innerText : "").slice(0, 3000)`
	ctx, cancel := context.WithTimeout(p.ctx, 2*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		return "the page cannot be read: " + err.Error()
	}
	return text
}

// has waits for an element.
func (p *tab) has(selector string) {
	p.t.Helper()
	p.until(selector+" is there", `document.querySelector(%q)`, selector)
}

// text waits for an element and returns its text as it is shown.
func (p *tab) text(selector string) string {
	p.t.Helper()
	p.has(selector)
	return eval[string](p, `document.querySelector(%q).innerText`, selector)
}

// attribute waits for an element and returns its attribute, "" where there is none.
func (p *tab) attribute(selector, name string) string {
	p.t.Helper()
	p.has(selector)
	return eval[string](p, `document.querySelector(%q).getAttribute(%q) ?? ""`, selector, name)
}

// attributes returns an attribute of all elements of a selector, in the document's order.
func (p *tab) attributes(selector, name string) []string {
	p.t.Helper()
	return eval[[]string](p, `[...document.querySelectorAll(%q)].map(e => e.getAttribute(%q) ?? "")`, selector, name)
}

// fill sets a field's value as typing does.
func (p *tab) fill(selector, value string) {
	p.t.Helper()
	p.has(selector)
	eval[any](p, `(e => {
		e.focus();
		e.value = %q;
		for (const type of ["input", "change"]) e.dispatchEvent(new Event(type, {bubbles: true}));
		return 1 })(document.querySelector(%q))`, value, selector)
}

// byName finds an element as assistive technology does: by its role and its accessible name.
func (p *tab) byName(role, name string) (id cdp.BackendNodeID, ok bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	doc, err := chromedp.Call(ctx, dom.GetDocument, dom.GetDocumentParams{})
	if err != nil {
		return 0, false // it is being replaced
	}
	found, err := chromedp.Call(ctx, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{
		BackendNodeID: doc.Root.BackendNodeID, Role: role, AccessibleName: name,
	})
	if err != nil {
		return 0, false
	}
	for _, n := range found.Nodes {
		if !n.Ignored {
			return n.BackendDOMNodeID, true
		}
	}
	return 0, false
}

// press activates a button as the keyboard does: it has the focus, then Enter.
func (p *tab) press(name string) {
	p.t.Helper()
	p.activate("button", name)
}

// follow is press for a link.
func (p *tab) follow(name string) {
	p.t.Helper()
	p.activate("link", name)
}

func (p *tab) activate(role, name string) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		if id, ok := p.byName(role, name); ok {
			ctx, cancel := context.WithTimeout(p.ctx, patience)
			_, err := chromedp.Call(ctx, dom.Focus, dom.FocusParams{BackendNodeID: id})
			cancel()
			if err == nil {
				p.do(chromedp.KeyEvent("\r"))
				return
			}
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("no %s %q that takes the focus\n%s", role, name, p.excerpt())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// theme makes the system's theme dark or light.
func (p *tab) theme(name string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	}); err != nil {
		p.t.Fatal(err)
	}
}
