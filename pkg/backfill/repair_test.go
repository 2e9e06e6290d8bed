package backfill_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/directory"
)

// defaults are the times that the command has.
var defaults = backfill.RepairOptions{MinAge: backfill.DefaultMinAge, SecondLook: backfill.DefaultSecondLook}

// repair runs Diff and Repair, and returns the findings.
func (d *differ) repairAll(o backfill.RepairOptions) []string {
	d.t.Helper()
	r := d.found()
	if err := d.Diff.Repair(d.t.Context(), r, o); err != nil {
		d.t.Fatalf("Repair = %v", err)
	}
	return lines(r)
}

func (d *differ) checkRepair(want ...string) {
	d.t.Helper()
	if diff := cmp.Diff(want, d.repairAll(defaults)); diff != "" {
		d.t.Errorf("repairs differ (-want +got):\n%s", diff)
	}
}

// Whatever was lost, one repair mends it, and the next diff finds nothing.
func TestRepairMendsEachKind(t *testing.T) {
	t.Parallel()
	inBubble(t, clerk.Options{}, func(d *differ) {
		d.company()
		d.happen("organization.created", org("o2", 2*hour, ""), lost)
		d.happen("organizationMembership.created", membership("o2", "u1", 2*hour, 2*hour, ""), lost)
		d.happen("user.updated", user("u1", 2*hour, `,"username":"ada"`), lost)
		d.happen("user.deleted", `{"id":"u2","deleted":true}`, lost)
		d.happen("organizationInvitation.revoked", strings.Replace(invitation, "}", `,"status":"revoked"}`, 1), lost)
		d.Delete(directory.KindDomain, "d1")
		d.Delete(directory.KindPermission, "p1")
		d.Delete(directory.KindRole, "r1")
		time.Sleep(time.Hour)
		start := time.Now()
		d.checkRepair(
			"extra domain d1 deleted", "different invitation i1 status written", "extra membership o1/u2 deleted",
			"missing membership o2/u1 written", "missing organization o2 written", "extra permission p1 deleted",
			"extra role r1 deleted", "different user u1 username written", "extra user u2 deleted",
		)
		if took := time.Since(start); took < 10*time.Minute || took > 11*time.Minute {
			d.t.Errorf("it took %v, want the ten minutes between two looks", took)
		}
		d.checkFindings()
		d.checkPointers()
		d.checkRow(directory.UserKey("u2"), map[string]any{
			"rev":        "000000000000000-0-0-001772010800000-1-001772010800000-absence",
			"deleted_at": "2026-02-25T09:13:20.000Z", "deleted_by": "absence", "svix_id": nil,
		})
		writes := d.countWrites()
		d.checkRepair()
		if *writes > 0 {
			d.t.Errorf("a second repair wrote %d times, want nothing", *writes)
		}
	})
}

// An organization that is deleted takes its rows along; each of them is mended once.
func TestRepairOfAnOrganizationWithItsRows(t *testing.T) {
	t.Parallel()
	inBubble(t, clerk.Options{}, func(d *differ) {
		d.company()
		d.happen("organization.deleted", `{"id":"o1","deleted":true}`, lost)
		d.checkRepair(
			"extra domain d1 deleted", "extra invitation i1 deleted", "extra membership o1/u1 deleted",
			"extra membership o1/u2 deleted", "extra organization o1 deleted",
		)
		d.checkFindings()
		d.checkPointers()
	})
}

// What a process that was killed has left below an organization that is deleted goes
// too, although Clerk denies that organization.
func TestRepairOfWhatOutlivedItsOrganization(t *testing.T) {
	t.Parallel()
	inBubble(t, clerk.Options{}, func(d *differ) {
		d.company()
		d.entomb()
		d.checkRepair(
			"extra domain d1 deleted", "extra invitation i1 deleted", "extra membership o1/u1 deleted",
			"extra membership o1/u2 deleted",
		)
		if len(d.failures) > 0 {
			d.t.Errorf("failures = %v, want none", d.failures)
		}
		d.checkFindings()
		d.checkPointers()
	})
}

// An organization may have more members than can be deleted in the time for which
// any other operation on the table is tried. The repair takes as long as it needs.
func TestRepairOfAnOrganizationWithManyMembers(t *testing.T) {
	t.Parallel()
	inBubble(t, clerk.Options{}, func(d *differ) {
		const members = 100
		d.happen("organization.created", org("o1", 0, ""), delivered)
		for i := range members {
			id := fmt.Sprint("u", i)
			d.happen("user.created", user(id, 0, ""), delivered)
			d.happen("organizationMembership.created", membership("o1", id, 0, 0, ""), delivered)
		}
		time.Sleep(2 * time.Hour)
		d.happen("organization.deleted", `{"id":"o1","deleted":true}`, lost)
		d.table.before = func(ctx context.Context, w directory.Write) error {
			if w.Row.Text(directory.AttrKind) != directory.KindMembership {
				return nil
			}
			select { // 24 at once: 72 in 30 seconds
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(9 * time.Second):
				return nil
			}
		}
		o := defaults
		o.AllowDeletions = members
		if repaired := strings.Count(strings.Join(d.repairAll(o), "\n"), " deleted"); repaired != members+1 {
			d.t.Errorf("%d rows were deleted, want the organization and its %d members", repaired, members)
		}
		d.table.before = nil
		d.checkFindings()
	})
}

