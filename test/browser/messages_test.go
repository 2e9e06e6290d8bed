package browser_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func (s *suite) testClean(t *testing.T) {
	d := s.start(t)
	if !strings.HasPrefix(d.ready.ConsoleURL, "http://127.0.0.1:") {
		t.Fatalf("console_url is %q, want one on 127.0.0.1", d.ready.ConsoleURL)
	}
	d.founded(t)
	for _, path := range pages() {
		p := s.open(t, d.ready.ConsoleURL, path)
		p.until("the page is live", `document.querySelector("#live[data-state=live]")`)
		if title := eval[string](p, `document.title`); title == "" {
			t.Errorf("%s has no title", path)
		}
	}
}

func (s *suite) testFirstMinute(t *testing.T) {
	d := s.start(t)
	p := s.open(t, d.ready.ConsoleURL, "/")
	text := p.text("main")
	if !strings.Contains(text, d.ready.WebhookURL) {
		t.Errorf("the empty page does not name %s:\n%s", d.ready.WebhookURL, text)
	}
	command := regexp.MustCompile(`(?m)clerksync send user\.created.*$`).FindString(text)
	if command == "" {
		t.Fatalf("the empty page names no command:\n%s", text)
	}
	d.run(t, command)
	p.has(`#messages [data-svix-id][data-outcome=applied]`)

	fresh := s.start(t)
	p = s.open(t, fresh.ready.ConsoleURL, "/")
	p.press("Play the demo week")
	p.has(`[data-outcome=stale]`)
}

func (s *suite) testLive(t *testing.T) {
	d := s.start(t)
	p := s.open(t, d.ready.ConsoleURL, "/")
	p.has(`#live[data-state=live]`)
	eval[any](p, `window.loaded = "once"`)
	inTime(t, 2*time.Second, "a message's way to the page", func() time.Duration {
		return timed(func() {
			id, _ := d.post(t, message{sample: "user.created", set: map[string]any{"data.id": "user_" + newID()}})
			p.until("the first item is the message, applied", `(e => e && e.dataset.svixId === %q &&
				e.dataset.outcome === "applied")(document.querySelector("#messages [data-svix-id]"))`, id)
		})
	})
	if got := eval[string](p, `window.loaded ?? "anew"`); got != "once" {
		t.Error("the page was loaded anew")
	}
	p.press("Pause")
	p.has(`#live[data-state=paused]`)
}

// detail opens a message's page.
func (s *suite) detail(t *testing.T, d *dev, id string) *tab {
	t.Helper()
	p := s.open(t, d.ready.ConsoleURL, "/messages/"+id)
	p.has(`#path`)
	if got := p.attribute("#detail", "data-svix-id"); got != id {
		t.Fatalf("the page is of %q, want %s", got, id)
	}
	return p
}

func (s *suite) testPath(t *testing.T) {
	d := s.start(t)
	p := s.detail(t, d, d.apply(t, message{sample: "user.created"}))
	stages := p.attributes("#path [data-stage]", "data-stage")
	if want := []string{"received", "verified", "queued", "attempt", "applied"}; !slices.Equal(stages, want) {
		t.Errorf("stages %q, want %q", stages, want)
	}
	if got := eval[int](p, `document.querySelectorAll("#path [data-stage]:not([data-state=done])").length`); got > 0 {
		t.Errorf("%d steps are not done", got)
	}
	var before time.Time
	for _, text := range p.attributes("#path [data-stage] time", "datetime") {
		at, err := time.Parse("2006-01-02T15:04:05.000Z07:00", text)
		if err != nil || at.Before(before) {
			t.Errorf("a step is of %q (%v), want a time with milliseconds, not before %v", text, err, before)
		}
		before = at
	}
	if got := eval[int](p, `document.querySelectorAll("#path [data-stage] time[datetime]").length`); got != 5 {
		t.Errorf("%d of 5 steps have a time", got)
	}
	p.wantChange("email", "added", jonahsMail)
}

// wantChange holds an attribute of the row against its change and the texts that its line shows.
func (p *tab) wantChange(attribute, change string, texts ...string) {
	p.t.Helper()
	selector := `#row [data-attribute="` + attribute + `"]`
	if got := p.attribute(selector, "data-change"); got != change {
		p.t.Errorf("%s is %s, want %s", attribute, got, change)
	}
	line := p.text(selector)
	for _, text := range texts {
		if !strings.Contains(line, text) {
			p.t.Errorf("the line of %s is %q, want %q in it", attribute, line, text)
		}
	}
}

