package ingest_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// parameter is a secret that changes, kept somewhere that may fail.
type parameter struct {
	mu    sync.Mutex
	text  string
	err   error
	reads int
	hold  chan struct{} // where not nil, a read waits for it or for its end
}

func (p *parameter) Read(ctx context.Context) (string, error) {
	p.mu.Lock()
	p.reads++
	text, err, hold := p.text, p.err, p.hold
	p.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return text, err
}

func (p *parameter) set(text string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text, p.err = text, err
}

func (p *parameter) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reads
}

// kept is an Ingest whose secrets are in p.
type kept struct {
	*bench
	p        *parameter
	mu       sync.Mutex
	warnings []string
}

func newKept(t *testing.T, text string) *kept {
	t.Helper()
	k := &kept{p: &parameter{text: text}}
	warn := func(_ context.Context, operation string, err error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.warnings = append(k.warnings, operation+": "+err.Error())
	}
	k.bench = newBench(t, func(c *ingest.Config) { c.Secrets = ingest.ReadSecrets(k.p, c.Now, warn) })
	return k
}

func (k *kept) post(secret string) int {
	now := at(k.clock.Now().Sub(svixtest.Epoch()))
	return k.overHTTP(svixtest.SignedBy(secret, svixtest.ID, now, event)).Status
}

func (k *kept) want(t *testing.T, secret string, status, reads int) {
	t.Helper()
	if got := k.post(secret); got != status || k.p.count() != reads {
		t.Errorf("answer = %d after %d reads, want %d after %d", got, k.p.count(), status, reads)
	}
}

const one, two = svixtest.Secret, svixtest.OtherSecret

// https://github.com/aws-powertools/powertools-lambda-java/issues/215
func TestSecretChangedWhileWarm(t *testing.T) {
	k := newKept(t, one)
	k.want(t, one, 200, 1)
	k.want(t, one, 200, 1)
	k.p.set(two, nil)
	k.clock.Advance(ingest.MinRefreshInterval - 1)
	k.want(t, two, 400, 1) // read a moment ago
	k.want(t, one, 200, 1) // still known
	k.clock.Advance(1)
	k.want(t, two, 200, 2)
	k.want(t, one, 400, 2)
	k.want(t, two, 200, 2)
	if len(k.warnings) != 0 {
		t.Errorf("warnings = %q, want none", k.warnings)
	}
}

func TestSecretIsReadAgainAfterFiveMinutes(t *testing.T) {
	k := newKept(t, one)
	k.want(t, one, 200, 1)
	k.clock.Advance(ingest.MaxAge - 1)
	k.want(t, one, 200, 1)
	k.clock.Advance(1)
	k.want(t, one, 200, 2)
	k.p.set(two, nil)
	k.clock.Advance(ingest.MaxAge)
	k.want(t, one, 400, 3) // though it was the old one's signature that came
	k.want(t, two, 200, 3)
}

func TestSecretRotation(t *testing.T) {
	k := newKept(t, one)
	k.want(t, one, 200, 1)
	k.p.set(one+","+two, nil)
	k.clock.Advance(time.Minute)
	k.want(t, two, 200, 2)
	k.want(t, one, 200, 2)
}

// A read that fails, or holds a bad value, keeps what is there.
func TestSecretThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		err  error
		says string
	}{
		"failing":             {"", errors.New("throttled"), "throttled"},
		"empty":               {"", nil, "holds no secret"},
		"bad value":           {"whsec_eA==", nil, "entry 1 holds 1 bytes"},
		"one bad beside good": {two + ",hunter2canary", nil, "entry 2 is not a whsec_ secret"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKept(t, one)
			k.want(t, one, 200, 1)
			k.p.set(c.text, c.err)
			k.clock.Advance(ingest.MaxAge)
			k.want(t, one, 200, 2)
			k.want(t, two, 400, 2)
			k.clock.Advance(ingest.MinRefreshInterval)
			k.want(t, two, 400, 3)
			k.want(t, one, 200, 3)
			if len(k.warnings) != 2 || !strings.Contains(k.warnings[0], c.says) {
				t.Fatalf("warnings = %q, want two with %q", k.warnings, c.says)
			}
			for _, leak := range []string{"canary", "eA==", strings.TrimPrefix(two, "whsec_")} {
				if strings.Contains(strings.Join(k.warnings, " "), leak) {
					t.Errorf("warnings %q hold text of the secret", k.warnings)
				}
			}
			k.p.set(two, nil)
			k.clock.Advance(ingest.MinRefreshInterval)
			k.want(t, two, 200, 4)
		})
	}
}

