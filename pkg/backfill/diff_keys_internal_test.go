package backfill

import (
	"fmt"
	"testing"

	"github.com/clerksync/clerksync/pkg/directory"
)

// The set knows exactly what was added, in 8 bytes an object and a quarter more.
func TestKeySet(t *testing.T) {
	t.Parallel()
	const n = 200_000
	var s keySet
	if s.sort(); s.has(directory.UserKey("u1")) {
		t.Error("the empty set has u1, want nothing")
	}
	for i := range n {
		s.add(directory.UserKey(fmt.Sprint("u", i)))
	}
	s.sort()
	for i := range 2 * n {
		if k := directory.UserKey(fmt.Sprint("u", i)); s.has(k) != (i < n) {
			t.Fatalf("has(%v) = %t, want %t", k, i >= n, i < n)
		}
	}
	bytes := 0
	for _, b := range s.buckets {
		bytes += 8 * cap(b)
	}
	if most := n * 8 * 3 / 2; bytes > most {
		t.Errorf("%d bytes for %d keys, want at most %d", bytes, n, most)
	}
}

// The brake is for each kind by itself, and needs both too many and too large a share.
func TestBrake(t *testing.T) {
	t.Parallel()
	users := func(n int) map[string]int { return map[string]int{"user": n} }
	two := func(users, roles int) map[string]int { return map[string]int{"user": users, "role": roles} }
	for name, row := range map[string]struct {
		deletions, live map[string]int
		allowed         int
		want            bool
	}{
		"none":                  {},
		"50 of 50":              {deletions: users(50), live: users(50)},
		"51 of 51":              {deletions: users(51), live: users(51), want: true},
		"51 of 5099":            {deletions: users(51), live: users(5099), want: true},
		"51 of 5100":            {deletions: users(51), live: users(5100)},
		"50 and 50 of two":      {deletions: two(50, 50), live: two(50, 50)},
		"another kind's share":  {deletions: users(51), live: two(60, 9999), want: true},
		"51 allowed":            {deletions: users(51), live: users(51), allowed: 51},
		"50 allowed of 51":      {deletions: users(51), live: users(51), allowed: 50, want: true},
		"one of two is allowed": {deletions: two(51, 90), allowed: 51, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := brake(row.deletions, row.live, row.allowed); (err != nil) != row.want {
				t.Errorf("brake = %v, want an error: %t", err, row.want)
			}
		})
	}
}
