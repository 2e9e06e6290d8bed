package ingest_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// A signature that matches no secret reads the parameter again, but never twice
// within 30 seconds.
// https://github.com/aws-powertools/powertools-lambda-java/issues/215
func TestSecretChangedWhileWarm(t *testing.T) {
	r := newRotation(t, one)
	r.post(t, one, 200, 1)
	r.post(t, one, 200, 1)
	r.parameter.set(two, nil)
	r.advance(30*time.Second - 1)
	r.post(t, two, 400, 1) // it was read a moment ago
	r.post(t, one, 200, 1) // it is still known
	r.advance(1)
	r.post(t, two, 200, 2)
	r.post(t, one, 400, 2)
	r.post(t, two, 200, 2)
	if len(r.warnings) != 0 {
		t.Errorf("warnings = %q, want none", r.warnings)
	}
}

func TestSecretIsReadAgainAfterFiveMinutes(t *testing.T) {
	r := newRotation(t, one)
	r.post(t, one, 200, 1)
	r.advance(5*time.Minute - 1)
	r.post(t, one, 200, 1)
	r.advance(1)
	r.post(t, one, 200, 2)
	r.parameter.set(two, nil)
	r.advance(ingest.MaxAge)
	r.post(t, one, 400, 3) // the old secret is not kept beside the new one
	r.post(t, two, 200, 3)
}

// During a rotation both secrets verify.
func TestSecretRotation(t *testing.T) {
	r := newRotation(t, one)
	r.post(t, one, 200, 1)
	r.parameter.set(one+","+two, nil)
	r.advance(time.Minute)
	r.post(t, two, 200, 2)
	r.post(t, one, 200, 2)
}

// A read that fails, or holds a bad value, keeps what is there.
func TestSecretThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		err  error
		says string // in the warning
	}{
		"failing":               {text: "", err: errors.New("throttled"), says: "throttled"},
		"empty":                 {text: "", err: nil, says: "holds no secret"},
		"bad value":             {text: "whsec_eA==", err: nil, says: "entry 1 holds 1 bytes"},
		"one bad beside a good": {text: two + ",hunter2canary", err: nil, says: "entry 2 is not a whsec_ secret"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRotation(t, one)
			r.post(t, one, 200, 1)
			r.parameter.set(c.text, c.err)
			r.advance(ingest.MaxAge)
			r.post(t, one, 200, 2)
			r.post(t, two, 400, 2)
			r.advance(ingest.MinRefreshInterval)
			r.post(t, two, 400, 3)
			r.post(t, one, 200, 3)
			if len(r.warnings) != 2 || !strings.Contains(r.warnings[0], c.says) {
				t.Fatalf("warnings = %q, want two with %q", r.warnings, c.says)
			}
			for _, leak := range []string{"canary", "eA==", strings.TrimPrefix(two, "whsec_")} {
				if strings.Contains(strings.Join(r.warnings, " "), leak) {
					t.Errorf("warnings %q hold text of the secret", r.warnings)
				}
			}
			r.parameter.set(two, nil)
			r.advance(ingest.MinRefreshInterval)
			r.post(t, two, 200, 4)
		})
	}
}

// Without any secret nothing is verified: Svix keeps the messages and retries.
func TestSecretThatCouldNeverBeRead(t *testing.T) {
	r := newRotation(t, "")
	r.parameter.set("", errors.New("access denied"))
	r.post(t, one, 500, 1)
	r.post(t, one, 500, 1)
	if got := r.harness.lastReport(); got.Reason != "not_configured" || got.Stage != ingest.Rejected {
		t.Errorf("report = %+v, want not_configured", got)
	}
	r.advance(ingest.MinRefreshInterval)
	r.post(t, one, 500, 2)
	r.parameter.set(one, nil)
	r.advance(ingest.MinRefreshInterval)
	r.post(t, one, 200, 3)
	if n := len(r.harness.queue.Messages()); n != 1 {
		t.Errorf("%d messages are on the queue, want 1", n)
	}
}

// Forged requests cannot make a function call SSM more often.
// https://github.com/aws-samples/aws-cloudtrail-lake-github-audit-log/issues/8
func TestFloodOfForgedRequests(t *testing.T) {
	r := newRotation(t, one)
	const requests = 10_000
	step := 100 * time.Millisecond // 1,000 s in all
	for range requests {
		r.harness.overHTTP(r.signedNow(two))
		r.advance(step)
	}
	limit := int(requests*step/ingest.MinRefreshInterval) + 1
	if reads := r.parameter.count(); reads > limit || reads < limit-1 {
		t.Errorf("%d requests in %v read %d times, want %d", requests, requests*step, reads, limit)
	}
	if n := len(r.harness.queue.Messages()); n > 0 {
		t.Errorf("%d messages are on the queue, want none", n)
	}
}

// Requests that come at the same time wait for one read.
func TestOneFlight(t *testing.T) {
	r := newRotation(t, one)
	r.post(t, one, 200, 1)
	r.parameter.set(two, nil)
	r.parameter.hold = make(chan struct{})
	r.advance(ingest.MinRefreshInterval)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if got := r.harness.overHTTP(r.signedNow(two)).Status; got != 200 {
				t.Errorf("answer = %d, want 200", got)
			}
		})
	}
	for r.parameter.count() < 2 {
		time.Sleep(time.Millisecond)
	}
	close(r.parameter.hold)
	wg.Wait()
	if r.parameter.count() != 2 {
		t.Errorf("read %d times, want 2", r.parameter.count())
	}
}

// A sender who hangs up while the secret is read does not make the read fail for
// the others.
func TestSenderHangsUpDuringARead(t *testing.T) {
	for name, warm := range map[string]bool{"cold": false, "warm": true} {
		t.Run(name, func(t *testing.T) {
			r := newRotation(t, one)
			secret := one
			if warm {
				r.post(t, one, 200, 1)
				r.parameter.set(two, nil)
				r.advance(ingest.MinRefreshInterval)
				secret = two
			}
			before := r.parameter.count()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			forged := r.signedNow(svixtest.ThirdSecret).HTTP().WithContext(ctx)
			r.harness.ingest.ServeHTTP(httptest.NewRecorder(), forged)
			r.post(t, secret, 200, before+1)
		})
	}
}

// All requests wait for the same read, for three seconds or until the time of the
// invocation is over.
func TestReadThatHangs(t *testing.T) {
	for name, c := range map[string]struct{ invocation, want time.Duration }{
		"long invocation":  {invocation: time.Minute, want: 3 * time.Second},
		"short invocation": {invocation: time.Second, want: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.invocation)
				defer cancel()
				p := &parameter{text: one, hold: make(chan struct{})}
				s := ingest.ReadSecrets(p, time.Now, func(context.Context, string, error) {})
				began := time.Now()
				if got, took := s.Current(ctx), time.Since(began); got != nil || took != c.want {
					t.Errorf("Current = %v after %v, want nil after %v", got, took, c.want)
				}
			})
		})
	}
}

// A clock that was set back says nothing of the age of the secrets, so they are
// read again.
func TestClockSetBack(t *testing.T) {
	r := newRotation(t, one)
	r.post(t, one, 200, 1)
	r.advance(-time.Hour)
	r.parameter.set(two, nil)
	r.post(t, two, 200, 2)
}
