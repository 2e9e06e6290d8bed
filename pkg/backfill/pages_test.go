package backfill_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/directory"
)

func TestWindowsOfUsers(t *testing.T) {
	t.Parallel()
	for _, inclusive := range []bool{false, true} {
		t.Run(fmt.Sprint("bounds are inclusive: ", inclusive), func(t *testing.T) {
			t.Parallel()
			i := newInstance(t, clerk.Options{InclusiveBounds: inclusive})
			const n = 7600 // three windows
			for u := range n {
				at := base + u/3 // several in each millisecond
				i.put(directory.KindUser, fmt.Sprintf(`{"id":"u%05d","created_at":%d,"updated_at":%d}`, u, at, at))
			}
			counts := i.run(directory.KindUser)
			if want := (backfill.Counts{Read: n, Written: n}); counts[directory.KindUser] != want {
				t.Errorf("counts = %+v, want %+v", counts[directory.KindUser], want)
			}
			requests := i.takeRequests()
			// The bounds take two requests, and each window's last page is not full.
			if most := n/500 + 2 + 3 + 1; requests["users"] > most {
				t.Errorf("%d requests, want at most %d", requests["users"], most)
			}
			i.checkEqual()
		})
	}
}

// Clerk's unusable answers end the backfill with what was done so far; none is
// taken for the end of a list.
func TestUnusableAnswers(t *testing.T) {
	t.Parallel()
	i := newInstance(t, clerk.Options{})
	i.put(directory.KindUser, user("u1", 5, ""))
	i.answer = func(r *http.Request) clerk.Answer {
		if strings.Contains(r.URL.Path, "memberships") {
			return clerk.Answer{From: clerk.New(clerk.Options{Key: "another"})}
		}
		return clerk.Answer{}
	}
	counts, err := i.backfill(nil).Run(t.Context())
	if !clerkapi.HasCode(err, "clerk_key_invalid") || counts[directory.KindUser].Written != 1 {
		t.Errorf("Run = %v, %v, want the refusal and one user", counts, err)
	}
	if _, ok := counts[directory.KindDomain]; ok {
		t.Errorf("counts = %v, want none of domains, which were not read", counts)
	}
}

// Memory is bounded: while the table takes no write, two pages of each part are
// in hand, one that is written and one that was read meanwhile.
func TestPagesInMemory(t *testing.T) {
	t.Parallel()
	i := newInstance(t, clerk.Options{})
	for m := range 3000 {
		i.put(directory.KindInvitation, fmt.Sprintf(`{"id":"i%04d","organization_id":"o1","created_at":%d}`, m, base+m))
	}
	blocked, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	i.table.before = func(ctx context.Context, _ directory.Write) error {
		once.Do(func() { close(blocked) })
		<-release
		return ctx.Err()
	}
	done := make(chan error)
	go func() {
		_, err := i.backfill(nil, directory.KindInvitation).Run(t.Context())
		done <- err
	}()
	<-blocked
	for range 200 { // whoever would read a third page has time to
		if n := len(i.requestsSoFar()); n > 2 {
			t.Errorf("%d pages were read while none is written, want 2", n)
			break
		}
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := i.takeRequests()["organization_invitations"]; n < 6 {
		t.Errorf("%d requests, want 6 pages", n)
	}
	i.checkEqual()
}

func (i *instance) requestsSoFar() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.requests)
}

// Memberships of one organization are written far from each other.
func TestMembershipsAreSpread(t *testing.T) {
	t.Parallel()
	i := newInstance(t, clerk.Options{})
	const orgs, members = 10, 40
	for n := range orgs * members {
		text := membership(fmt.Sprint("o", n/members), fmt.Sprint("u", n), int64(n), int64(n), "")
		i.put(directory.KindMembership, text)
	}
	var mu sync.Mutex
	perBatch := map[string]int{}
	reads := 0
	most := 0
	i.table.Table = readHook{Table: i.memory, before: func(keys []directory.Key) {
		mu.Lock()
		defer mu.Unlock()
		if !strings.HasPrefix(keys[0].SK, directory.PrefixMember) {
			return
		}
		clear(perBatch)
		for _, k := range keys {
			if strings.HasPrefix(k.SK, directory.PrefixMember) {
				perBatch[k.PK]++
				most = max(most, perBatch[k.PK])
			}
		}
		reads++
	}}
	i.run(directory.KindMembership)
	if reads != 4 || most > 10 {
		t.Errorf("%d batches with up to %d memberships of one organization, want 4 with 10", reads, most)
	}
}

// readHook calls a function before each read.
type readHook struct {
	directory.Table
	before func(keys []directory.Key)
}

func (h readHook) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	h.before(keys)
	return h.Table.Read(ctx, keys...)
}

// Users that are created after the bounds were read are in the last window. An
// instance that fits one window is not asked for its bounds.
func TestWindowsHaveOpenEnds(t *testing.T) {
	t.Parallel()
	for n, bounds := range map[int]int{2600: 0, 5100: 2} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			i := newInstance(t, clerk.Options{})
			for u := range n {
				i.put(directory.KindUser, user(fmt.Sprintf("u%05d", u), 0, ""))
			}
			first := sync.OnceFunc(func() {
				i.put(directory.KindUser, `{"id":"late","created_at":1772000000777,"updated_at":1772000000777}`)
				i.put(directory.KindUser, `{"id":"early","created_at":1770000000000,"updated_at":1770000000000}`)
			})
			asked := 0
			i.answer = func(r *http.Request) clerk.Answer {
				i.mu.Lock()
				defer i.mu.Unlock()
				switch {
				case r.URL.Query().Get("limit") == "1":
					asked++
				case strings.HasSuffix(r.URL.Path, "/users"):
					first()
				}
				return clerk.Answer{}
			}
			counts := i.run(directory.KindUser)
			if got := counts[directory.KindUser].Written; got != n+2 || asked != bounds {
				t.Errorf("%d written after %d requests for bounds, want %d after %d", got, asked, n+2, bounds)
			}
		})
	}
}
