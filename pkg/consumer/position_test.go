package consumer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// withMembers is a harness with an organization of n members.
func withMembers(t *testing.T, n int) *harness {
	t.Helper()
	h := newHarness()
	h.check(t, "applied", message("msg_o", organization("created", "o1", 1, "")))
	for i := range n {
		h.handle(t, message(fmt.Sprint("msg_", i), membership("created", "o1", fmt.Sprintf("u%03d", i), 1, 1, "x")))
	}
	return h
}

// Where no copy can be sent, the deletion itself comes again, at once.
func TestRequeueFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := withMembers(t, 200)
		slowWrites(300*time.Millisecond)(h, &h.Config)
		h.queue.requeueErr = errFault
		deletion := message("msg_gone", deleted("organization", "o1", 9))
		failed := h.handleIn(t, consumer.Margin+time.Second, deletion)
		delay, delayed := h.queue.delays[deletion.MessageID]
		if len(failed) != 1 || !delayed || delay != 0 || len(h.warnings) != 1 {
			t.Errorf("Handle = %q, delay %v (%t), warnings %v, want it again at once, and a warning",
				failed, delay, delayed, h.warnings)
		}
		h.queue.requeueErr = nil
		h.Table = h.memory
		h.check(t, "duplicate", deletion)
		h.checkLive(t)
	})
}

// A queue that does not answer takes only its own part of the margin: the other
// failed messages are still delayed.
func TestRequeueHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := withMembers(t, 200)
		slowWrites(300*time.Millisecond)(h, &h.Config)
		h.Queue = hangingRequeue{h.queue}
		start := time.Now()
		deletion := message("msg_gone", deleted("organization", "o1", 9))
		failed := h.handleIn(t, consumer.Margin+time.Second, deletion)
		if took := time.Since(start); len(failed) != 1 || took != consumer.Margin+time.Second-2*time.Second {
			t.Errorf("Handle = %q after %s, want it failed 2 s before the deadline", failed, took)
		}
		if _, delayed := h.queue.delays[deletion.MessageID]; !delayed {
			t.Error("the deletion is not delayed")
		}
	})
}

type hangingRequeue struct{ *queue }

func (hangingRequeue) Requeue(ctx context.Context, _ delivery.Record, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

// A copy lists nothing up to its position; a position that is not one of the
// listing, and one that comes with a new tombstone, do not count.
func TestPosition(t *testing.T) {
	t.Parallel()
	const middle = "MEMBER#u004"
	first := message("msg_gone", deleted("organization", "o1", 9))
	again := func(position string) delivery.Record {
		r := message("msg_gone", deleted("organization", "o1", 9))
		setAttribute(r, "position", position)
		return r
	}
	for name, c := range map[string]struct {
		record delivery.Record
		before bool // the tombstone is there, and members were put back behind it
		left   int
	}{
		"none":                    {record: first, before: true},
		"in the middle":           {record: again(delivery.EncodePosition(middle)), before: true, left: 5},
		"at the end":              {record: again(delivery.EncodePosition("MEMBER#u009")), before: true, left: 10},
		"no base64":               {record: again("%"), before: true},
		"empty":                   {record: again(""), before: true},
		"too long for a sort key": {record: again(delivery.EncodePosition(strings.Repeat("z", 1025))), before: true},
		"a new tombstone":         {record: again(delivery.EncodePosition(middle))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := withMembers(t, 10)
			if c.before {
				members := h.memory.Rows()
				delete(members, directory.OrganizationKey("o1"))
				h.check(t, "applied", first)
				for _, r := range members {
					w := directory.Write{Row: r, If: directory.IfNewer("~")}
					if _, err := h.memory.Write(t.Context(), w); err != nil {
						t.Fatal(err)
					}
				}
			}
			h.handle(t, c.record)
			live := 0
			for k, r := range h.memory.Rows() {
				if r.Live() && strings.HasPrefix(k.SK, directory.PrefixMember) {
					live++
				}
			}
			if live != c.left {
				t.Errorf("%d live members, want %d", live, c.left)
			}
		})
	}
}

// The deletion of a user lists the memberships alone: a position among other rows
// begins anew.
func TestPositionOfAnotherListing(t *testing.T) {
	t.Parallel()
	h := withMembers(t, 1)
	h.check(t, "applied", message("msg_9", deleted("user", "u000", 9)))
	r := message("msg_9", deleted("user", "u000", 9))
	setAttribute(r, "position", delivery.EncodePosition("USER"))
	h.check(t, "duplicate", r)
	h.checkInvariants(t)
}
