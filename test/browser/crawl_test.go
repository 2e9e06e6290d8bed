package browser_test

import (
	"bufio"
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// everything is the answer of every page and every route of the API that can be asked by GET, by its path: the pages,
// whatever they lead to, and what the API answers for each message and row.
func (d *dev) everything(tb testing.TB) map[string]string {
	tb.Helper()
	answers := map[string]string{}
	todo := append(pages(), "/directory?deleted=1", "/api/v1/info", "/api/v1/messages", "/api/v1/rows?deleted=1",
		"/api/v1/dead-letters", "/api/v1/counts", "/api/v1/faults")
	links := regexp.MustCompile(`(?:href|src|hx-get|data-href)="([^"]+)"`)
	ids := regexp.MustCompile(`"svix_id":\s*"([^"]+)"`)
	for len(todo) > 0 && len(answers) < 500 {
		path := todo[0]
		todo = todo[1:]
		if _, seen := answers[path]; seen {
			continue
		}
		status, body := d.get(tb, path)
		text := string(body)
		answers[path] = text
		if status == http.StatusNotFound && strings.HasSuffix(path, "/body") {
			continue // of an ignored event no body is kept
		}
		if status != http.StatusOK {
			tb.Errorf("GET %s = %d", path, status)
			continue
		}
		for _, m := range ids.FindAllStringSubmatch(text, -1) {
			id := url.PathEscape(m[1])
			todo = append(todo, "/api/v1/messages/"+id, "/api/v1/messages/"+id+"/body")
		}
		for _, m := range links.FindAllStringSubmatch(text, -1) {
			link := html.UnescapeString(m[1])
			if u, err := url.Parse(link); err == nil && u.Host == "" && strings.HasPrefix(u.Path, "/") {
				u.Fragment = ""
				todo = append(todo, u.String())
			}
		}
	}
	return answers
}

// wantNowhere fails for each answer that holds one of the texts.
func wantNowhere(tb testing.TB, answers map[string]string, texts ...string) {
	tb.Helper()
	if len(answers) < 20 {
		tb.Errorf("only %d answers were looked at", len(answers))
	}
	for path, body := range answers {
		for _, text := range texts {
			if strings.Contains(body, text) {
				tb.Errorf("GET %s holds %q", path, text)
			}
		}
	}
}

// stream reads the events of a while, as server-sent events or as lines, up to the line that holds last, or for a
// second more where there is no last.
func (d *dev) stream(tb testing.TB, accept string, during func(), last ...string) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, d.ready.ConsoleURL+"/api/v1/events", http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	q.Header.Set("Accept", accept)
	answer, err := (&http.Client{}).Do(q)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		tb.Fatalf("GET events = %d", answer.StatusCode)
	}
	during()
	if len(last) == 0 {
		time.AfterFunc(time.Second, cancel) // what is under way arrives
	}
	var text strings.Builder
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); { // it ends by cancel, if not by the last line
		text.WriteString(lines.Text() + "\n")
		if len(last) > 0 && strings.Contains(lines.Text(), last[0]) {
			break
		}
	}
	return text.String()
}

func (s *suite) testIgnored(t *testing.T) {
	d := s.start(t)
	const code = "zebra-739142"
	var ids []string
	send := func() {
		id, _ := d.post(t, message{sample: "session.created"})
		ids = append(ids, id)
		id, _ = d.post(t, message{sample: "email.created", set: map[string]any{
			"data.data.otp_code": code, "data.body": "Your code: " + code, "data.body_plain": "Your code: " + code,
		}})
		ids = append(ids, id)
	}
	answers := map[string]string{"events": d.stream(t, "text/event-stream", send)}
	answers["events as lines"] = d.stream(t, "application/x-ndjson", send)
	for path, text := range d.everything(t) {
		answers[path] = text
	}
	wantNowhere(t, answers, code)
	p := s.open(t, d.ready.ConsoleURL, "/")
	for _, id := range ids {
		d.outcome(t, id, "ignored")
		p.has(`#messages [data-svix-id="` + id + `"][data-outcome=ignored]`)
	}
	p = s.detail(t, d, ids[1])
	if text := p.text("#detail"); !strings.Contains(text, "email.created") || strings.Contains(text, code) {
		t.Errorf("the page says %q, want the type and nothing of the body", text)
	}
}

// The hostile texts would run, or leave the attribute that they stand in, if any page forgot to escape them.
func (s *suite) testHostile(t *testing.T) {
	d := s.start(t)
	const image, script = `<img src=x onerror=window.hacked=1>`, `"><script>window.hacked=1</script>`
	id := d.apply(t, message{sample: "user.created", set: map[string]any{
		"data.first_name": image, "data.last_name": script, "data.username": `'"</textarea>` + script,
		"data.public_metadata": map[string]any{script: image},
	}})
	shown := 0
	p := s.open(t, d.ready.ConsoleURL, "")
	for path := range d.everything(t) {
		if strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/static/") {
			continue
		}
		p.to(path)
		if eval[bool](p, `"hacked" in window || !!document.querySelector("img[src=x]")`) {
			t.Errorf("%s runs what a name holds", path)
		}
		if eval[bool](p, `document.body.innerText.includes(%q)`, image) {
			shown++
		}
	}
	if shown == 0 {
		t.Errorf("no page shows the name of message %s as text", id)
	}
}

func (s *suite) testInvitation(t *testing.T) {
	d := s.start(t)
	const ticket = "TICKET-giraffe-5521"
	link := "https://accounts.lumenoak.example/v1/tickets/accept?ticket=" + ticket
	send := func() {
		d.apply(t, message{sample: "organization.created"})
		d.apply(t, message{sample: "organizationInvitation.created", set: map[string]any{"data.url": link}})
	}
	answers := map[string]string{"events": d.stream(t, "text/event-stream", send)}
	for path, text := range d.everything(t) {
		answers[path] = text
	}
	wantNowhere(t, answers, ticket)
}

func (s *suite) testSecret(t *testing.T) {
	const given = "whsec_Z2l2ZW4tc2VjcmV0LW9mLWEtdGVzdC0wMDAwMDAwMQ=="
	for name, flags := range map[string][]string{"kept": nil, "given": {"--secret", given}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := s.start(t, flags...)
			if name == "given" {
				d.ready.Secret = given
			}
			send := func() {
				d.founded(t)
				d.post(t, message{sample: "user.deleted", tamper: true})
				d.apply(t, message{sample: "user.updated", set: map[string]any{"data.updated_at": -5}})
			}
			answers := map[string]string{"events": d.stream(t, "text/event-stream", send)}
			for path, text := range d.everything(t) {
				answers[path] = text
			}
			_, body := d.ask(t, http.MethodPost, d.ready.ConsoleURL+"/api/v1/send", `{"sample":"user.created"}`,
				map[string]string{"Content-Type": "application/json"})
			answers["POST send"] = string(body)
			_, body = d.ask(t, http.MethodGet, d.ready.EndpointURL+"/", "", nil)
			answers["AWS endpoint"] = string(body)
			wantNowhere(t, answers, d.ready.Secret, strings.TrimPrefix(d.ready.Secret, "whsec_"))
		})
	}
}
