package browser_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/clerksync/clerksync/test/program"
)

// postAll posts n messages by eight senders.
func (d *dev) postAll(tb testing.TB, n int, m func(i int) message) {
	tb.Helper()
	const senders = 8
	var g sync.WaitGroup
	for s := range senders {
		g.Go(func() {
			for i := s; i < n; i += senders {
				d.post(tb, m(i))
			}
		})
	}
	g.Wait()
}

// user is a message that makes the user of that number.
func user(i int) message {
	return message{sample: "user.created", set: map[string]any{"data.id": fmt.Sprintf("user_2many%021d", i)}}
}

// forged is a message whose signature is no secret's.
func forged(int) message { return message{sample: "user.created", tamper: true} }

// testFilter compares the list before a message is opened and after the way back, in the same tab and in a new one.
func (s *suite) testFilter(t *testing.T) {
	d := s.start(t)
	d.apply(t, message{sample: "user.updated"})
	d.postAll(t, 40, func(int) message {
		return message{sample: "user.created", set: map[string]any{"data.first_name": "Jo"}}
	})
	d.postAll(t, 10, user)
	p := s.open(t, d.ready.ConsoleURL, "/")
	p.has(`select[name=outcome]`)
	eval[any](p, `(e => { e.value = "stale"; e.form.requestSubmit(); return 1 })(
		document.querySelector("select[name=outcome]"))`)
	p.until("only stale messages", `(l => l.length && l.every(e => e.dataset.outcome === "stale"))(
		[...document.querySelectorAll("#messages [data-svix-id]")])`)
	ids := strings.Join(p.attributes("#messages [data-svix-id]", "data-svix-id"), " ")
	id := p.attributes("#messages [data-svix-id]", "data-svix-id")[30]
	item := fmt.Sprintf(`#messages [data-svix-id=%q]`, id)
	const visible = `(e => { const r = e.getBoundingClientRect(); return r.top < innerHeight && r.bottom > 0 })(
		document.querySelector(%q))`
	eval[any](p, `document.querySelector(%q).scrollIntoView({block: "center"})`, item)
	eval[any](p, `(e => (e.matches("a") ? e : e.querySelector("a")).click())(document.querySelector(%q))`, item)
	p.has(fmt.Sprintf(`#detail[data-svix-id=%q]`, id))
	opened := eval[string](p, `location.pathname + location.search`)
	if !strings.Contains(opened, "outcome=stale") {
		t.Errorf("the message's address is %s, want the filter in it", opened)
	}
	p.do(chromedp.NavigateBack())
	p.until("the list is back",
		`!document.querySelector("#detail[data-svix-id]") && location.search.includes("outcome=stale")`)
	if got := strings.Join(p.attributes("#messages [data-svix-id]", "data-svix-id"), " "); got != ids {
		t.Errorf("after the way back the list is\n%s\nwant\n%s", got, ids)
	}
	p.until("the position is as before", visible, item)
	other := s.open(t, d.ready.ConsoleURL, opened)
	other.has(fmt.Sprintf(`#detail[data-svix-id=%q]`, id))
	if got := strings.Join(other.attributes("#messages [data-svix-id]", "data-svix-id"), " "); got != ids {
		t.Errorf("in a new browser the list is\n%s\nwant\n%s", got, ids)
	}
	p.to("/?q=no-such-text-anywhere")
	p.until("no match is said", `/0 of \d+ match/.test(document.body.innerText)`)
}

