package clerkapi_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/clerkapi"
)

// An answer 429 blocks the instance, so that one worker's answer stops all of them.
func TestRetryAfterStopsAllWorkers(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		header string
		wait   time.Duration
	}{
		"seconds": {header: "7", wait: 7 * time.Second},
		"none":    {wait: time.Second},
		"long":    {header: "90", wait: 90 * time.Second}, // beyond what retries may take
		"date":    {header: "Sat, 01 Jan 2000 00:00:20 GMT", wait: 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var blocked, resumed time.Time
				start := time.Now()
				c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
					mu.Lock()
					defer mu.Unlock()
					switch now := time.Now(); {
					case blocked.IsZero():
						if row.header != "" {
							w.Header().Set("Retry-After", row.header)
						}
						blocked = now
						mu.Unlock()
						time.Sleep(100 * time.Millisecond) // meanwhile the others wait for their turn
						mu.Lock()
						answer(w, 429, refusal("too_many_requests", ""))
					default:
						if resumed.IsZero() {
							resumed = now
						}
						answer(w, 200, whole)
					}
				}, func(o *clerkapi.Options) { o.Rate = 2 }) // the burst is one request
				var workers sync.WaitGroup
				for range 4 {
					workers.Go(func() {
						if _, _, err := c.Get(t.Context(), user("user_1")); err != nil {
							t.Error(err)
						}
					})
				}
				workers.Wait()
				if got := resumed.Sub(start); got < row.wait || got > row.wait+2*time.Second {
					t.Errorf("the next request came after %v, want %v", got, row.wait)
				}
			})
		})
	}
}

func TestRateLimitedAnswersDoNotCountAsRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
			if requests++; requests <= 20 {
				w.Header().Set("Retry-After", "10")
				answer(w, 429, "")
				return
			}
			answer(w, 200, whole)
		})
		if _, _, err := c.Get(t.Context(), user("user_1")); err != nil || requests != 21 {
			t.Errorf("Get = %v after %d requests, want success after 21", err, requests)
		}
	})
}

// Trap 14 of Clerk's API: reads for a user who waits must not use up the limit.
// A caller whose time ends before an answer could come learns it at once, and no
// request is spent on it.
func TestRetryAfterBeyondTheDeadlineFailsAtOnce(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]time.Duration{
		"before": 2 * time.Second, "just after": 30*time.Second + 50*time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				requests := 0
				c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
					requests++
					w.Header().Set("Retry-After", "30")
					answer(w, 429, "")
				})
				start := time.Now()
				for range 3 {
					ctx, cancel := context.WithTimeout(t.Context(), left)
					_, _, err := c.Get(ctx, user("user_1"))
					cancel()
					e, ok := errors.AsType[*clerkapi.RateLimitError](err)
					if !ok || !e.Until.Equal(start.Add(30*time.Second)) {
						t.Errorf("Get = %v, want a RateLimitError until 30 s", err)
					}
				}
				if requests != 1 || time.Since(start) > time.Second {
					t.Errorf("%d requests in %v, want 1 at once", requests, time.Since(start))
				}
			})
		})
	}
}

// In any t seconds at most rate x (t+1) requests, whatever the number of workers and the pauses between.
func TestBudgetHoldsInEveryInterval(t *testing.T) {
	t.Parallel()
	for name, rate := range map[string]float64{"2.5": 2.5, "25": 25, "100": 100, "1": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var times []time.Time
				c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
					mu.Lock()
					defer mu.Unlock()
					times = append(times, time.Now())
					answer(w, 200, whole)
				}, func(o *clerkapi.Options) { o.Rate = rate })
				start := time.Now()
				for round := range 4 {
					time.Sleep(time.Duration(round) * 700 * time.Millisecond) // the budget fills up in pauses
					var workers sync.WaitGroup
					for range 16 {
						workers.Go(func() { _, _, _ = c.Get(t.Context(), user("user_1")) })
					}
					workers.Wait()
				}
				for i, from := range times {
					for j, to := range times[i:] {
						if n, most := float64(j+1), rate*(to.Sub(from).Seconds()+1); n > most+1e-6 {
							t.Fatalf("%v requests in %v, want at most %v", n, to.Sub(from), most)
						}
					}
				}
				if took, least := time.Since(start).Seconds(), (64/rate)+4.2; took > least+1 {
					t.Errorf("64 requests took %v s, want about %v: the budget is not used", took, least)
				}
			})
		})
	}
}

// The workers of one client share its budget, and SetRate changes it for all.
func TestSetRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
			answer(w, 200, `{"id":"ins_1","environment_type":"production"}`)
		}, func(o *clerkapi.Options) { o.Rate = 0 })
		i, err := c.Instance(t.Context())
		if err != nil || i != (clerkapi.Instance{ID: "ins_1", Environment: "production"}) || i.Rate() != 25 {
			t.Fatalf("Instance = %v, %v", i, err)
		}
		if r := (clerkapi.Instance{Environment: "staging"}).Rate(); r != 2.5 {
			t.Errorf("Rate of an unknown environment = %v, want 2.5", r)
		}
		c.SetRate(i.Rate())
		start := time.Now()
		for range 100 {
			_, _ = c.Instance(t.Context())
		}
		if took := time.Since(start); took > 4*time.Second || took < 3*time.Second {
			t.Errorf("100 requests at 25 a second took %v", took)
		}
	})
}
