package clerkapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Whatever the other side does with the key, and however the client is printed.
func TestSecretKeyIsNeverPrinted(t *testing.T) {
	t.Parallel()
	echo := map[string]server{
		"in code and trace": func(w http.ResponseWriter, r *http.Request) {
			k := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			answer(w, 400, strings.ReplaceAll(refusal(k, k), "trace_1", k))
		},
		"as HTML": func(w http.ResponseWriter, r *http.Request) { answer(w, 400, r.Header.Get("Authorization")) },
		"as a status": func(w http.ResponseWriter, r *http.Request) {
			answer(w, 403, refusal("x", r.Header.Get("Authorization")))
		},
	}
	for name, s := range echo {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, s)
				_, _, err := c.Get(t.Context(), user("user_1"))
				if err == nil {
					t.Fatal("no error")
				}
				if text := fmt.Sprintf("%v %+v %#v %+v %#v", err, err, err, c, c); strings.Contains(text, key) {
					t.Errorf("the key is in %s", text)
				}
			})
		})
	}
	t.Run("a transport's error", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := newClient(t, nil, func(o *clerkapi.Options) {
				o.Transport = failing{errors.New("dial with " + key)}
			})
			if _, _, err := c.Get(t.Context(), user("user_1")); err == nil || strings.Contains(err.Error(), key) {
				t.Errorf("Get = %v, want an error without the key", err)
			}
		})
	})
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// An error's text may be logged, so a query, which names people, is not in it.
func TestErrorsDoNotQuoteQueriesAndMessages(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 422, refusal("form_param_value_invalid", "ada@lumenoak.example is wrong"))
	})
	_, _, err := c.Get(t.Context(), clerkapi.Ref{Kind: directory.KindDomain, ID: "orgdmn_1", Name: "lumenoak.example"})
	const want = "GET /organization_domains: Clerk answered 422 form_param_value_invalid (clerk_trace_id trace_1)"
	if err == nil || err.Error() != want {
		t.Errorf("Get = %v, want %s", err, want)
	}
}

func TestConnectionErrorsDoNotQuoteQueries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, nil, func(o *clerkapi.Options) { o.Transport = failing{errors.New("connection refused")} })
		_, _, err := c.Get(t.Context(), ref(directory.KindDomain))
		const want = "GET /organization_domains: no answer: connection refused (tried for 24s)"
		if err == nil || err.Error() != want {
			t.Errorf("Get = %v, want %s", err, want)
		}
	})
}

// A redirect would carry the key to another host.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	requests := 0
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		requests++
		w.Header().Set("Location", "https://elsewhere.example/v1"+r.URL.Path)
		answer(w, 302, `{}`)
	})
	_, _, err := c.Get(t.Context(), user("user_1"))
	if e, ok := errors.AsType[*clerkapi.APIError](err); !ok || e.Status != 302 || requests != 1 {
		t.Errorf("Get = %v after %d requests, want status 302 after one", err, requests)
	}
}
