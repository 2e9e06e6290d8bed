package consumer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// Without a deadline of its own, a deletion by absence goes on in rounds until all
// children are deleted. It ends where its caller does, and where a round gets
// nowhere.
func TestAbsentParentOfManyChildren(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limit, write, most time.Duration
		fails              bool
	}{
		"several rounds": {limit: time.Hour, write: 3 * time.Second, most: 10 * time.Minute},
		"the caller's time ends": {
			limit: 40 * time.Second, write: 3 * time.Second, most: 40 * time.Second, fails: true,
		},
		"nothing is written": {limit: time.Hour, write: time.Minute, most: 5 * time.Minute, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := withMembers(t, 800)
				parent := h.row(directory.OrganizationKey("o1"))
				slowWrites(c.write)(h, &h.Config)
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), c.limit)
				defer cancel()
				done, err := h.DeleteAbsent(ctx, parent, h.Now())
				took := time.Since(start)
				if !done || (err != nil) != c.fails || took > c.most || took < 35*time.Second {
					t.Errorf("DeleteAbsent = %t, %v after %s, want it done within %s, an error %t",
						done, err, took, c.most, c.fails)
				}
				if live := len(h.live()); (live > 0) != c.fails {
					t.Errorf("%d live rows, want some: %t", live, c.fails)
				}
			})
		})
	}
}
