package console_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/doctor"
)

// stackWorld is the console of a deployed stack, and a browser that has opened the
// printed URL.
type stackWorld struct {
	*deploymenttest.Stack
	t       *testing.T
	console *console.Console
	client  *http.Client
}

// logEvery is how often a page's log is read here.
const logEvery = 300 * time.Millisecond

func newStackWorld(t *testing.T, write bool) *stackWorld {
	t.Helper()
	s := deploymenttest.New(t)
	s.UseAsAWS()
	d, err := deployment.Open(t.Context(), os.Getenv, s.Names())
	if err != nil {
		t.Fatal(err)
	}
	c := startConsole(t, console.Options{
		Deployment: d, Write: write,
		Stack: &console.Stack{
			Token: console.NewToken(), Account: "000000000000", Region: "us-east-1", LogEvery: logEvery,
			Examine: func(ctx context.Context, report func(doctor.Verdict)) error {
				return doctor.Examine(ctx, doctor.Options{
					Names: s.Names(), Getenv: os.Getenv, Now: time.Now, NoSend: true, NoParameters: true,
				}, report)
			},
		},
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &stackWorld{Stack: s, t: t, console: c, client: &http.Client{Jar: jar}}
	if status, body := w.ask(http.MethodGet, strings.TrimPrefix(c.LoginURL(), c.URL)); status != http.StatusOK {
		t.Fatalf("the printed URL = %d: %s", status, body)
	}
	return w
}

func (w *stackWorld) ask(method, path string) (status int, body string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.console.URL+path, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode, readAll(w.t, resp.Body)
}

func (w *stackWorld) get(path string) string {
	w.t.Helper()
	status, body := w.ask(http.MethodGet, path)
	if status != http.StatusOK {
		w.t.Errorf("GET %s = %d: %s", path, status, body)
	}
	return body
}

// log adds a line as the functions write it.
func (w *stackWorld) log(function string, ago time.Duration, format string, args ...any) {
	at := time.Now().Add(-ago)
	w.Account.AddLog(function, at, fmt.Sprintf(`{"timestamp":%q,`, at.UTC().Format(time.RFC3339Nano))+
		fmt.Sprintf(format, args...)+"}")
}

// Nobody sees anything without the token: not a page, not a style sheet, not an
// error. With it there is a cookie for this port alone, which no script reads and no
// other site sends, and the token is gone from the address.
func TestStackNeedsItsToken(t *testing.T) {
	w := newStackWorld(t, true)
	u, err := url.Parse(w.console.LoginURL())
	if err != nil {
		t.Fatal(err)
	}
	token := u.Query().Get("token")
	if len(token) < 43 { // 32 bytes in base64
		t.Errorf("token %q, want 32 random bytes", token)
	}
	ask := func(path, cookie string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.console.URL+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		resp, err := (&http.Client{CheckRedirect: stay}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp
	}
	name := "clerksync_" + u.Port()
	for what, c := range map[string]struct {
		path, cookie string
		want         int
	}{
		"no token":            {path: "/", want: 401},
		"no page":             {path: "/nowhere", want: 401},
		"no style":            {path: "/static/app.css", want: 401},
		"no API":              {path: "/api/v1/messages", want: 401},
		"a wrong token":       {path: "/?token=" + strings.Repeat("A", len(token)), want: 401},
		"an empty token":      {path: "/?token=", want: 401},
		"a wrong cookie":      {path: "/directory", cookie: name + "=x", want: 401},
		"another port's":      {path: "/directory", cookie: "clerksync_1=" + token, want: 401},
		"the cookie":          {path: "/directory", cookie: name + "=" + token, want: 200},
		"among other cookies": {path: "/directory", cookie: name + "=x; " + name + "=" + token, want: 200},
	} {
		if resp := ask(c.path, c.cookie); resp.StatusCode != c.want {
			t.Errorf("%s: GET %s = %d, want %d", what, c.path, resp.StatusCode, c.want)
		}
	}
	resp := ask("//evil.example/directory?q=ada&token="+token, "")
	if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || to != "/evil.example/directory?q=ada" {
		t.Errorf("with the token = %d to %q, want the same page here without it", resp.StatusCode, to)
	}
	cookies := resp.Cookies()
	if len(cookies) != 1 || cookies[0].Name != name || !cookies[0].HttpOnly ||
		cookies[0].SameSite != http.SameSiteStrictMode {
		t.Errorf("cookies = %v, want one of %s, HttpOnly and SameSite=Strict", cookies, name)
	}
}

// Without --write nothing that changes something has a route. Opening every page
// receives no dead letter: their counts stay, and so does the alarm's metric.
func TestStackIsReadOnly(t *testing.T) {
	changes := []struct{ method, path string }{
		{http.MethodPost, "/dead-letters/redrive"},
		{http.MethodPost, "/dead-letters/msg_1/drop"},
		{http.MethodPost, "/api/v1/dead-letters/redrive"},
		{http.MethodPost, "/api/v1/dead-letters/msg_1/redrive"},
		{http.MethodDelete, "/api/v1/dead-letters/msg_1"},
		{http.MethodPost, "/send"},
		{http.MethodPost, "/api/v1/send"},
		{http.MethodPost, "/api/v1/preview"},
		{http.MethodPost, "/api/v1/reset"},
		{http.MethodPost, "/api/v1/messages/msg_1/resend"},
		{http.MethodPost, "/clear"},
		{http.MethodPut, "/api/v1/faults"},
	}
	w := newStackWorld(t, false)
	for _, c := range changes {
		if status, _ := w.ask(c.method, c.path); status != http.StatusNotFound {
			t.Errorf("read only: %s %s = %d, want 404", c.method, c.path, status)
		}
	}
	w.PutDeadLetter()
	for _, path := range []string{"/", "/directory", "/dead-letters", "/traffic", "/doctor", "/messages/msg_2b3C"} {
		if _, body := w.ask(http.MethodGet, path); strings.Contains(body, "Redrive</button>") {
			t.Errorf("%s offers a redrive", path)
		}
	}
	out, err := w.Pipeline.SQS.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &w.Pipeline.DeadLetterQueueURL,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameApproximateReceiveCount,
		},
	})
	if err != nil || len(out.Messages) != 1 || out.Messages[0].Attributes["ApproximateReceiveCount"] != "1" {
		t.Errorf("after all pages were opened: %+v, %v, want a dead letter that is received for the first time", out, err)
	}
	writing := newStackWorld(t, true)
	for _, c := range changes[:5] {
		status, _ := writing.ask(c.method, c.path)
		if _, body := writing.ask(c.method, c.path); status == http.StatusNotFound &&
			strings.Contains(body, "there is no such page") {
			t.Errorf("with --write: %s %s has no route", c.method, c.path)
		}
	}
}