// Above the brake nothing is deleted, of any kind, and nobody waits for a second
// look. What is missing is written all the same.
func TestRepairStopsAtTheBrake(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		extra, allowed int
		want           bool
	}{
		"50":                    {extra: 50},
		"51":                    {extra: 51, want: true},
		"51, of 50 allowed":     {extra: 51, allowed: 50, want: true},
		"51, all of them named": {extra: 51, allowed: 51},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, clerk.Options{}, func(d *differ) {
				for n := range row.extra {
					d.handle("user.created", 0, user(fmt.Sprint("u", n), 0, ""))
				}
				d.handle("organization.created", 0, org("o1", 0, ""))
				d.happen("user.created", user("missing", 0, ""), lost)
				time.Sleep(2 * time.Hour)
				r, start := d.found(), time.Now()
				o := defaults
				o.AllowDeletions = row.allowed
				err := d.Diff.Repair(d.t.Context(), r, o)
				if _, ok := errors.AsType[*backfill.BrakeError](err); ok != row.want || err != nil && !ok {
					d.t.Fatalf("Repair = %v, want the brake: %t", err, row.want)
				}
				wantLive, wantLeft := 1, 0
				if row.want {
					wantLive, wantLeft = row.extra+2, row.extra+1
				}
				if n := len(d.live()); n != wantLive || r.Total().Left != wantLeft {
					d.t.Errorf("%d live rows, %d left, want %d and %d", n, r.Total().Left, wantLive, wantLeft)
				}
				if waited := time.Since(start) >= 10*time.Minute; waited == row.want {
					d.t.Errorf("waited for a second look: %t", waited)
				}
			})
		})
	}
}

// What a webhook in flight is about to change is left to it, also where the change
// came after Diff had read.
func TestRepairLeavesWhatAWebhookIsAboutToChange(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		meanwhile func(d *differ) // between Diff and Repair
		want      string
		writes    int
	}{
		"still": {want: "different user u1 first_name written", writes: 1},
		"changed at Clerk": {
			meanwhile: func(d *differ) { d.put(directory.KindUser, user("u1", 3*hour, `,"first_name":"Eva"`)) },
			want:      "different user u1 first_name",
		},
		"mended by a webhook": {
			meanwhile: func(d *differ) { d.handle("user.updated", 2*hour, user("u1", 2*hour, `,"first_name":"Ida"`)) },
			want:      "different user u1 first_name", writes: 1, // the webhook's
		},
		"written by a webhook just now": {
			meanwhile: func(d *differ) { d.handle("user.updated", 1, user("u1", 1, `,"first_name":"Old"`)) },
			want:      "different user u1 first_name", writes: 1,
		},
		"deleted at Clerk": {
			meanwhile: func(d *differ) { d.Instance.Delete(directory.KindUser, "u1") },
			want:      "different user u1 first_name left",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, clerk.Options{}, func(d *differ) {
				d.happen("user.created", user("u1", 0, ""), delivered)
				time.Sleep(2 * time.Hour)
				d.happen("user.updated", user("u1", 2*hour, `,"first_name":"Ida"`), lost)
				time.Sleep(time.Hour)
				r, writes := d.found(), d.countWrites()
				if row.meanwhile != nil {
					row.meanwhile(d)
				}
				if err := d.Diff.Repair(d.t.Context(), r, defaults); err != nil {
					d.t.Fatal(err)
				}
				if got := lines(r); !slices.Equal(got, []string{row.want}) || *writes != row.writes {
					d.t.Errorf("Repair = %q with %d writes, want %q with %d", got, *writes, row.want, row.writes)
				}
			})
		})
	}
}

// A row that is newer than what Clerk's API has is said, and stays.
func TestRepairNeverTakesBackWhatIsNewer(t *testing.T) {
	t.Parallel()
	inBubble(t, clerk.Options{}, func(d *differ) {
		d.happen("user.created", user("u1", 0, ""), delivered)
		d.handle("user.updated", 5, user("u1", 5, `,"first_name":"Ida"`))
		time.Sleep(2 * time.Hour)
		before := maps.Clone(d.row(directory.UserKey("u1")))
		d.checkRepair("different user u1 first_name left")
		if diff := cmp.Diff(before, d.row(directory.UserKey("u1"))); diff != "" {
			d.t.Errorf("the row has changed (-before +after):\n%s", diff)
		}
	})
}

// Ctrl-C during the wait for the second look ends the repair, and nothing is deleted.
func TestRepairEndsWhileItWaits(t *testing.T) {
	t.Parallel()
	inBubble(t, clerk.Options{}, func(d *differ) {
		d.happen("user.created", user("u1", 0, ""), delivered)
		time.Sleep(2 * time.Hour)
		d.Instance.Delete(directory.KindUser, "u1")
		r := d.found()
		ctx, cancel := context.WithCancel(d.t.Context())
		o := defaults
		o.OnWait = func(until time.Time) {
			if wait := time.Until(until); wait != 10*time.Minute {
				d.t.Errorf("the wait is %v, want ten minutes", wait)
			}
			cancel()
		}
		err := d.Diff.Repair(ctx, r, o)
		if !errors.Is(err, context.Canceled) || !d.row(directory.UserKey("u1")).Live() {
			d.t.Errorf("Repair = %v, live: %t, want its end and a live row", err, d.row(directory.UserKey("u1")).Live())
		}
	})
}
