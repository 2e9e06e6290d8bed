package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// The Send page in a browser: what htmx and the browser's memory add to its forms.
func TestSendPage(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	d := s.start(t)
	d.apply(t, message{sample: "user.created"})
	const area = `form#send textarea[name=event]`
	axe := axeSource(t)
	look := func(p *tab, name string) { // dark and narrow, and back again
		for _, theme := range []string{"light", "dark"} {
			p.theme(theme)
			p.wantNoViolation(name, axe)
		}
		p.do(chromedp.EmulateViewport(375, 900))
		p.wantNoSideways(name)
		p.wantNoViolation(name, axe)
		p.screenshot("send-" + name + "-dark-375.png")
		p.theme("light")
		p.do(chromedp.EmulateViewport(1280, 900))
		p.screenshot("send-" + name + "-light-1280.png")
	}
	value := func(p *tab) string { return eval[string](p, `document.querySelector(%q).value`, area) }

	// A sample is loaded as it is chosen, and the address leads to it.
	p := s.open(t, d.ready.ConsoleURL, "/send")
	p.has(area)
	eval[bool](p, `(() => { const e = document.querySelector("#load"); e.value = "sample/user.updated";
		return e.dispatchEvent(new Event("change", {bubbles: true})); })()`)
	p.until("the sample is shown", `document.querySelector(%q)?.value.includes('"Jonah T."')`, area)
	p.until("the address leads to it", `location.search.includes("user.updated")`)

	// A preview stands below the buttons, the page stays, and nothing is sent.
	p.fill(area, strings.Replace(value(p), "Jonah T.", "Ada", 1))
	p.press("Preview")
	p.until("what would become of it", `document.querySelector("#result [data-outcome=applied]") !== null`)
	p.has(`#row [data-attribute="first_name"][data-change="changed"]`)
	look(p, "preview")
	if n := len(getJSON[struct{ Messages []any }](t, d, "/api/v1/messages").Messages); n != 1 {
		t.Errorf("after the preview there are %d messages, want the one from before", n)
	}
	// Its error stands in the same place, and goes with the next preview.
	whole := value(p)
	p.fill(area, "{")
	p.press("Preview")
	p.until("what is wrong", `/line 1\b/.test(document.querySelector("#send-error").textContent)`)
	look(p, "error")
	p.fill(area, whole)
	p.press("Preview")
	p.until("it is gone", `document.querySelector("#result [data-outcome=applied]") &&
		document.querySelector("#send-error").textContent === ""`)

	// What was typed is there again with each sample, and goes with a click.
	p.to("/send?sample=user.updated")
	p.until("the edit is there", `document.querySelector(%q).value.includes('"Ada"')`, area)
	p.to("/send?sample=user.deleted")
	p.until("another sample is as it is", `document.querySelector(%q).value.includes("user.deleted")`, area)
	p.to("/send?sample=user.updated")
	p.follow("Back to the sample")
	p.until("the sample is there", `document.querySelector(%q).value.includes('"Jonah T."')`, area)

	// Format changes the text, and the browser keeps it so.
	p.fill(area, `{"type":"user.updated","data":{"id":"user_a","updated_at":1.0}}`)
	p.press("Format")
	p.until("it is formatted", `document.querySelector(%q).value.includes('\n    "updated_at": 1.0\n')`, area)
	p.to("/send?sample=user.updated")
	p.until("it stays so", `document.querySelector(%q).value.includes('\n    "updated_at": 1.0\n')`, area)
	p.press("Send")
	p.has(`#detail[data-svix-id]`)

	// A scenario says how it ends, and leads to the rows.
	p.to("/send?scenario=race")
	p.press("Preview")
	p.until("each event has its outcome", `document.querySelectorAll("#result .outcome").length >= 3`)
	p.press("Send")
	p.until("what was sent", `document.querySelectorAll("#result [data-svix-id]").length === 4`)
	p.has(`#result a[href^="/directory?"]`)
	look(p, "sent")
}
