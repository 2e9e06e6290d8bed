package consumer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/directory"
)

// Without a deadline of its own, a deletion by absence goes on in rounds until all
// children are deleted. It ends where its caller does, where a round gets nowhere,
// and where its own row takes as long as a round.
func TestAbsentParentOfManyChildren(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limit, own, child, most time.Duration // own and child are how long a write takes
		undone, fails           bool
	}{
		"several rounds": {limit: time.Hour, child: 3 * time.Second, most: 10 * time.Minute},
		"the caller's time ends": {
			limit: 40 * time.Second, child: 3 * time.Second, most: 40 * time.Second, fails: true,
		},
		"no child is deleted": {limit: time.Hour, child: time.Minute, most: 5 * time.Minute, fails: true},
		"its own row is not":  {limit: time.Hour, own: time.Minute, most: time.Minute, undone: true, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := withMembers(t, 800)
				parent := h.row(directory.OrganizationKey("o1"))
				beforeWrite(func(ctx context.Context, w directory.Write) error {
					if w.Row.Key() == parent.Key() {
						return pause(ctx, c.own)
					}
					return pause(ctx, c.child)
				})(h, &h.Config)
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), c.limit)
				defer cancel()
				done, err := h.DeleteAbsent(ctx, parent, h.Now())
				took := time.Since(start)
				if done == c.undone || (err != nil) != c.fails || took > c.most || took < 30*time.Second {
					t.Errorf("DeleteAbsent = %t, %v after %s, want %t within %s, an error %t",
						done, err, took, !c.undone, c.most, c.fails)
				}
				if live := len(h.live()); (live > 0) != c.fails {
					t.Errorf("%d live rows, want some: %t", live, c.fails)
				}
			})
		})
	}
}
