package clerkapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

const key = "sk_test_0123456789abcdefghijklmnop"

// server answers requests in memory, so that a test may run by a clock of its own.
type server func(w http.ResponseWriter, r *http.Request)

func (s server) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	s(w, r)
	if err := r.Context().Err(); err != nil { // the handler took too long
		return nil, err
	}
	return w.Result(), nil
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

func refusal(code, longMessage string) string {
	return fmt.Sprintf(`{"errors":[{"message":"m","long_message":%q,"code":%q}],"clerk_trace_id":"trace_1"}`,
		longMessage, code)
}

func newClient(t *testing.T, s server, change ...func(*clerkapi.Options)) *clerkapi.Client {
	t.Helper()
	o := clerkapi.Options{Key: key, Rate: 1000, Transport: s}
	for _, f := range change {
		f(&o)
	}
	c, err := clerkapi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func user(id string) clerkapi.Ref { return clerkapi.Ref{Kind: directory.KindUser, ID: id} }

func TestRequestHasKeyAndVersion(t *testing.T) {
	t.Parallel()
	var got *http.Request
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		answer(w, 200, `{"id":"user_1"}`)
	}, func(o *clerkapi.Options) { o.Key, o.UserAgent = key+"\n", "clerksync/1" })
	o, _, err := c.Get(t.Context(), user("user_1"))
	if err != nil || o.String() != `{"id":"user_1"}` {
		t.Fatalf("Get = %s, %v", o, err)
	}
	if u := got.URL.String(); u != "https://api.clerk.com/v1/users/user_1" {
		t.Errorf("URL = %s", u)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer " + key, "Clerk-API-Version": "2026-05-12", "User-Agent": "clerksync/1",
	} {
		if h := got.Header.Get(name); h != want {
			t.Errorf("header %s = %q, want %q", name, h, want)
		}
	}
}

// Numbers, escapes, white space and members that no one knows come through as Clerk wrote them.
func TestTextOfEveryObjectIsKept(t *testing.T) {
	t.Parallel()
	const object = `{ "id":"user_1", "big":12345678901234567890.10, "esc":"\u00e9\/", ` +
		`"new_in_2027":{"a":[1e2]}, "created_at":1}`
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, "["+object+"]") })
	for page, err := range c.Pages(t.Context(), directory.KindUser, clerkapi.Position{}) {
		if err != nil || len(page.Objects) != 1 || page.Objects[0].String() != object {
			t.Errorf("page = %v, %v, want the one object %s", page.Objects, err, object)
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		url string
		ok  bool
	}{
		"none":                {url: "", ok: true},
		"https":               {url: "https://clerk.example/v1/", ok: true},
		"http loopback":       {url: "http://127.0.0.1:4568/v1", ok: true},
		"http IPv6":           {url: "http://[::1]:4568/v1", ok: true},
		"http localhost":      {url: "http://localhost:4568", ok: true},
		"http elsewhere":      {url: "http://clerk.example/v1"},
		"http private":        {url: "http://10.0.0.1/v1"},
		"localhost in a name": {url: "http://localhost.example/v1"},
		"credentials":         {url: "https://user:" + key + "@clerk.example"},
		"other scheme":        {url: "file:///etc/passwd"},
		"no URL":              {url: "api.clerk.com"},
		"query":               {url: "https://clerk.example/?a=b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := clerkapi.New(clerkapi.Options{URL: row.url, Key: key})
			if (err == nil) != row.ok {
				t.Errorf("New(%s) = %v, want ok %t", row.url, err, row.ok)
			}
			if err != nil && strings.Contains(err.Error(), key) {
				t.Errorf("the error quotes the key: %v", err)
			}
		})
	}
}

func TestKeyMustBeOne(t *testing.T) {
	t.Parallel()
	for name, k := range map[string]string{
		"empty": "", "white space": " \n", "two": "sk_test_a sk_test_b", "é": "sk_é",
	} {
		if _, err := clerkapi.New(clerkapi.Options{Key: k}); err == nil {
			t.Errorf("%s: New = nil, want an error", name)
		} else if strings.TrimSpace(k) != "" && strings.Contains(err.Error(), k) {
			t.Errorf("%s: the error quotes the key", name)
		}
	}
}

// The read begins before the request that brought the answer, not before one that failed.
func TestReadHasBothClocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, requests := time.Now(), 0
		c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
			if requests++; requests == 1 {
				answer(w, 500, "")
				return
			}
			time.Sleep(3 * time.Second)
			w.Header().Set("Date", start.Add(-time.Minute).UTC().Format(http.TimeFormat))
			answer(w, 200, `{"id":"user_1"}`)
		})
		_, read, err := c.Get(t.Context(), user("user_1"))
		if err != nil || !read.Began.Equal(start.Add(250*time.Millisecond)) {
			t.Errorf("Began = %v, %v, want the start of the second attempt", read.Began.Sub(start), err)
		}
		want := start.Add(-time.Minute).Truncate(time.Second)
		if !read.Date.Equal(want) || read.Earliest() != read.Date {
			t.Errorf("Date = %v, Earliest = %v, want %v", read.Date, read.Earliest(), want)
		}
	})
}

// Trap 2 of Clerk's API: with a clock that is wrong an old read would win against a newer event.
func TestClocksMustAgreeWithinFiveMinutes(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		skew time.Duration
		ok   bool
	}{
		"together":     {ok: true},
		"4:59 ahead":   {skew: 299 * time.Second, ok: true},
		"4:59 behind":  {skew: -299 * time.Second, ok: true},
		"5:02 ahead":   {skew: 302 * time.Second},
		"5:02 behind":  {skew: -302 * time.Second},
		"hours ahead":  {skew: 5 * time.Hour},
		"hours behind": {skew: -5 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
					answer(w, 200, `{"id":"ins_1","environment_type":"production"}`)
				}, func(o *clerkapi.Options) {
					o.Now = func() time.Time { return time.Now().Add(row.skew) }
				})
				_, err := c.Instance(t.Context())
				if e, isClock := errors.AsType[*clerkapi.ClockError](err); (err == nil) != row.ok || isClock == row.ok {
					t.Errorf("Instance = %v (%v), want ok %t or a ClockError", err, e, row.ok)
				}
			})
		})
	}
}

func TestIDsAreEscapedInPaths(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.EscapedPath(); got != "/v1/users/a%2Fb%3Fc" {
			t.Errorf("path = %s", got)
		}
		answer(w, 200, `{"id":"a/b?c"}`)
	})
	if _, _, err := c.Get(t.Context(), user("a/b?c")); err != nil {
		t.Error(err)
	}
}
