package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/clerksync/clerksync/test/program"
)

// scene is a page in one of its states.
type scene struct{ name, path string }

// scenes are all pages of a dev in which a week has happened, with something dead and something rejected.
func (d *dev) scenes(t *testing.T) []scene {
	t.Helper()
	dead := d.apply(t, message{sample: "user.created.phone_only", set: map[string]any{"data.updated_at": -5}})
	id := func(outcome string) string {
		type list struct {
			Messages []struct {
				ID string `json:"svix_id"`
			} `json:"messages"`
		}
		l := getJSON[list](t, d, "/api/v1/messages?outcome="+outcome)
		if len(l.Messages) == 0 {
			t.Fatalf("the week has no message that is %s", outcome)
		}
		return l.Messages[0].ID
	}
	stale, applied := id("stale"), id("applied")
	var ids []string
	for _, m := range []message{
		{sample: "user.created"},
		{sample: "user.updated"},
		{sample: "user.deleted"},
		{sample: "user.updated", set: map[string]any{"data.first_name": "Jon", "data.updated_at": overtaken}},
	} {
		ids = append(ids, d.apply(t, m))
	}
	mara := userPath("user_2exampleMaraLindqvist000000")
	return []scene{
		{name: "messages", path: "/"},
		{name: "message-applied", path: "/messages/" + applied},
		{name: "message-stale", path: "/messages/" + stale},
		{name: "message-rejected", path: "/messages/" + id("rejected")},
		{name: "message-ignored", path: "/messages/" + id("ignored")},
		{name: "message-dead", path: "/messages/" + dead},
		{name: "no-match", path: "/?q=nothing-is-called-so"},
		{name: "directory", path: "/directory?deleted=1"},
		{name: "row", path: mara},
		{name: "row-deleted", path: userPath(jonah)},
		{name: "dead-letters", path: "/dead-letters"},
		{name: "send", path: "/send"},
		{name: "send-scenario", path: "/send?scenario=race"},
		{name: "order", path: "/order?ids=" + strings.Join(ids, ",")},
		{name: "traffic", path: "/traffic"},
	}
}

// TestLook opens every page in both themes at two widths. Nothing scrolls sideways, axe-core finds no violation, and
// what a person would see is written to the folder of screenshots.
func TestLook(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	week, fresh := s.start(t, "--demo"), s.start(t)
	program.WaitUntil(t, 30*time.Second, "the week has happened", func() bool {
		_, body := week.get(t, "/api/v1/rows?deleted=1")
		return strings.Contains(string(body), jonah) && strings.Count(string(body), "USER#") > 2
	})
	scenes := week.scenes(t)
	axe := axeSource(t)
	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 375} {
			t.Run(fmt.Sprintf("%s %d", theme, width), func(t *testing.T) {
				t.Parallel()
				look := func(d *dev, scenes ...scene) {
					p := s.open(t, d.ready.ConsoleURL, "")
					p.theme(theme)
					p.do(chromedp.EmulateViewport(width, 900))
					for _, c := range scenes {
						p.to(c.path)
						p.has("main")
						p.until("live", `document.querySelector("#live[data-state=live]")`)
						p.wantNoSideways(c.name)
						p.wantNoViolation(c.name, axe)
						p.screenshot(fmt.Sprintf("%s-%s-%d.png", c.name, theme, width))
					}
				}
				look(fresh, scene{name: "empty", path: "/"})
				look(week, scenes...)
			})
		}
	}
}

// axeSource is axe-core's code, "" where the run may do without it.
func axeSource(t *testing.T) string {
	t.Helper()
	path := os.Getenv("BROWSER_AXE")
	if path == "" {
		if os.Getenv("BROWSER_REQUIRED") == "1" {
			t.Fatal("BROWSER_AXE does not name axe.min.js, but BROWSER_REQUIRED is 1")
		}
		t.Log("BROWSER_AXE does not name axe.min.js: accessibility is not checked")
		return ""
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// wantNoSideways says which elements make the page wider than its window. What scrolls by itself, as code does, does
// not.
func (p *tab) wantNoSideways(name string) {
	p.t.Helper()
	wide := eval[[]string](p, `document.documentElement.scrollWidth <= innerWidth ? [] :
		[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
			.slice(0, 5).map(e => e.outerHTML.slice(0, 150))
			.concat("scrollWidth " + document.documentElement.scrollWidth)`)
	if len(wide) > 0 {
		p.t.Errorf("%s scrolls sideways:\n%s", name, strings.Join(wide, "\n"))
	}
}

type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// wantNoViolation runs axe-core with all of its rules that are on by default.
func (p *tab) wantNoViolation(name, axe string) {
	p.t.Helper()
	if axe == "" {
		return
	}
	eval[any](p, `document.getAnimations().forEach(a => a.finish())`) // a colour on its way is no colour
	eval[any](p, `(() => { `+axe+`; return 1 })()`)
	text := eval[string](p, `axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations))`)
	var found []violation
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		p.t.Fatal(err)
	}
	for _, v := range found {
		p.t.Errorf("%s: axe %s: %s (%d nodes), such as %.300s\n%s", name, v.ID, v.Help, len(v.Nodes), v.Nodes[0].HTML,
			v.Nodes[0].Summary)
	}
}

// screenshot writes the whole page, as far down as anybody scrolls.
func (p *tab) screenshot(file string) {
	p.t.Helper()
	folder := os.Getenv("BROWSER_SCREENSHOTS")
	if folder == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	image, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, file), image, 0o600); err != nil {
		p.t.Fatal(err)
	}
}
