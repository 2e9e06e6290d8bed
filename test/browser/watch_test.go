package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/clerksync/clerksync/test/program"
)

// watcher collects what no page of the console may cause: errors on the browser's console, violations of the content
// security policy (the browser logs each of them as an error), requests to other hosts.
type watcher struct {
	mu       sync.Mutex
	problems []string
	allowed  []string // parts of problems that the test causes on purpose
}

func (w *watcher) add(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	problem := fmt.Sprintf(format, args...)
	if !slices.ContainsFunc(w.allowed, func(part string) bool { return strings.Contains(problem, part) }) {
		w.problems = append(w.problems, problem)
	}
}

// allow says which problems are the test's own doing, from now on.
func (w *watcher) allow(parts ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.allowed = append(w.allowed, parts...)
}

func (w *watcher) found() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.problems)
}

// listen is called by the browser's loop, in the order of events.
func (w *watcher) listen(ev any) {
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		w.add("exception: %s", ev.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		switch ev.Type { //nolint:exhaustive // the others are no complaints
		case runtime.ConsoleAPICalledTypeError, runtime.ConsoleAPICalledTypeWarning, runtime.ConsoleAPICalledTypeAssert:
			for _, arg := range ev.Args {
				w.add("console.%s: %s %s", ev.Type, arg.Value, arg.Description)
			}
		}
	case *log.EventEntryAdded:
		if ev.Entry.Level == log.EntryLevelError || ev.Entry.Level == log.EntryLevelWarning {
			w.add("%s: %s %s", ev.Entry.Source, ev.Entry.Text, ev.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(ev.Request.URL)
		own := []string{"127.0.0.1", "localhost"}
		if err != nil || strings.HasPrefix(u.Scheme, "http") && !slices.Contains(own, u.Hostname()) {
			w.add("request to another host: %s", ev.Request.URL)
		}
	}
}

// TestWatcherSees plants what the watcher is for, each during the load of the page.
func TestWatcherSees(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	for name, page := range map[string]struct{ html, want string }{
		"nothing":            {html: `<script src="/quiet.js"></script>`},
		"an inline script":   {html: `<script>1</script>`, want: "Content Security Policy"},
		"an inline style":    {html: `<p style="color:red">x</p>`, want: "Content Security Policy"},
		"an event attribute": {html: `<body onload="1">`, want: "Content Security Policy"},
		"another host":       {html: `<img src="http://elsewhere.example/a.png">`, want: "another host"},
		"an exception":       {html: `<script src="/throws.js"></script>`, want: "exception"},
		"console.error":      {html: `<script src="/complains.js"></script>`, want: "console.error: \"oh\""},
		"a missing file":     {html: `<script src="/missing"></script>`, want: "404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'")
				switch r.URL.Path {
				case "/":
					w.Header().Set("Content-Type", "text/html")
					fmt.Fprint(w, "<!doctype html><title>t</title>", page.html)
				case "/throws.js":
					fmt.Fprint(w, "throw new Error('oh')")
				case "/complains.js":
					fmt.Fprint(w, "console.error('oh')")
				case "/quiet.js", "/favicon.ico":
				default:
					w.WriteHeader(http.StatusNotFound)
				}
			}))
			t.Cleanup(server.Close)
			w := &watcher{}
			ctx, cancel := chromedp.NewContext(s.browser,
				chromedp.WithNewBrowserContext(), chromedp.WithListener(w.listen))
			defer cancel()
			if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/")); err != nil {
				t.Fatal(err)
			}
			if page.want == "" {
				time.Sleep(300 * time.Millisecond)
				if got := w.found(); len(got) > 0 {
					t.Errorf("problems %q, want none", got)
				}
				return
			}
			program.WaitUntil(t, patience, "a problem with "+page.want, func() bool {
				return strings.Contains(strings.Join(w.found(), "\n"), page.want)
			})
		})
	}
}
