package clerkapi

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A quarter of what Clerk allows an instance over all its callers: 1,000
// requests in 10 s in production, 100 in development. The application's own
// requests come out of the same limit.
const (
	ProductionRate  = 25.0 // requests a second
	DevelopmentRate = 2.5
)

// minAnswerTime is the least time that an answer needs. A request that ends before
// its answer costs one of the limit all the same, and if that was another 429,
// nobody has learned of it.
const minAnswerTime = 100 * time.Millisecond

// budget says when the next request may start, for all callers of a client. In
// any t seconds it lets at most rate x (t+1) requests start.
type budget struct {
	limiter *rate.Limiter
	mu      sync.Mutex
	closed  time.Time // until then Clerk wants no request
}

func newBudget(perSecond float64) *budget {
	b := &budget{limiter: rate.NewLimiter(0, 1)}
	b.setRate(perSecond)
	return b
}

// setRate changes the rate. The burst is half of what the bound would allow:
// goroutines that wake late may bunch what the limiter had spread. At less than
// one request a second the burst is still one, or there would be none at all.
func (b *budget) setRate(perSecond float64) {
	if perSecond <= 0 {
		perSecond = DevelopmentRate
	}
	b.limiter.SetBurst(max(1, int(perSecond/2)))
	b.limiter.SetLimit(rate.Limit(perSecond))
}

// wait returns when a request may start. If that leaves no time for an answer
// before ctx's deadline, it returns an error at once: after a 429 this is a
// breaker for callers that have little time, and it costs no request.
func (b *budget) wait(ctx context.Context) error {
	for {
		if until := b.closedUntil(); !until.IsZero() {
			if deadline, ok := ctx.Deadline(); ok && deadline.Before(until.Add(minAnswerTime)) {
				return &RateLimitError{Until: until}
			}
			if err := sleep(ctx, time.Until(until)); err != nil {
				return err
			}
		}
		if err := b.limiter.Wait(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &RateLimitError{Until: time.Now()} // our own limit, beyond the deadline
		}
		// A 429 may have come while the request waited for its turn. Were it sent
		// now, it would be refused, and prolong the block.
		if b.closedUntil().IsZero() {
			return nil
		}
	}
}

// close lets no request start until the time. Of several times the latest counts.
func (b *budget) close(until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until.After(b.closed) {
		b.closed = until
	}
}

// closedUntil is zero while requests may start.
func (b *budget) closedUntil() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Now().Before(b.closed) {
		return b.closed
	}
	return time.Time{}
}

// SetRate sets the budget in requests a second: a quarter of the limit that
// goes with the instance, say (see Instance.Rate).
func (c *Client) SetRate(perSecond float64) { c.budget.setRate(perSecond) }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
