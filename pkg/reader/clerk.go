package reader

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// Clerk brings one user from Clerk's Backend API into the table: see
// backfill.Fetcher, which has a budget of requests and stops asking after a 429.
type Clerk interface {
	// FetchUser writes the user's row where the order of all changes allows it, and
	// never a tombstone. found says whether Clerk has the user.
	FetchUser(ctx context.Context, id string) (found bool, err error)
}

const (
	// fetchTimeout is how long a request of a user may wait for Clerk.
	fetchTimeout = 2 * time.Second
	// absentFor is how long nobody asks again for an id that Clerk has denied. It is
	// short, because one of Clerk's replicas may deny a user who has just signed up.
	absentFor = 10 * time.Second
	// maxAbsent bounds the memory for such ids: they come from outside.
	maxAbsent = 10_000
)

// WithClerk makes User ask Clerk for a user of whom the table has no row yet, as
// in the moment after a sign-up. What Clerk has is written into the table, as a
// backfill writes it, and answered from there. Whoever asks for the same id
// meanwhile waits for the same answer, for at most 2 s. An id that Clerk denies
// is ErrNotFound for 10 s without another request; the table learns nothing of it.
// Where Clerk can't be asked the error wraps ErrNotFound, and says why.
//
// Give User only ids of verified sessions then: any other id that somebody makes
// up costs a request to Clerk.
func WithClerk(c Clerk) Option {
	return func(r *Reader) {
		r.fetcher = &fetcher{clerk: c, now: func() time.Time { return r.now() }, flights: map[string]*flight{}}
		r.fetcher.absent = map[string]time.Time{}
	}
}

// fetcher asks Clerk for users, each once at a time.
type fetcher struct {
	clerk Clerk
	now   func() time.Time

	mu      sync.Mutex
	flights map[string]*flight   // by user id
	absent  map[string]time.Time // until when an id counts as denied
}

// flight is a request to Clerk that is under way. Its fields are written before
// done is closed, and read after that.
type flight struct {
	done  chan struct{}
	found bool
	err   error
}

// fetch asks Clerk for the user, or waits for whoever does already. found says
// that the table may have the row now.
func (f *fetcher) fetch(ctx context.Context, id string) (found bool, err error) {
	f.mu.Lock()
	if f.now().Before(f.absent[id]) {
		f.mu.Unlock()
		return false, nil
	}
	waitFor, underWay := f.flights[id]
	if !underWay {
		waitFor = &flight{done: make(chan struct{})}
		f.flights[id] = waitFor
		// The first caller may give up, but others wait for the same answer: so the
		// request has a deadline of its own.
		go f.run(context.WithoutCancel(ctx), id, waitFor)
	}
	f.mu.Unlock()
	select {
	case <-waitFor.done:
		return waitFor.found, waitFor.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// run carries a flight out.
func (f *fetcher) run(ctx context.Context, id string, to *flight) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	to.found, to.err = f.ask(ctx, id)
	f.mu.Lock()
	defer f.mu.Unlock()
	if to.err == nil && !to.found {
		if len(f.absent) >= maxAbsent { // forgetting costs a request at most
			clear(f.absent)
		}
		f.absent[id] = f.now().Add(absentFor)
	}
	delete(f.flights, id)
	close(to.done)
}

// ask calls Clerk. A panic there would end the application, for it is in no
// goroutine of the application's own.
func (f *fetcher) ask(ctx context.Context, id string) (found bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			found, err = false, fmt.Errorf("panic: %v", p)
		}
	}()
	return f.clerk.FetchUser(ctx, id)
}

// maxID is more than Clerk's ids have.
const maxID = 100

// couldBeClerks says whether Clerk could have such an id. Any other is not worth
// a request, and would be no path.
func couldBeClerks(id string) bool {
	strange := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_'
	}
	return id != "" && len(id) <= maxID && !strings.ContainsFunc(id, strange)
}

// readThrough asks Clerk for a user who is not in the table, and reads the row
// again.
func (r *Reader) readThrough(ctx context.Context, id string) (directory.Row, error) {
	switch found, err := r.fetcher.fetch(ctx, id); {
	case err != nil:
		return nil, fmt.Errorf("%w, and not read from Clerk: %w", ErrNotFound, err)
	case !found:
		return nil, ErrNotFound
	}
	return r.live(ctx, directory.UserKey(id))
}
