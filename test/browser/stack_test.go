package browser_test

import (
	"net/http"
	"net/http/cookiejar"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/clerksync/clerksync/test/program"
)

// deployed starts `clerksync console` over the tables of a dev, as it is started over those of a stack, and returns the
// URL that it prints.
func (d *dev) deployed(tb testing.TB, flags ...string) (base, query string) {
	tb.Helper()
	args := append([]string{
		d.s.bin + "/clerksync", "console", "--json", "--addr", "127.0.0.1:0", "--endpoint-url", d.ready.EndpointURL,
	}, flags...)
	p := program.Command{Args: args, Env: d.env}.Launch(tb)
	var found []string
	program.WaitUntil(tb, 30*time.Second, "the console is ready", func() bool {
		text, err := os.ReadFile(p.Output)
		found = regexp.MustCompile(`"console_url":"(http://[^/"]+)/(\?token=[^"]+)"`).FindStringSubmatch(string(text))
		return err == nil && found != nil
	})
	return found[1], found[2]
}

// testDeployed wants nothing without the token, no route that changes something without --write, and dead letters that
// nobody has received by opening a page.
func (s *suite) testDeployed(t *testing.T) {
	d := s.start(t)
	id := d.apply(t, message{sample: "user.created", set: map[string]any{"data.updated_at": -5}})
	d.outcome(t, id, "dead")
	base, query := d.deployed(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	with, without := &http.Client{Jar: jar}, &http.Client{}
	ask := func(c *http.Client, method, path string) int {
		q, err := http.NewRequestWithContext(t.Context(), method, base+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := c.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	if got := ask(with, http.MethodGet, "/"+query); got != http.StatusOK {
		t.Errorf("the printed URL = %d, want 200", got)
	}
	for _, path := range []string{"/", "/directory", "/dead-letters", "/order", "/doctor", "/api/v1/rows?q=" + jonah} {
		if got := ask(without, http.MethodGet, path); got != http.StatusUnauthorized {
			t.Errorf("GET %s without token = %d, want 401", path, got)
		}
		if got := ask(with, http.MethodGet, path); got != http.StatusOK {
			t.Errorf("GET %s = %d, want 200", path, got)
		}
	}
	for path, method := range map[string]string{
		"/dead-letters/redrive": http.MethodPost, "/api/v1/dead-letters/redrive": http.MethodPost,
		"/api/v1/dead-letters/" + id: http.MethodDelete, "/api/v1/send": http.MethodPost, "/send": http.MethodPost,
	} {
		if got := ask(with, method, path); got != http.StatusNotFound {
			t.Errorf("read only: %s %s = %d, want 404", method, path, got)
		}
	}
	// dlq ls of this dev would count a receive itself, so the queue is asked how many are taken.
	body := d.run(t, "clerksync status --json --endpoint-url "+d.ready.EndpointURL)
	if !strings.Contains(body, `"dead_letters":1`) {
		t.Errorf("status = %s, want the dead letter where it was", body)
	}
}

// TestDeployedLook opens the pages over a deployment in both themes and at two widths: nothing is broken, nothing
// scrolls sideways, and axe-core finds no violation.
func TestDeployedLook(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	d := s.start(t)
	d.founded(t)
	base, query := d.deployed(t)
	axe := axeSource(t)
	for theme, width := range map[string]int64{"light": 1280, "dark": 375} {
		p := s.open(t, base, "/"+query)
		p.theme(theme)
		p.do(chromedp.EmulateViewport(width, 900))
		for _, path := range []string{
			"/directory?q=" + jonah, userPath(jonah), "/dead-letters", "/order", "/doctor",
		} {
			p.to(path)
			p.has("#production")
			p.wantNoSideways(path)
			p.wantNoViolation(path, axe)
		}
		p.press("Examine this deployment")
		p.has("#verdicts")
		p.wantNoSideways("doctor")
		p.wantNoViolation("doctor", axe)
	}
}