// Every page says in red which production this is.
func TestStackSaysWhatItIs(t *testing.T) {
	w := newStackWorld(t, false)
	const want = "production: stack mirror, account 000000000000, region us-east-1, read only"
	for _, path := range []string{"/", "/directory", "/dead-letters", "/traffic", "/doctor"} {
		if bar := inside(w.get(path), "production", "p"); !strings.Contains(bar, want) || !strings.Contains(bar, "bad") {
			t.Errorf("%s: bar = %q, want %q in red", path, bar, want)
		}
	}
	for _, absent := range []string{`href="/send"`, `action="/clear"`} {
		if strings.Contains(w.get("/"), absent) {
			t.Errorf("the page shows what a stack cannot do: %s", absent)
		}
	}
}

// Messages are made of the functions' own lines: stages, outcome, attempts. The first
// outcome stays, and a rejected request claims no id.
func TestStackMessagesAreThoseOfTheLog(t *testing.T) {
	const ingest, sync = deploymenttest.IngestFunction, deploymenttest.SyncFunction
	w := newStackWorld(t, false)
	queued := func(id string, ago time.Duration) {
		w.log(ingest, ago, `"level":"INFO","message":"request","stage":"queued","svix_id":%q,"event_type":"user.updated"`, id)
	}
	ended := func(id, outcome string, attempt int, ago time.Duration) {
		w.log(sync, ago, `"level":"INFO","message":"message","svix_id":%q,"event_type":"user.updated",`+
			`"entity":"user/user_a","outcome":%q,"attempt":%d`, id, outcome, attempt)
	}
	w.log(ingest, time.Minute, `"level":"DEBUG","message":"request","stage":"rejected","reason":"invalid_signature","svix_id":"msg_a"`)
	queued("msg_a", 50*time.Second)
	ended("msg_a", "failed", 1, 49*time.Second)
	ended("msg_a", "applied", 2, 20*time.Second)
	queued("msg_a", 10*time.Second)
	ended("msg_a", "duplicate", 1, 9*time.Second)
	queued("msg_b", 8*time.Second)
	ended("msg_b", "stale", 1, 7*time.Second)
	queued("msg_c", 6*time.Second)
	w.log(sync, 5*time.Second, `"level":"WARN","message":"a call failed","operation":"x"`)
	waitForLog(w)
	page := w.get("/")
	got := map[string]string{}
	ids, outcomes := attributes(inside(page, "messages", "ul"), "data-svix-id"), attributes(page, "data-outcome")
	for i, id := range ids {
		got[id] = outcomes[i]
	}
	for id, want := range map[string]string{"msg_a": "applied", "msg_b": "stale", "msg_c": "queued"} {
		if got[id] != want {
			t.Errorf("%s is %q, want %q; all: %v", id, got[id], want, got)
		}
	}
	if len(got) != 4 || ids[0] != "msg_c" {
		t.Errorf("messages = %v, want these three and the rejected request, the newest first", ids)
	}
	steps := strings.Join(attributes(inside(w.get("/messages/msg_a"), "path", "ol"), "data-stage"), " ")
	if want := "received verified queued attempt failed attempt applied received verified queued attempt duplicate"; steps != want {
		t.Errorf("path of msg_a = %s, want %s", steps, want)
	}
	if page := w.get("/?outcome=stale"); strings.Contains(page, "msg_a") || !strings.Contains(page, "msg_b") {
		t.Error("the filter by outcome does not filter")
	}
	if body := w.get("/api/v1/messages/msg_b"); !strings.Contains(body, `"outcome":"stale"`) {
		t.Errorf("msg_b for scripts = %s", body)
	}
	if status, body := w.ask(http.MethodGet, "/messages/msg_never"); status != http.StatusNotFound ||
		!strings.Contains(body, "Deliveries table") {
		t.Errorf("an unknown message = %d, want 404 that says where was looked", status)
	}
	w.PutRow(w.Pipeline.DeliveriesTable, map[string]string{
		"svix_id": "msg_old", "event_type": "user.created", "entity": "user/user_z", "outcome": "applied",
		"received_at": "2026-01-01T00:00:00.000Z", "processed_at": "2026-01-01T00:00:01.000Z",
	})
	if page := w.get("/messages/msg_old"); !strings.Contains(inside(page, "why", "p"), "no row of user/user_z") {
		t.Errorf("a message that only the Deliveries table has: why = %q", inside(page, "why", "p"))
	}
}

