package ingest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/clerksync/clerksync/pkg/svix"
)

// SecretReader reads the text of the signing secrets from where they are kept.
type SecretReader interface {
	Read(ctx context.Context) (string, error)
}

const (
	// MaxAge is how long the secrets are used before they are read again.
	MaxAge = 5 * time.Minute
	// MinDistance lies between two reads, whatever comes in: a flood of
	// forged requests reads no more often.
	MinDistance = 30 * time.Second

	readTimeout = 3 * time.Second
)

// Secrets are the signing secrets in force. A read that fails, or holds a bad
// value, keeps the old ones.
type Secrets struct {
	reader SecretReader // nil: they never change
	now    func() time.Time
	warn   func(ctx context.Context, deed string, err error)

	mu      sync.Mutex // held while reading: one flight
	current *svix.Secrets
	readAt  time.Time // of the last try
}

// FixedSecrets never change. With nil every request is answered
// `not_configured`.
func FixedSecrets(s *svix.Secrets) *Secrets { return &Secrets{current: s} }

// ReadSecrets are read through r, for the first time at the first Current.
func ReadSecrets(r SecretReader, now func() time.Time, warn func(context.Context, string, error)) *Secrets {
	return &Secrets{reader: r, now: now, warn: warn}
}

// Current returns the secrets, read again where they are too old, nil where
// none could ever be read.
func (s *Secrets) Current(ctx context.Context) *svix.Secrets {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil || !s.within(MaxAge) {
		s.read(ctx)
	}
	return s.current
}

// within says whether the last try is less than d ago. A clock that was set
// back tells nothing, so then it is not.
func (s *Secrets) within(d time.Duration) bool {
	if s.reader == nil {
		return true
	}
	age := s.now().Sub(s.readAt)
	return age >= 0 && age < d
}

// Refresh is called when a signature matches none of tried. It returns the
// secrets if they are others now, else nil.
func (s *Secrets) Refresh(ctx context.Context, tried *svix.Secrets) *svix.Secrets {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == tried {
		s.read(ctx)
	}
	if s.current == tried {
		return nil
	}
	return s.current
}

// read reads them unless that was tried a moment ago.
func (s *Secrets) read(ctx context.Context) {
	if s.within(MinDistance) {
		return
	}
	// The wall clock counts: the other one may stand still while the function
	// is frozen between two invocations.
	s.readAt = s.now().Round(0)
	ctx, cancel := detached(ctx)
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
	if s.current == nil || !s.current.Equal(parsed) {
		s.current = parsed
	}
}

// detached keeps the deadline but not the end of the request that happens to
// need the secrets: all others wait for the same read, and a sender who hangs
// up must not make it fail.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
	d, ok := ctx.Deadline()
	if !ok {
		return out, cancel
	}
	out, cancelDeadline := context.WithDeadline(out, d)
	return out, func() { cancelDeadline(); cancel() }
}
