package console_test

import (
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
	ask := func(path, cookie string) reply {
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
		return reply{resp.StatusCode, resp.Header}
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
	const same = "/evil.example/directory?q=ada"
	if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || to != same {
		t.Errorf("with the token = %d to %q, want the same page here without it", resp.StatusCode, to)
	}
	cookies := (&http.Response{Header: resp.Header}).Cookies()
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
		t.Errorf("after all pages were opened: %+v, %v, want one that is received for the first time", out, err)
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
