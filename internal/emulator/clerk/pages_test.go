package clerk_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// crowd is an instance with n users, three in each millisecond, who were not put in by age, and the users' ids, oldest
// first.
func crowd(tb testing.TB, n int) (i *clerk.Instance, ids []string) {
	tb.Helper()
	i = clerk.New(clerk.Options{Limit: -1})
	for k := range n {
		ids = append(ids, fmt.Sprintf("u%06d", k))
		u := k * 7919 % n // a prime that divides no n here
		data := fmt.Appendf(nil, `{"id":"u%06d","created_at":%d}`, u, 1_772_000_000_000+u/3)
		if err := i.Put(directory.KindUser, data); err != nil {
			tb.Fatal(err)
		}
	}
	return i, ids
}

// Whatever the order and the way of paging, the pages together are the list.
func TestPagesAreTheList(t *testing.T) {
	t.Parallel()
	const n, limit = 1234, 100
	i, oldestFirst := crowd(t, n)
	newestFirst := slices.Clone(oldestFirst)
	slices.Reverse(newestFirst)
	for name, row := range map[string]struct {
		query   string
		cursors bool
		want    []string
	}{
		"oldest first, by offset": {query: "order_by=created_at", want: oldestFirst},
		"oldest first, by cursor": {query: "order_by=created_at", cursors: true, want: oldestFirst},
		"newest first, by offset": {query: "order_by=-created_at", want: newestFirst},
		"newest first, by cursor": {query: "order_by=-created_at", cursors: true, want: newestFirst},
		"filtered, by cursor": {
			query: "order_by=created_at&created_at_after=1772000000009", cursors: true, want: oldestFirst[30:],
		},
		"filtered, newest first": {
			query: "order_by=-created_at&created_at_after=1772000000009", want: newestFirst[:n-30],
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for {
				next := fmt.Sprint("&offset=", len(got))
				if row.cursors && len(got) > 0 {
					next = "&starting_after=" + got[len(got)-1]
				}
				page := get(t, i, fmt.Sprint("/users?limit=", limit, "&", row.query, next)).ids()
				got = append(got, page...)
				if len(page) < limit {
					break
				}
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("pages differ (-want +got):\n%s", diff)
			}
		})
	}
}

// A page of a long list costs what it costs of a short one.
func TestPageCostsWhatItHolds(t *testing.T) { //nolint:paralleltest // it measures the memory of the process
	cost := func(i *clerk.Instance, path string) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 5 {
			get(t, i, path)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	few, _ := crowd(t, 1000)
	many, _ := crowd(t, 20_000)
	for _, path := range []string{
		"/users?limit=10&offset=500", "/users?limit=10&offset=500&order_by=created_at",
		"/users?limit=10&order_by=created_at&starting_after=u000500",
	} {
		if short, long := cost(few, path), cost(many, path); long > 2*short {
			t.Errorf("GET %s of 20,000 users allocates %d bytes, of 1,000 %d, want about the same", path, long, short)
		}
	}
}
