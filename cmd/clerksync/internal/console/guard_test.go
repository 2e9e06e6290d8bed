package console_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
)

// start serves a console for a test.
func start(t *testing.T) *console.Console {
	t.Helper()
	c, err := console.Start(t.Context(), console.Options{
		Addr:       "127.0.0.1:0",
		Deployment: &deployment.Deployment{},
		Dev: &console.Dev{Describe: func() deployment.Ready {
			return deployment.Ready{Event: deployment.ReadyEvent, WebhookURL: "http://127.0.0.1:3000/webhooks/clerk"}
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// request is what a test asks of a console. Empty members are left out.
type request struct {
	method, path, host, origin, site, mode, dest, body string

	form   string // of a form, instead of body
	target string // the element that htmx would replace
}

// reply is an answer without its body.
type reply struct {
	StatusCode int
	Header     http.Header
}

// ask sends a request and returns the answer with its body.
func ask(tb testing.TB, c *console.Console, q request) (reply, string) {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), q.method, c.URL+q.path, strings.NewReader(q.body+q.form))
	if err != nil {
		tb.Fatal(err)
	}
	r.Host = q.host
	for name, value := range map[string]string{
		"Origin": q.origin, "Sec-Fetch-Site": q.site, "Sec-Fetch-Mode": q.mode, "Sec-Fetch-Dest": q.dest,
	} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	if q.form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if q.target != "" {
		r.Header.Set("HX-Request", "true")
		r.Header.Set("HX-Target", q.target)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header}, string(body)
}

// Each rule about who may ask.
func TestGuard(t *testing.T) {
	t.Parallel()
	c := start(t)
	const info, page = "/api/v1/info", "/nowhere"
	const navigate, document = "navigate", "document"
	const get, post = http.MethodGet, http.MethodPost
	for name, row := range map[string]struct {
		request
		want int
	}{
		"a script of this machine": {request: request{method: get, path: info}, want: 200},
		"localhost":                {request: request{method: get, path: info, host: "localhost:9"}, want: 200},
		"a name under localhost":   {request: request{method: get, path: info, host: "console.localhost"}, want: 200},
		"IPv6":                     {request: request{method: get, path: info, host: "[::1]:4567"}, want: 200},
		"another address":          {request: request{method: get, path: info, host: "192.168.1.7:4567"}, want: 403},
		"a rebound name":           {request: request{method: get, path: info, host: "evil.example"}, want: 403},
		"a name without a dot":     {request: request{method: get, path: info, host: "console"}, want: 403},
		"Docker's name of the host": {
			request: request{method: get, path: info, host: "host.docker.internal"},
			want:    403,
		},
		"a rebound name, same": {
			request: request{method: get, path: info, host: "evil.example", site: "same-origin"},
			want:    403,
		},
		"typed into the address bar": {request: request{method: get, path: page, site: "none"}, want: 404},
		"the page itself":            {request: request{method: get, path: info, site: "same-origin"}, want: 200},
		"another port's script":      {request: request{method: get, path: info, site: "same-site"}, want: 403},
		"another site's script":      {request: request{method: get, path: info, site: "cross-site"}, want: 403},
		"another site's link": {
			request: request{method: get, path: page, site: "cross-site", mode: navigate, dest: document}, want: 404,
		},
		"another site's link to the API": {
			request: request{method: get, path: info, site: "cross-site", mode: navigate, dest: document}, want: 403,
		},
		"another site's frame": {
			request: request{method: get, path: page, site: "cross-site", mode: navigate, dest: "iframe"}, want: 403,
		},
		"another site's form": {
			request: request{method: post, path: page, site: "cross-site", mode: navigate, dest: document}, want: 403,
		},
		"another port's form": {request: request{method: post, path: page, site: "same-site"}, want: 403},
		"a foreign origin": {
			request: request{method: post, path: page, origin: "https://evil.example"},
			want:    403,
		},
		"the origin null": {request: request{method: post, path: page, origin: "null"}, want: 403},
		"another port's origin": {
			request: request{method: post, path: page, origin: "http://127.0.0.1:9"},
			want:    403,
		},
		"the page's own form": {
			request: request{method: post, path: page, origin: "null", site: "same-origin"},
			want:    404,
		},
		"a script's POST":           {request: request{method: post, path: page}, want: 404},
		"what a page asks before":   {request: request{method: http.MethodOptions, path: info}, want: 405},
		"a POST to what only reads": {request: request{method: post, path: info}, want: 405},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, _ := ask(t, c, row.request)
			if resp.StatusCode != row.want {
				t.Errorf("%+v = %d, want %d", row.request, resp.StatusCode, row.want)
			}
			for header := range resp.Header {
				if strings.HasPrefix(header, "Access-Control-") {
					t.Errorf("%+v has the header %s", row.request, header)
				}
			}
			for header, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
				"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
				"Vary": "HX-Request",
				"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; " +
					"img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; " +
					"frame-ancestors 'none'",
			} {
				if got := resp.Header.Get(header); got != want {
					t.Errorf("%+v: %s = %q, want %q", row.request, header, got, want)
				}
			}
		})
	}
}

// A console listens where nobody else can reach it, or not at all.
func TestStartOnLoopbackAlone(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.168.1.7:0", "[::]:0", "evil.example:0", "nowhere"} {
		c, err := console.Start(t.Context(), console.Options{Addr: addr, Deployment: &deployment.Deployment{}})
		if err == nil {
			c.Close()
			t.Errorf("a console listens on %s", addr)
		}
	}
}

// The default port may be another console's; a port that was asked for is taken or
// it is an error.
func TestStartWhereThePortIsTaken(t *testing.T) {
	t.Parallel()
	o := console.Options{
		Addr: strings.TrimPrefix(start(t).URL, "http://"), Deployment: &deployment.Deployment{},
	}
	if c, err := console.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), o.Addr) {
		c.Close()
		t.Errorf("Start on a port that is taken = %v, want an error that names it", err)
	}
	o.AnyPort = true
	c, err := console.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