func TestSecretThatCouldNeverBeRead(t *testing.T) {
	k := newKept(t, "")
	k.p.set("", errors.New("access denied"))
	k.want(t, one, 500, 1)
	k.want(t, one, 500, 1)
	if r := k.last(); r.Reason != "not_configured" || r.Stage != ingest.Rejected {
		t.Errorf("report = %+v, want not_configured", r)
	}
	k.clock.Advance(ingest.MinRefreshInterval)
	k.want(t, one, 500, 2)
	k.p.set(one, nil)
	k.clock.Advance(ingest.MinRefreshInterval)
	k.want(t, one, 200, 3)
	if n := len(k.queue.Messages()); n != 1 {
		t.Errorf("%d messages are on the queue, want 1", n)
	}
}

// https://github.com/aws-samples/aws-cloudtrail-lake-github-audit-log/issues/8
func TestFloodOfForgedRequests(t *testing.T) {
	k := newKept(t, one)
	const requests = 100_000
	step := 10 * time.Millisecond // 1,000 s in all
	forged := svixtest.SignedBy(two, svixtest.ID, at(0), event)
	for range requests {
		k.overHTTP(forged.With("svix-timestamp", at(k.clock.Now().Sub(svixtest.Epoch()))))
		k.clock.Advance(step)
	}
	if limit := int(requests*step/ingest.MinRefreshInterval) + 1; k.p.count() > limit || k.p.count() < limit-1 {
		t.Errorf("%d requests in %v read %d times, want %d", requests, requests*step, k.p.count(), limit)
	}
	if n := len(k.queue.Messages()); n > 0 {
		t.Errorf("%d messages are on the queue, want none", n)
	}
}

// Whatever comes in at once, one read is under way.
func TestOneFlight(t *testing.T) {
	k := newKept(t, one)
	k.want(t, one, 200, 1)
	k.p.set(two, nil)
	k.p.hold = make(chan struct{})
	k.clock.Advance(ingest.MinRefreshInterval)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if got := k.post(two); got != 200 {
				t.Errorf("answer = %d, want 200", got)
			}
		})
	}
	for k.p.count() < 2 {
		time.Sleep(time.Millisecond)
	}
	close(k.p.hold)
	wg.Wait()
	if k.p.count() != 2 {
		t.Errorf("read %d times, want 2", k.p.count())
	}
}

// A sender who hangs up while the secret is read does not spoil it for others.
func TestSenderHangsUpDuringARead(t *testing.T) {
	for name, first := range map[string]bool{"cold": true, "warm": false} {
		t.Run(name, func(t *testing.T) {
			k := newKept(t, one)
			if !first {
				k.want(t, one, 200, 1)
				k.p.set(two, nil)
				k.clock.Advance(ingest.MinRefreshInterval)
			}
			before := k.p.count()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			forged := svixtest.SignedBy(svixtest.ThirdSecret, svixtest.ID, at(k.clock.Now().Sub(svixtest.Epoch())), event)
			r := forged.HTTP().WithContext(ctx)
			k.handler.ServeHTTP(httptest.NewRecorder(), r)
			secret := one
			if !first {
				secret = two
			}
			k.want(t, secret, 200, before+1)
		})
	}
}

func TestClockSetBack(t *testing.T) {
	k := newKept(t, one)
	k.want(t, one, 200, 1)
	k.clock.Advance(-time.Hour)
	k.p.set(two, nil)
	k.want(t, two, 200, 2)
}

func TestFixedSecrets(t *testing.T) {
	b := newBench(t, func(c *ingest.Config) { c.Secrets = ingest.FixedSecrets(nil) })
	for range 2 {
		if got := b.overHTTP(signed(event)); got.Status != 500 || got.Body != `{"error":"not_configured"}` {
			t.Errorf("answer = %v, want 500 not_configured", got)
		}
	}
}
