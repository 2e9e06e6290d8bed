package console_test

import (
	"context"
	"fmt"
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
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/order"
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
		Deployment: d, Write: write, Order: order.New(testStorage(), time.Minute),
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
