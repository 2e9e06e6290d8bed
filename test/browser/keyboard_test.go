package browser_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// activateIn presses the first button of that text below an element, by the keyboard.
func (p *tab) activateIn(selector, name string) {
	p.t.Helper()
	const button = `[...(document.querySelector(%q)?.querySelectorAll("button") ?? [])].find(b =>
		b.textContent.trim() === %q || b.getAttribute("aria-label") === %q)`
	p.until("the button "+name+" in "+selector, button, selector, name, name)
	eval[any](p, button+`.focus()`, selector, name, name)
	p.do(chromedp.KeyEvent("\r"))
}

// testKeyboard walks through each page by Tab alone: everything that can be clicked gets the focus, and shows it.
func (s *suite) testKeyboard(t *testing.T) {
	d := s.start(t)
	d.founded(t)
	dead := d.apply(t, message{sample: "user.updated", set: map[string]any{"data.updated_at": -5}})
	id := d.apply(t, message{sample: "user.updated"})
	for _, path := range append(pages(), "/messages/"+id, "/messages/"+dead, userPath(jonah)) {
		p := s.open(t, d.ready.ConsoleURL, path)
		p.until("live", `document.querySelector("#live[data-state=live]")`)
		eval[any](p, `document.querySelector("#pause")?.click()`) // nothing is replaced during the walk
		const targets = `[...document.querySelectorAll(
			"a[href], button, input:not([type=hidden]), select, textarea, summary")]
			.filter(e => e.checkVisibility() && !e.disabled && !(e.type === "radio" && !e.checked))`
		// A part of the page may be replaced by its newest state meanwhile: an element is known by what it is.
		eval[any](p, `window.walk = {name: e => e.outerHTML.slice(0, 200), seen: new Set(), unseen: new Set()}`)
		var missed []string
		// Where it was replaced on a busy machine late in the walk, the focus began anew, and has not come to its end.
		for range 3 {
			want := eval[int](p, targets+`.length + document.querySelectorAll("[tabindex='0']").length`)
			eval[any](p, `document.activeElement.blur()`)
			for range want + 10 {
				p.do(chromedp.KeyEvent("\t"))
				eval[any](p, `(e => {
					walk.seen.add(walk.name(e));
					const s = getComputedStyle(e);
					if (s.outlineStyle === "none" && s.boxShadow === "none") walk.unseen.add(walk.name(e));
					return 1 })(document.activeElement)`)
			}
			missed = eval[[]string](p, targets+`.map(walk.name).filter(e => !walk.seen.has(e))`)
			if len(missed) == 0 {
				break
			}
		}
		if len(missed) > 0 {
			t.Errorf("%s: Tab does not reach\n%s", path, strings.Join(missed, "\n"))
		}
		unseen := eval[[]string](p, `[...walk.unseen].filter(e => !e.startsWith("<body"))`)
		if len(unseen) > 0 {
			t.Errorf("%s: the focus cannot be seen on\n%s", path, strings.Join(unseen, "\n"))
		}
	}
	s.testKeys(t, d, id)
}

// testKeys presses the keys that the page names.
func (s *suite) testKeys(t *testing.T, d *dev, newest string) {
	t.Helper()
	p := s.open(t, d.ready.ConsoleURL, "/")
	p.has(`#live[data-state=live]`)
	for i, path := range pages() {
		key := strconv.Itoa(i + 1)
		p.do(chromedp.KeyEvent(key))
		p.until("key "+key+" leads to "+path,
			`location.pathname === %q && document.readyState === "complete"`, path)
	}
	p.to("/")
	p.has(`#live[data-state=live]`)
	p.do(chromedp.KeyEvent("j"), chromedp.KeyEvent("\r"))
	p.has(`#detail[data-svix-id="` + newest + `"]`)
	p.do(chromedp.KeyEvent("?"))
	p.has(`dialog#keys[open]`)
	p.do(chromedp.KeyEvent("\x1b"))
	p.until("Esc closes the dialog", `!document.querySelector("dialog[open]")`)
	p.do(chromedp.KeyEvent("\x1b"))
	p.until("Esc closes the message", `location.pathname === "/" && document.querySelector("#live[data-state=live]") &&
		!document.querySelector("#detail[data-svix-id]")`)
	p.do(chromedp.KeyEvent("f"))
	p.until("f leads to the filter", `document.activeElement.closest("form")`)
	p.do(chromedp.KeyEvent("j"))
	p.until("keys do nothing while one types", `document.activeElement.closest("form")`)
}

// testWithoutJavaScript reads what can be read where scripts are off.
func (s *suite) testWithoutJavaScript(t *testing.T) {
	d := s.start(t)
	d.founded(t)
	dead := d.apply(t, message{sample: "user.updated", set: map[string]any{"data.updated_at": -5}})
	id := d.apply(t, message{sample: "user.updated"})
	p := s.open(t, d.ready.ConsoleURL, "")
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	off := emulation.SetScriptExecutionDisabledParams{Value: true}
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, off); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/":               `#messages [data-svix-id="` + id + `"]`,
		"/messages/" + id: `#path [data-stage=applied]`,
		userPath(jonah):   `#history [data-at]`,
		"/dead-letters":   `#dead-letters [data-svix-id="` + dead + `"]`,
		"/directory":      `#rows [data-pk]`,
		"/order":          `main form, main a[href]`,
		"/traffic":        `main svg`,
		"/send":           `form#send textarea`,
	} {
		p.to(path)
		p.has(want)
		if !eval[bool](p, `document.querySelector(%q).checkVisibility()`, want) {
			t.Errorf("%s: %s is not visible", path, want)
		}
	}
}