// testFlood sends more messages than are kept, and ten times as many forged ones. CONSOLE_FORGED sets another number.
func (s *suite) testFlood(t *testing.T) {
	d := s.start(t)
	forgedCount := 10_000
	if text := os.Getenv("CONSOLE_FORGED"); text != "" {
		forgedCount, _ = strconv.Atoi(text)
	}
	p := s.open(t, d.ready.ConsoleURL, "/")
	before := d.memory(t)
	const n = 1500
	d.postAll(t, n, user)
	var newest string
	type list struct {
		Messages []struct {
			ID      string `json:"svix_id"`
			Outcome string `json:"outcome"`
		} `json:"messages"`
		Next string `json:"next"`
	}
	m := getJSON[list](t, d, "/api/v1/messages?limit=1")
	newest = m.Messages[0].ID
	d.outcome(t, newest, "applied")
	page := getJSON[list](t, d, "/api/v1/messages?limit=250")
	kept := len(page.Messages)
	for page.Next != "" {
		page = getJSON[list](t, d, "/api/v1/messages?limit=250&before="+page.Next)
		kept += len(page.Messages)
	}
	last := page.Messages[len(page.Messages)-1].ID
	if kept != 1000 {
		t.Errorf("the API lists %d messages, want the 1000 that are kept", kept)
	}
	d.postAll(t, forgedCount, forged)
	for _, id := range []string{newest, last} {
		if status, _ := d.get(t, "/api/v1/messages/"+id); status != http.StatusOK {
			t.Errorf("forged requests pushed out the applied message %s", id)
		}
	}
	inTime(t, time.Second, "the list", func() time.Duration {
		return timed(func() {
			if status, _ := d.get(t, "/"); status != http.StatusOK {
				t.Errorf("the list = %d, want 200", status)
			}
		})
	})
	p.to("/")
	p.has(`#messages [data-svix-id]`)
	if got := eval[int](p, `document.querySelectorAll("#messages [data-svix-id]").length`); got > 250 {
		t.Errorf("the page holds %d items, want 250 at most", got)
	}
	gone := regexp.MustCompile(`\d[\d,  ]*`).FindString(p.text("#gone"))
	if digits := regexp.MustCompile(`\D`).ReplaceAllString(gone, ""); digits != "500" {
		t.Errorf("#gone says %q, want 500", p.text("#gone"))
	}
	if grown := d.memory(t) - before; grown > 200<<20 {
		t.Errorf("the process grew by %d MB, want less than 200", grown>>20)
	}
}

// testTabs opens more tabs than a browser has connections to one host: they share a profile, as a person's tabs do.
func (s *suite) testTabs(t *testing.T) {
	d := s.start(t)
	const n = 9
	first := s.open(t, d.ready.ConsoleURL, "/")
	profile := chromedp.FromContext(first.ctx).BrowserContextID
	tabs := []*tab{first}
	for range n - 1 {
		w := &watcher{}
		w.allow("ERR_INCOMPLETE_CHUNKED_ENCODING") // the server ends streams while many tabs are open
		ctx, cancel := chromedp.NewContext(s.browser,
			chromedp.WithExistingBrowserContext(profile), chromedp.WithListener(w.listen))
		t.Cleanup(cancel)
		p := &tab{watcher: w, t: t, ctx: ctx, base: d.ready.ConsoleURL}
		if err := chromedp.Do(ctx); err != nil {
			t.Fatal(err)
		}
		inTime(t, 3*time.Second, fmt.Sprintf("tab %d", len(tabs)+1), func() time.Duration {
			return timed(func() { p.to("/") })
		})
		tabs = append(tabs, p)
	}
	inTime(t, 5*time.Second, "a message's way to all tabs", func() time.Duration {
		return timed(func() {
			id, _ := d.post(t, message{sample: "user.created"})
			for _, p := range tabs {
				p.has(fmt.Sprintf(`#messages [data-svix-id=%q]`, id))
			}
		})
	})
	for i, p := range tabs {
		for _, problem := range p.found() {
			t.Errorf("tab %d: %s", i+1, problem)
		}
	}
}

func (s *suite) testRestart(t *testing.T) {
	// Nobody else is given these ports while it is stopped.
	port := func() string { return "127.0.0.1:" + program.FreePort(t) }
	d := s.start(t, "--addr", port(), "--aws-addr", port(), "--console-addr", port())
	p := s.open(t, d.ready.ConsoleURL, "/")
	p.allow("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE")
	p.has(`#live[data-state=live]`)
	d.Stop()
	p.has(`#live[data-state=lost]`)
	host := func(address string) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		return u.Host
	}
	again := s.startIn(t, d.env, "--addr", host(d.ready.WebhookURL), "--aws-addr", host(d.ready.EndpointURL),
		"--console-addr", host(d.ready.ConsoleURL))
	p.has(`#live[data-state=live]`)
	p.until("the page says that it is a new run", `document.body.innerText.toLowerCase().includes("new run")`)
	id := again.apply(t, message{sample: "user.created"})
	p.has(fmt.Sprintf(`#messages [data-svix-id=%q]`, id))
}
