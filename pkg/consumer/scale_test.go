package consumer_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
)

// putMembers puts live members into an organization whose rows have 2 KB.
func putMembers(t *testing.T, h *harness, n int) {
	t.Helper()
	const svixID = "msg_2b3Ck9u0PqVbFZ1r2s3T4u5V6w7"
	for i := range n {
		user := fmt.Sprintf("user_%06d", i)
		id := "orgmem_" + user
		r := directory.NewRow(directory.MembershipKey("org_big", user), directory.KindMembership)
		r["id"], r["org_id"], r["user_id"], r["role"] = id, "org_big", user, "org:member"
		r[directory.AttrRev] = string(directory.Order{
			Incarnation: directory.NewIncarnation(int64(i), id), SvixID: svixID,
		}.Revision())
		r[directory.AttrSyncedAt], r[directory.AttrSvixID] = "2026-03-02T10:31:00.000Z", svixID
		r[directory.AttrObject] = ""
		r[directory.AttrObject] = strings.Repeat("o", 2000-r.Size())
		w := directory.Write{Row: r, Put: []directory.Row{directory.Pointer(r)}}
		if _, err := h.memory.Write(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
}

// deleteOrganization deletes one of n members in invocations of a minute, and
// returns how long that took and how many receives.
func deleteOrganization(t *testing.T, n int) (took time.Duration, receives int) {
	t.Helper()
	h, _ := newMetered()
	putMembers(t, h, n)
	deletion := message("msg_2b3Ck9u0PqVbFZ1r2s3T4u5V6w8", deleted("organization", "org_big", 1))
	took, receives = h.handleCopies(t, deletion)
	if len(h.live()) > 0 || len(h.queue.dead) > 0 {
		t.Fatalf("%d live rows and %d dead letters, want none", len(h.live()), len(h.queue.dead))
	}
	return took, receives
}

// handleCopies handles a deletion and each copy that goes on, in invocations of a
// minute, until there is none. No receive may fail.
func (h *harness) handleCopies(t *testing.T, deletion delivery.Record) (took time.Duration, receives int) {
	t.Helper()
	start := time.Now()
	for next := []delivery.Record{deletion}; len(next) > 0; next = h.queue.takeCopies() {
		receives++
		if failed := h.handleIn(t, time.Minute, next...); len(failed) > 0 || len(next) > 1 {
			t.Fatalf("receive %d of %q: Handle = %q, want none to fail", receives, ids(next), failed)
		}
	}
	return time.Since(start), receives
}

// 10,000 members of 2 KB are deleted within a minute at AWS's published limits.
func TestTenThousandMembers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		took, receives := deleteOrganization(t, 10_000)
		t.Logf("%s, %d receives", took, receives)
		if took > time.Minute {
			t.Errorf("took %s, want at most a minute", took)
		}
	})
}

// A deletion that no single invocation can finish goes on by itself, also where
// the table throttles it.
func TestMoreMembersThanAnInvocationDeletes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		took, receives := deleteOrganization(t, 25_000)
		t.Logf("%s, %d receives", took, receives)
		if receives < 2 {
			t.Errorf("%d receives: the deadline never stopped it", receives)
		}
	})
}

// 5,000 membership events of one organization, 100 in flight, make no dead
// letter and hardly more than a write each: they do not conflict.
func TestBusyOrganization(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, m := newMetered()
		m.unlimited = true // what is shown is that they do not conflict
		const events, consumers = 5000, 10
		batches := make(chan []delivery.Record, events/10)
		var batch []delivery.Record
		for i := range events {
			what := []string{"created", "updated"}[i%2]
			body := membership(what, "org_busy", fmt.Sprintf("user_%04d", i/2), 0, int64(i%2), "org:member")
			if batch = append(batch, message(fmt.Sprintf("msg_%04d", i), body)); len(batch) == 10 {
				batches <- batch
				batch = nil
			}
		}
		close(batches)
		var g sync.WaitGroup
		for range consumers {
			g.Go(func() {
				for b := range batches {
					for len(b) > 0 {
						failed := h.Handle(t.Context(), b)
						done := func(r delivery.Record) bool { return !slices.Contains(failed, r.MessageID) }
						b = slices.DeleteFunc(b, done)
						for i := range b {
							b[i].Receives++
						}
					}
				}
			})
		}
		g.Wait()
		perEvent := float64(m.writes) / events
		t.Logf("%.3f writes an event, %d conflicts, %d throttles", perEvent, m.conflicts, m.throttles)
		if perEvent > 1.2 || len(h.queue.dead) > 0 {
			t.Errorf("%.3f writes an event and %d dead letters, want at most 1.2 and none", perEvent, len(h.queue.dead))
		}
	})
}
