package ingest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/clerksync/clerksync/pkg/svix"
)

// SecretReader knows where the signing secrets are kept.
type SecretReader interface {
	// Read returns their text: one or several whsec_... separated by commas or
	// white space.
	Read(ctx context.Context) (string, error)
}

const (
	// MaxAge is how long the secrets are used before they are read again.
	MaxAge = 5 * time.Minute
	// MinRefreshInterval is the least time between two reads, whatever comes in:
	// a flood of forged requests reads no more often.
	MinRefreshInterval = 30 * time.Second

	readTimeout = 3 * time.Second
)

// Secrets are the signing secrets in force. A read that fails, or holds a bad
// value, keeps the old ones. It is safe for concurrent use.
type Secrets struct {
	reader SecretReader // nil where the secrets never change
	now    func() time.Time
	warn   func(ctx context.Context, operation string, err error)

	mu      sync.Mutex // held during a read, so that all requests wait for one read
	current *svix.Secrets
	readAt  time.Time // when the last read began, successful or not
}

// FixedSecrets never change. With nil every request is answered
// `not_configured`.
func FixedSecrets(s *svix.Secrets) *Secrets { return &Secrets{current: s} }

// ReadSecrets are read through r, for the first time by the first Current. warn
// is called with each read that failed.
func ReadSecrets(
	r SecretReader, now func() time.Time, warn func(ctx context.Context, operation string, err error),
) *Secrets {
	return &Secrets{reader: r, now: now, warn: warn}
}

// Current returns the secrets, which it reads again where they are older than
// MaxAge. It returns nil where no read has succeeded yet.
func (s *Secrets) Current(ctx context.Context) *svix.Secrets {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil || !s.readWithin(MaxAge) {
		s.read(ctx)
	}
	return s.current
}

// Refresh is called when a signature matches none of the secrets that were
// tried. It returns the secrets where they have changed since, else nil.
func (s *Secrets) Refresh(ctx context.Context, tried *svix.Secrets) *svix.Secrets {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Another request may have read them while this one waited for the lock:
	// then they are not read again.
	if s.current == tried {
		s.read(ctx)
	}
	if s.current == tried {
		return nil
	}
	return s.current
}

// readWithin says whether the last read began less than d ago. It did not where
// the clock was set back, since nothing is known of its age then.
func (s *Secrets) readWithin(d time.Duration) bool {
	if s.reader == nil {
		return true
	}
	age := s.now().Sub(s.readAt)
	return age >= 0 && age < d
}

// read reads the secrets, at most once in MinRefreshInterval. The time counts
// for a read that fails, too: else a parameter that cannot be read would cost
// every request a call to SSM.
func (s *Secrets) read(ctx context.Context) {
	if s.readWithin(MinRefreshInterval) {
		return
	}
	// Round removes the monotonic clock, which may stand still while Lambda
	// freezes the function between two invocations.
	s.readAt = s.now().Round(0)
	ctx, cancel := withoutCaller(ctx)
	defer cancel()
	text, err := s.reader.Read(ctx)
	if err != nil {
		s.warn(ctx, "read the signing secret", err)
		return
	}
	parsed, err := svix.ParseSecrets(text)
	if err != nil {
		s.warn(ctx, "read the signing secret", fmt.Errorf("the parameter's value: %w", err))
		return
	}
	// Equal secrets keep their identity, by which Refresh sees a change.
	if s.current == nil || !s.current.Equal(parsed) {
		s.current = parsed
	}
}

// withoutCaller returns a context with the deadline of a request and at most
// readTimeout, which does not end with the request: all others wait for the same
// read, and a sender who hangs up must not make it fail.
func withoutCaller(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline := time.Now().Add(readTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	return context.WithDeadline(context.WithoutCancel(ctx), deadline)
}
