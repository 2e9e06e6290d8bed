package ingest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// parameter is an ingest.SecretReader whose text changes and which may fail.
type parameter struct {
	mu    sync.Mutex
	text  string
	err   error
	reads int
	hold  chan struct{} // where not nil, a read waits for it or for its own deadline
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

// rotation is an Ingest whose secrets are read from a parameter.
type rotation struct {
	harness   *harness
	parameter *parameter

	mu       sync.Mutex
	warnings []string
}

func newRotation(t *testing.T, text string) *rotation {
	t.Helper()
	r := &rotation{parameter: &parameter{text: text}}
	warn := func(_ context.Context, operation string, err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.warnings = append(r.warnings, operation+": "+err.Error())
	}
	r.harness = newHarness(t, func(c *ingest.Config) { c.Secrets = ingest.ReadSecrets(r.parameter, c.Now, warn) })
	return r
}

// signedNow is a request that is signed at the clock's time.
func (r *rotation) signedNow(secret string) svixtest.Request {
	return svixtest.SignedBy(secret, svixtest.ID, at(r.harness.clock.Now().Sub(svixtest.Epoch())), event)
}

// post sends a request and checks the status and how often the parameter has
// been read since the beginning.
func (r *rotation) post(t *testing.T, secret string, status, reads int) {
	t.Helper()
	got := r.harness.overHTTP(r.signedNow(secret)).Status
	if got != status || r.parameter.count() != reads {
		t.Errorf("answer = %d after %d reads, want %d after %d", got, r.parameter.count(), status, reads)
	}
}

// advance moves the clock.
func (r *rotation) advance(d time.Duration) { r.harness.clock.Advance(d) }

const one, two = svixtest.Secret, svixtest.OtherSecret