// waitForLog opens the page until the log is read, which is no sooner than logEvery after the
// last time.
func waitForLog(w *stackWorld) {
	w.t.Helper()
	before := w.Account.Filtered.Load()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(logEvery / 3) {
		if w.get("/"); w.Account.Filtered.Load() > before {
			return
		}
	}
	w.t.Fatal("the log is not read within 10 s")
}

// The log is read while a page looks, and not without one: CloudWatch bills it. A
// line that comes meanwhile reaches the page.
func TestStackReadsTheLogWhileAPageLooks(t *testing.T) {
	w := newStackWorld(t, false)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.console.URL+"/api/v1/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan string, 100)
	go func() {
		defer close(events)
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if kind, is := strings.CutPrefix(lines.Text(), "event: "); is {
				events <- kind
			}
		}
	}()
	if got := <-events; got != "hello" {
		t.Errorf("the stream begins with %q, want hello", got)
	}
	w.log(deploymenttest.IngestFunction, 0, `"message":"request","stage":"queued","svix_id":"msg_live","event_type":"user.created"`)
	select {
	case got := <-events:
		if got != "message" {
			t.Errorf("the stream says %q, want message", got)
		}
	case <-time.After(10 * time.Second):
		t.Error("the stream says nothing of a new line within 10 s")
	}
	if !strings.Contains(w.get("/"), "msg_live") {
		t.Error("the page does not show the message of the new line")
	}
	_ = resp.Body.Close()
	time.Sleep(time.Second) // the stream ends
	read := w.Account.Filtered.Load()
	time.Sleep(5 * logEvery)
	if more := w.Account.Filtered.Load() - read; more > 0 {
		t.Errorf("the log was read %d times while no page looked", more)
	}
}

// A permission that is missing is named on the screen that needs it, and the other
// screens work.
func TestStackNamesTheMissingPermission(t *testing.T) {
	w := newStackWorld(t, false)
	for action, path := range map[string]string{
		"logs:FilterLogEvents":      "/",
		"dynamodb:GetItem":          "/directory?q=user_a",
		"dynamodb:Query":            "/directory?q=ada%40example.com",
		"cloudwatch:DescribeAlarms": "/traffic",
		"cloudwatch:GetMetricData":  "/traffic",
	} {
		_, operation, _ := strings.Cut(action, ":")
		w.Account.Denied[operation] = true
		if path == "/" {
			time.Sleep(logEvery)
		}
		_, body := w.ask(http.MethodGet, path)
		if !strings.Contains(body, "The permission "+action+" is missing") {
			t.Errorf("%s without %s does not name it:\n%s", path, action, body)
		}
		if status, _ := w.ask(http.MethodGet, "/doctor"); status != http.StatusOK {
			t.Errorf("without %s other pages = %d, want 200", action, status)
		}
		delete(w.Account.Denied, operation)
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
		"● applied</span> 7", "✕ rejected</span> 2", `data-alarm="mirror-lag" data-state="ALARM"`, "what mirror-lag says",
		"Most: 7", "0 on the queue",
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
	for _, absent := range []string{`href="/"`, `href="/traffic"`} {
		if strings.Contains(string(body), absent) {
			t.Errorf("the console of tables has %s", absent)
		}
	}
}