func (s *suite) testChanges(t *testing.T) {
	d := s.start(t)
	d.apply(t, message{sample: "user.created"})
	p := s.detail(t, d, d.apply(t, message{sample: "user.updated"}))
	p.wantChange("first_name", "changed", "Jonah", "Jonah T.")
	p.wantChange("updated_at", "changed", "1772447507139", "1772543300655")
	p.wantChange("last_name", "same", "Adeyemi")
}

func (s *suite) testStale(t *testing.T) {
	d := s.start(t)
	d.apply(t, message{sample: "user.updated"})
	id := d.apply(t, message{sample: "user.updated", set: map[string]any{
		"data.first_name": "Jon", "data.updated_at": overtaken, "timestamp": overtaken,
	}})
	d.outcome(t, id, "stale")
	p := s.detail(t, d, id)
	why := p.text("#why")
	for _, want := range []string{"newer", "13:08:20", "10:33:20"} {
		if !strings.Contains(why, want) {
			t.Errorf("why: %q, want %q in it", why, want)
		}
	}
	p.wantChange("first_name", "same", "Jonah T.")
}

func (s *suite) testDuplicate(t *testing.T) {
	d := s.start(t)
	id := d.apply(t, message{sample: "user.created"})
	d.post(t, message{id: id, sample: "user.created"})
	p := s.open(t, d.ready.ConsoleURL, "/")
	item := `#messages [data-svix-id="` + id + `"]`
	p.has(item)
	if got := eval[int](p, `document.querySelectorAll(%q).length`, item); got != 1 {
		t.Errorf("the list holds the message %d times", got)
	}
	p = s.detail(t, d, id)
	const step = `#path [data-stage=duplicate]`
	p.has(step + ` a[href]`)
	if text := p.text(step); !strings.Contains(text, "first") {
		t.Errorf("the step says %q, want it to name the first", text)
	}
	d.outcome(t, id, "applied")
	type message struct {
		Outcome  string `json:"outcome"`
		Requests []any  `json:"requests"`
	}
	if m := getJSON[message](t, d, "/api/v1/messages/"+id); m.Outcome != "applied" || len(m.Requests) != 2 {
		t.Errorf("the API says %+v, want 2 requests, applied", m)
	}
}

func (s *suite) testRejected(t *testing.T) {
	d := s.start(t)
	id, status := d.post(t, message{sample: "user.deleted", tamper: true})
	if status != http.StatusBadRequest {
		t.Fatalf("a tampered request is answered %d", status)
	}
	s.wantRejected(t, d, "secret")
	d.post(t, message{sample: "user.deleted", skew: -10 * time.Minute})
	s.wantRejected(t, d, "clock")

	d.apply(t, message{id: id, sample: "user.created"}) // the genuine one, of the id that a forged one named first
	d.outcome(t, id, "applied")
	d.post(t, message{id: id, sample: "user.deleted", tamper: true})
	d.outcome(t, id, "applied")
	p := s.open(t, d.ready.ConsoleURL, "/")
	if got := p.attribute(`#messages [data-svix-id="`+id+`"]`, "data-outcome"); got != "applied" {
		t.Errorf("after a forged request the message is %s, want applied", got)
	}
}

// wantRejected opens the newest rejected request and looks for the word in its advice.
func (s *suite) wantRejected(t *testing.T, d *dev, advice string) {
	t.Helper()
	p := s.open(t, d.ready.ConsoleURL, "/?outcome=rejected")
	p.has(`#messages [data-outcome=rejected]`)
	id := p.attribute(`#messages [data-outcome=rejected]`, "data-svix-id")
	p = s.detail(t, d, id)
	p.has(`#path [data-stage=verified][data-state=failed]`)
	if n := eval[int](p, `document.querySelectorAll("#path [data-stage=queued]").length`); n > 0 {
		t.Error("a rejected request was queued")
	}
	if why := p.text("#why"); !strings.Contains(why, advice) {
		t.Errorf("why: %q, want %q in it", why, advice)
	}
}
