package console_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
)

// Every page says in red which production this is.
func TestStackSaysWhatItIs(t *testing.T) {
	w := newStackWorld(t, false)
	const want = "production: stack mirror, account 000000000000, region us-east-1, read only"
	for _, path := range []string{"/", "/directory", "/dead-letters", "/traffic", "/doctor"} {
		bar := inside(w.get(path), "production", "aside")
		if !strings.Contains(bar, want) || !strings.Contains(bar, "bad") {
			t.Errorf("%s: bar = %q, want %q in red", path, bar, want)
		}
	}
	for path, live := range map[string]bool{
		"/": true, "/messages/msg_1": true, "/directory": false, "/traffic": false,
	} {
		if _, page := w.ask(http.MethodGet, path); strings.Contains(page, `id="live"`) != live {
			t.Errorf("%s hears of what is new: %v, want %v, for the log is paid for", path, !live, live)
		}
	}
	for _, absent := range []string{`href="/send"`, `action="/clear"`} {
		if strings.Contains(w.get("/"), absent) {
			t.Errorf("the page shows what a stack cannot do: %s", absent)
		}
	}
}

// Doctor's checks run by a button. They send nothing and never ask for a parameter:
// the signing secret is none of this page's affair.
func TestStackDoctorReadsNoParameter(t *testing.T) {
	w := newStackWorld(t, false)
	rest := w.Account.Rest
	w.Account.Rest = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AmazonSSM") {
			t.Errorf("the console asks SSM: %s", r.Header.Get("X-Amz-Target"))
		}
		rest.ServeHTTP(rw, r)
	})
	w.Webhook = func(http.ResponseWriter, *http.Request) { t.Error("the console sends to the webhook") }
	if before := w.get("/doctor"); strings.Contains(before, "data-check") {
		t.Error("the checks run before they are asked for")
	}
	status, body := w.ask(http.MethodPost, "/doctor")
	checks := attributes(body, "data-check")
	if status != http.StatusOK || len(checks) < 10 {
		t.Errorf("doctor = %d with the checks %v, want all of them", status, checks)
	}
	if statuses := strings.Join(attributes(body, "data-status"), " "); !strings.Contains(statuses, "pass") {
		t.Errorf("doctor = %s, want some to pass", statuses)
	}
}

// Traffic is the last hour of the metrics, and the alarms.
func TestStackTraffic(t *testing.T) {
	w := newStackWorld(t, false)
	w.Account.Count("Applied", deploymenttest.SyncFunction, 10*time.Minute, 7)
	w.Account.Count("Rejected", deploymenttest.IngestFunction, 5*time.Minute, 2)
	w.Account.Alarms = map[string]string{"mirror-lag": "ALARM", "mirror-dead": "OK"}
	page := w.get("/traffic")
	for _, want := range []string{
		"● applied</span> 7", "✕ rejected</span> 2", "Most: 7", "0 on the queue",
		`data-alarm="mirror-lag" data-state="ALARM"`, "what mirror-lag says",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("traffic has no %q:\n%s", want, page)
		}
	}
}

// Where tables alone are named there are no logs and no metrics, and nothing speaks
// of them.
func TestConsoleOfTablesAlone(t *testing.T) {
	s := deploymenttest.New(t)
	c := startConsole(t, console.Options{
		Deployment: deployment.OfPipeline(s.Pipeline), Stack: &console.Stack{Token: "t"},
	})
	jar, _ := cookiejar.New(nil)
	resp, err := (&http.Client{Jar: jar}).Get(c.LoginURL())
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.Request.URL.Path != "/directory" {
		t.Errorf("the console begins at %s, %v, want the directory", resp.Request.URL, err)
	}
	for _, absent := range []string{`href="/"`, `href="/traffic"`, `id="live"`} {
		if strings.Contains(string(body), absent) {
			t.Errorf("the console of tables has %s", absent)
		}
	}
}
