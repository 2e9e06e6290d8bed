package consumer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// atLimit makes a row of exactly 400 KB by the message with that padding in it.
func atLimit(t *testing.T, k directory.Key, body func(pad string) string) *harness {
	t.Helper()
	h := newHarness()
	h.check(t, "applied", message("msg_1", body("x")))
	pad := strings.Repeat("x", directory.MaxRowBytes-h.row(k).Size()+1)
	h = newHarness()
	h.check(t, "applied", message("msg_1", body(pad)))
	if size := h.row(k).Size(); size != 400<<10 {
		t.Fatalf("row of %d bytes, want exactly 400 KB", size)
	}
	return h
}

// A row of exactly 400 KB still fits when it is a tombstone, by its own deletion
// and by its parent's: what makes it one has room.
func TestTombstoneAtTheLimit(t *testing.T) {
	t.Parallel()
	member := func(pad string) string {
		return event("organizationMembership.created", base+2, fmt.Sprintf(`{"id":"m","created_at":%d,"updated_at":%d,`+
			`"organization":{"id":"o1"},"public_user_data":{"user_id":"u1"},"pad":%q}`, base+1, base+2, pad))
	}
	for name, c := range map[string]struct {
		key      directory.Key
		body     func(pad string) string
		deletion string
	}{
		"a user": {
			key:      directory.UserKey("u1"),
			body:     func(pad string) string { return user("created", "u1", 1, `,"pad":"`+pad+`"`) },
			deletion: deleted("user", "u1", 8),
		},
		"a membership with its organization": {
			key: directory.MembershipKey("o1", "u1"), body: member, deletion: deleted("organization", "o1", 8),
		},
		"a membership with its user": {
			key: directory.MembershipKey("o1", "u1"), body: member, deletion: deleted("user", "u1", 8),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := atLimit(t, c.key, c.body)
			h.check(t, "applied", message("msg_2", c.deletion))
			r := h.row(c.key)
			if !r.Gone() || r.Size() > 400<<10 {
				t.Errorf("gone %t, %d bytes, want a tombstone that fits", r.Gone(), r.Size())
			}
			if diff := cmp.Diff([]string{"object"}, r["omitted"]); diff != "" {
				t.Errorf("omitted differs (-want +got):\n%s", diff)
			}
		})
	}
}

// Of two suspects each has an even chance to run before the other.
func TestSuspectsHaveAnEvenChance(t *testing.T) {
	t.Parallel()
	first := map[string]int{}
	const rounds = 1000
	for i := range rounds {
		h := newHarness(func(_ *harness, c *consumer.Config) {
			c.Random = func() float64 { return float64(i) / rounds }
		})
		h.handleAll(t, received(3, messages(user("created", "u1", 1, ""), user("created", "u2", 1, ""))...))
		first[h.reports[0].SvixID]++
	}
	if diff := cmp.Diff(map[string]int{"msg_1": rounds / 2, "msg_2": rounds / 2}, first); diff != "" {
		t.Errorf("first of two suspects differs (-want +got):\n%s", diff)
	}
}

// failingAcknowledge fails the first calls of Acknowledge.
type failingAcknowledge struct {
	*queue
	failures int
	asked    [][]string // svix ids of each call
}

func (f *failingAcknowledge) Acknowledge(ctx context.Context, records []delivery.Record) error {
	f.asked = append(f.asked, ids(records))
	if len(f.asked) <= f.failures {
		return errFault
	}
	return f.queue.Acknowledge(ctx, records)
}

// An early acknowledgement that fails is tried again before the next suspect,
// with what was done since.
func TestEarlyAcknowledgementIsTriedAgain(t *testing.T) {
	t.Parallel()
	h := newHarness()
	q := &failingAcknowledge{queue: h.queue, failures: 1}
	h.Queue = q
	batch := messages(user("created", "u1", 1, ""), user("created", "u2", 1, ""), user("created", "u3", 1, ""))
	received(3, batch[1:]...)
	h.handleAll(t, batch)
	// With a random number of 0 the suspects change places.
	want := [][]string{{"msg_1"}, {"msg_1", "msg_3"}}
	if diff := cmp.Diff(want, q.asked); diff != "" || len(h.warnings) != 1 {
		t.Errorf("%d warnings, want one; acknowledged differs (-want +got):\n%s", len(h.warnings), diff)
	}
}
