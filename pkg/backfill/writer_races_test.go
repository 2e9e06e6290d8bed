package backfill_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/directory"
)

// A write whose answer is lost counts once, whether it had its effect or not.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(w *world, fail func(context.Context, directory.Write) error){
		"without effect": func(w *world, fail func(context.Context, directory.Write) error) { w.table.before = fail },
		"with effect":    func(w *world, fail func(context.Context, directory.Write) error) { w.table.after = fail },
	} {
		for _, times := range []int{1, 3, 9} {
			t.Run(fmt.Sprint(name, " ", times), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, settings{})
					failures := 0
					fault(w, func(context.Context, directory.Write) error {
						if failures++; failures <= times {
							return errFault
						}
						return nil
					})
					text := membership("o1", "u1", 5, 5, "")
					if got := w.write(directory.KindMembership, text, hour); got != "missing" {
						t.Errorf("Write = %s, want missing, for it was written", got)
					}
					if got := w.write(directory.KindMembership, text, hour); got != "equal" {
						t.Errorf("the second Write = %s, want equal", got)
					}
					w.checkLive("ORG#o1 MEMBER#u1", "USER#u1 MEMBERSHIP#o1")
					w.checkPointers()
				})
			})
		}
	}
}

// A table that does not answer for half a minute ends the backfill: it does not
// wait for ever, as a queue would let it.
func TestGivesUpOnATableThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, settings{})
		w.table.before = func(context.Context, directory.Write) error { return errFault }
		start := time.Now()
		_, err := w.Write(t.Context(), []backfill.Object{w.object(directory.KindUser, user("u1", 5, ""), hour)})
		if err == nil || !strings.Contains(err.Error(), "user/u1") {
			t.Errorf("Write = %v, want an error that names user/u1", err)
		}
		if took := time.Since(start); took < 20*time.Second || took > 31*time.Second {
			t.Errorf("it took %v, want about 30 s", took)
		}
	})
}

// An event that comes between the read of a row and its write is never undone,
// and the object is decided anew.
func TestEventBetweenReadAndWrite(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		eventType, data string
		want            string
	}{
		"newer":   {eventType: "user.updated", data: user("u1", 9, `,"a":9`), want: "older a"},
		"older":   {eventType: "user.updated", data: user("u1", 7, `,"a":7`), want: "different a"},
		"equal":   {eventType: "user.updated", data: user("u1", 8, `,"a":8`), want: "equal"},
		"deleted": {eventType: "user.deleted", data: `{"id":"u1"}`, want: "deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, settings{})
			w.handle("user.created", 5, user("u1", 5, ""))
			w.table.before = func(context.Context, directory.Write) error {
				w.table.before = nil
				w.handle(row.eventType, 10, row.data)
				return nil
			}
			if got := w.write(directory.KindUser, user("u1", 8, `,"a":8`), hour); got != row.want {
				t.Errorf("Write = %s, want %s", got, row.want)
			}
		})
	}
}

// Trap 9: a parent that is deleted while its child is written takes it along,
// and so does one whose child was there already: its writer may have been killed.
func TestParentThatDiesMeanwhile(t *testing.T) {
	t.Parallel()
	invitation := `{"id":"i1","organization_id":"o1","updated_at":1772000000005}`
	domain := `{"id":"d1","organization_id":"o1","updated_at":1772000000005}`
	for name, row := range map[string]struct{ kind, text, deletion, id string }{
		"membership, organization": {
			kind: directory.KindMembership, text: membership("o1", "u1", 5, 5, ""),
			deletion: "organization.deleted", id: "o1",
		},
		"membership, user": {
			kind: directory.KindMembership, text: membership("o1", "u1", 5, 5, ""), deletion: "user.deleted", id: "u1",
		},
		"invitation": {kind: directory.KindInvitation, text: invitation, deletion: "organization.deleted", id: "o1"},
		"domain":     {kind: directory.KindDomain, text: domain, deletion: "organization.deleted", id: "o1"},
	} {
		for _, before := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", before the page: ", before), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, settings{})
				die := func() { w.handle(row.deletion, 10, `{"id":"`+row.id+`","deleted":true}`) }
				if before {
					die()
				} else {
					w.table.before = func(context.Context, directory.Write) error {
						w.table.before = nil
						die()
						return nil
					}
				}
				w.write(row.kind, row.text, hour)
				w.checkLive()
				w.checkPointers()
			})
		}
	}
	t.Run("child that was there", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, settings{})
		text := membership("o1", "u1", 5, 5, "")
		w.write(directory.KindMembership, text, hour)
		tombstone := directory.NewRow(directory.UserKey("u1"), directory.KindUser) // of a writer that was killed
		tombstone[directory.AttrRev] = "000000000000000-0-1-000000000000000-1-001772000000009-msg_9"
		tombstone[directory.AttrDeletedAt] = "2026-02-25T06:13:20.009Z"
		if _, err := w.memory.Write(t.Context(), directory.Write{Row: tombstone}); err != nil {
			t.Fatal(err)
		}
		if got := w.write(directory.KindMembership, text, 2*hour); got != "equal" {
			t.Errorf("Write = %s, want equal", got)
		}
		w.checkLive()
		w.checkPointers()
	})
}

// Concurrency bounds the writes of all batches together.
func TestConcurrentWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, settings{})
		var now, most atomic.Int64
		w.table.before = func(context.Context, directory.Write) error {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Millisecond)
			now.Add(-1)
			return nil
		}
		var batches sync.WaitGroup
		for b := range 3 {
			batches.Go(func() {
				var objects []backfill.Object
				for u := range 20 {
					text := user(fmt.Sprint("u", b, "-", u), 5, "")
					objects = append(objects, w.object(directory.KindUser, text, hour))
				}
				if _, err := w.Write(t.Context(), objects); err != nil {
					t.Error(err)
				}
			})
		}
		batches.Wait()
		if most.Load() != 4 {
			t.Errorf("%d writes at once, want 4", most.Load())
		}
	})
}
