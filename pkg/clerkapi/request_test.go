package clerkapi_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

const whole = `{"id":"user_1"}`

// failures are answers that a retry may cure.
func failures() map[string]server {
	status := func(status int, body string) server {
		return func(w http.ResponseWriter, _ *http.Request) { answer(w, status, body) }
	}
	return map[string]server{
		"500":                 status(500, refusal("internal_clerk_error", "")),
		"HTML 502":            status(502, "<html>Bad Gateway</html>"),
		"503":                 status(503, refusal("service_unavailable", "")),
		"504":                 status(504, refusal("gateway_timeout", "")),
		"409 resource_locked": status(409, refusal("resource_locked", "")),
		"empty 200":           status(200, ""),
		"HTML 200":            status(200, "<html>hello</html>"),
		"HTML 404":            status(404, "<html>not found</html>"),
		"cut off":             status(200, `{"id":"user`),
		"another shape":       status(200, `[]`),
		"another object":      status(200, `{"id":"user_2"}`),
		"no Date": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Del("Date")
			answer(w, 200, whole)
		},
		"no answer in time": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	}
}

func TestRetriesWhatMayPass(t *testing.T) {
	t.Parallel()
	for name, fail := range failures() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				requests := 0
				c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
					if requests++; requests == 1 {
						fail(w, r)
						return
					}
					answer(w, 200, whole)
				})
				o, _, err := c.Get(t.Context(), user("user_1"))
				if err != nil || o.String() != whole || requests != 2 {
					t.Errorf("Get = %s, %v after %d requests, want the object after 2", o, err, requests)
				}
			})
		})
	}
}

func TestGivesUpAfterThirtySeconds(t *testing.T) {
	t.Parallel()
	for name, fail := range failures() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start, c := time.Now(), newClient(t, fail)
				_, _, err := c.Get(t.Context(), user("user_1"))
				e, ok := errors.AsType[*clerkapi.UnavailableError](err)
				took := time.Since(start)
				if !ok || took > 30*time.Second || took < 15*time.Second {
					t.Errorf("Get = %v after %v, want an UnavailableError after 15 to 30 s", err, took)
				} else if e.Tried != took {
					t.Errorf("Tried = %v, want %v", e.Tried, took)
				}
				if _, absent := errors.AsType[*clerkapi.AbsentError](err); absent {
					t.Errorf("Get = %v, which is no absence", err)
				}
			})
		})
	}
}

func TestWaitsDoubleUpToEightSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		last := time.Now()
		c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
			waits, last = append(waits, time.Since(last)), time.Now()
			answer(w, 500, "")
		})
		_, _, _ = c.Get(t.Context(), user("user_1"))
		want := []time.Duration{0, 250e6, 500e6, 1e9, 2e9, 4e9, 8e9, 8e9}
		if d := cmp.Diff(want, waits); d != "" {
			t.Errorf("waits (-want +got):\n%s", d)
		}
	})
}

func TestRefusalsAreNotRetried(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		status   int
		code     string
		disabled bool
	}{
		"malformed":         {status: 400, code: "malformed_request_parameters"},
		"key":               {status: 401, code: "clerk_key_invalid"},
		"not allowed":       {status: 403, code: "authorization_invalid"},
		"deprecated":        {status: 410, code: "operation_deprecated"},
		"conflict":          {status: 422, code: "form_param_value_invalid"},
		"other 409":         {status: 409, code: "already_exists"},
		"organizations off": {status: 403, code: "organization_not_enabled_in_instance", disabled: true},
		"domains off":       {status: 403, code: "organization_domains_not_enabled", disabled: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := 0
			c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
				requests++
				answer(w, row.status, refusal(row.code, "user_1"))
			})
			_, _, err := c.Get(t.Context(), user("user_1"))
			e, ok := errors.AsType[*clerkapi.APIError](err)
			_, disabled := errors.AsType[*clerkapi.DisabledError](err)
			if !ok || e.Status != row.status || !clerkapi.HasCode(err, row.code) {
				t.Errorf("Get = %v, want %d %s", err, row.status, row.code)
			}
			if disabled != row.disabled || requests != 1 {
				t.Errorf("Get = %v (disabled %t) after %d requests, want disabled %t after one",
					err, disabled, requests, row.disabled)
			}
			if _, absent := errors.AsType[*clerkapi.AbsentError](err); absent {
				t.Errorf("Get = %v, which is no absence", err)
			}
		})
	}
}

func TestCancelEndsAWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
			time.AfterFunc(10*time.Millisecond, cancel)
			answer(w, 500, "")
		})
		start := time.Now()
		_, _, err := c.Get(ctx, user("user_1"))
		right := errors.Is(err, context.Canceled) && strings.Contains(err.Error(), "500")
		if !right || time.Since(start) > time.Second {
			t.Errorf("Get = %v after %v, want the cancellation and its cause", err, time.Since(start))
		}
	})
}

// Trap: PostHog's connector takes 200 with an empty body for the end of the list.
func TestEmptyAnswerIsNoEndOfAList(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{directory.KindUser, directory.KindOrganization} {
		for name, body := range map[string]string{
			"empty": "", "null": "null", "no data": `{"total_count":0}`, "null data": `{"data":null,"total_count":0}`,
			"no total": `{"data":[]}`, "null element": `[null]`,
			"an element that is no object":         `{"data":[1],"total_count":1}`,
			"an empty list where Clerk counts one": `{"data":[],"total_count":1}`,
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					c := newClient(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, body) })
					var last error
					for _, err := range c.Pages(t.Context(), kind, clerkapi.Position{}) {
						last = err
					}
					if !errors.Is(last, clerkapi.ErrMalformed) {
						t.Errorf("Pages ended with %v, want ErrMalformed", last)
					}
				})
			})
		}
	}
}
