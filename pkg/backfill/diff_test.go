package backfill_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/directory"
)

const (
	delivered = false
	lost      = true
)

const (
	invitation = `{"id":"i1","organization_id":"o1","created_at":1772000000000,"updated_at":1772000000000}`
	domain     = `{"id":"d1","organization_id":"o1","name":"x.example","created_at":1772000000000}`
)

// A table that equals Clerk has no findings, whatever is in it.
func TestDiffOfWhatIsEqual(t *testing.T) {
	t.Parallel()
	inBubble(t, clerk.Options{}, func(d *differ) {
		d.company()
		d.happen("user.deleted", `{"id":"u2","deleted":true}`, delivered)
		writes := d.countWrites()
		r := d.found()
		want := map[string]*backfill.DiffCounts{}
		for _, kind := range backfill.Kinds() {
			want[kind] = &backfill.DiffCounts{Read: 1, Rows: 1}
		}
		if diff := cmp.Diff(want, r.Counts); diff != "" || len(r.Findings) > 0 || *writes > 0 {
			d.t.Errorf("findings = %q, %d writes, counts differ (-want +got):\n%s", lines(r), *writes, diff)
		}
	})
}

// Each class, and what is not of it.
func TestDiffClasses(t *testing.T) {
	t.Parallel()
	const old = 3 * time.Hour
	signIn := user("u1", 2*hour, `,"last_sign_in_at":1772007200000`)
	leave := membership("o1", "u1", 0, 1, "")
	named := func(updated int64) string { return user("u1", updated, `,"first_name":"Ida"`) }
	for name, row := range map[string]struct {
		change func(d *differ)
		later  time.Duration // until Diff runs
		want   []string
	}{
		"missing": {
			change: func(d *differ) { d.happen("user.created", user("u3", 2*hour, ""), lost) },
			later:  old, want: []string{"missing user u3"},
		},
		"missing, and young at Clerk": {
			change: func(d *differ) { d.happen("user.created", user("u3", 2*hour, ""), lost) },
			later:  10*time.Minute - 1, want: []string{"pending user u3"},
		},
		"missing for ten minutes": {
			change: func(d *differ) { d.happen("user.created", user("u3", 2*hour, ""), lost) },
			later:  10 * time.Minute, want: []string{"missing user u3"},
		},
		"different": {
			change: func(d *differ) { d.happen("user.updated", named(2*hour), lost) },
			later:  old, want: []string{"different user u1 first_name"},
		},
		"different, and changed lately at Clerk": {
			change: func(d *differ) { d.happen("user.updated", named(2*hour), lost) },
			later:  time.Minute, want: []string{"pending user u1 first_name"},
		},
		"different without a new updated_at": { // trap 6: content is compared, not updated_at
			change: func(d *differ) { d.put(directory.KindUser, named(0)) },
			later:  old, want: []string{"different user u1 first_name"},
		},
		"different, and the row is young": {
			change: func(d *differ) {
				d.happen("user.updated", user("u1", 1, ""), delivered)
				d.put(directory.KindUser, named(1))
			},
			later: time.Minute, want: []string{"pending user u1 first_name"},
		},
		"different, and the row is newer": {
			change: func(d *differ) { d.handle("user.updated", 2*hour, named(2*hour)) }, // Clerk's API lags for hours
			later:  old, want: []string{"different user u1 first_name"},
		},
		"pointer": {
			change: func(d *differ) { d.drop(directory.MembershipOfKey("o1", "u1")) },
			later:  old, want: []string{"different membership o1/u1 pointer"},
		},
		"activity": { // trap 7: a sign-in is no drift
			change: func(d *differ) { d.put(directory.KindUser, signIn) },
			later:  old, want: []string{"activity user u1 last_sign_in_at updated_at"},
		},
		"activity just now": {
			change: func(d *differ) { d.put(directory.KindUser, signIn) },
			want:   []string{"activity user u1 last_sign_in_at updated_at"},
		},
		"deleted": {
			change: func(d *differ) { d.handle("user.deleted", 2*hour, `{"id":"u1","deleted":true}`) },
			want:   []string{"deleted membership o1/u1", "deleted user u1"},
		},
		"extra": {
			change: func(d *differ) { d.happen("organizationMembership.deleted", leave, lost) },
			want:   []string{"extra membership o1/u1"},
		},
		"extra with its children": {
			change: func(d *differ) { d.happen("organization.deleted", `{"id":"o1","deleted":true}`, lost) },
			want: []string{
				"extra domain d1", "extra invitation i1", "extra membership o1/u1", "extra membership o1/u2",
				"extra organization o1",
			},
		},
		"extra, and the row is young": {
			change: func(d *differ) {
				d.happen("user.created", user("u3", 2*hour, ""), delivered)
				time.Sleep(time.Minute)
				d.happen("user.deleted", `{"id":"u3","deleted":true}`, lost)
			},
			want: []string{"pending user u3"},
		},
		"missing, deleted by a false absence": {
			change: func(d *differ) {
				d.repair(directory.UserKey("u2"), hour)
			},
			later: old, want: []string{"missing membership o1/u2", "missing user u2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, clerk.Options{}, func(d *differ) {
				d.company()
				row.change(d)
				time.Sleep(row.later)
				d.checkFindings(row.want...)
			})
		})
	}
}

// Traps 1, 8 and 13: a list proves no absence. Clerk is asked for each row by its
// own id, and one that it has is compared like any other.
func TestDiffTakesNoListForAnAbsence(t *testing.T) {
	t.Parallel()
	inBubble(t, clerk.Options{}, func(d *differ) {
		d.company()
		d.put(directory.KindUser, user("u2", 0, `,"first_name":"Ida"`))
		d.answer = func(r *http.Request) clerk.Answer {
			if r.URL.Query().Has("order_by") { // a page of a whole list
				return clerk.Answer{Fault: clerk.Denied}
			}
			return clerk.Answer{}
		}
		d.checkFindings("different user u2 first_name")
	})
}

// A membership is absent only if its organization is there to be asked, or is a
// tombstone: one that Clerk denies may be another instance's.
func TestDiffOfAMembershipAsksForItsOrganization(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		organization func(d *differ)
		want         []string
		failures     int
	}{
		"there":     {organization: func(*differ) {}, want: []string{"extra membership o1/u1"}},
		"denied":    {organization: func(d *differ) { d.Delete(directory.KindOrganization, "o1") }, failures: 1},
		"tombstone": {organization: func(d *differ) { d.entomb() }, want: []string{"extra membership o1/u1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, clerk.Options{}, func(d *differ) {
				d.happen("organization.created", org("o1", 0, ""), delivered)
				d.handle("organizationMembership.created", 0, membership("o1", "u1", 0, 0, ""))
				time.Sleep(2 * time.Hour)
				row.organization(d)
				d.Kinds = []string{directory.KindMembership} // so that nothing is known of organizations
				d.checkFindings(row.want...)
				if len(d.failures) != row.failures {
					d.t.Errorf("failures = %v, want %d", d.failures, row.failures)
				}
			})
		})
	}
}

// Instances may share a table, and the key of one denies all that is of another.
// Were its rows taken for extra, a repair would delete them. A row that names no
// instance was put there by hand, or by an example of Clerk's dashboard.
func TestDiffLeavesTheRowsOfOtherInstances(t *testing.T) {
	t.Parallel()
	for of, want := range map[string][]string{
		"ins_1": {"extra user u1 deleted"}, "": {"extra user u1 deleted"}, "ins_2": nil,
	} {
		t.Run("of "+of, func(t *testing.T) {
			t.Parallel()
			inBubble(t, clerk.Options{}, func(d *differ) {
				d.handle("user.created", 0, user("u1", 0, ""))
				row := d.row(directory.UserKey("u1"))
				delete(row, directory.AttrInstanceID)
				row.SetText(directory.AttrInstanceID, of)
				w := directory.Write{Row: row, If: directory.IfUnchanged(row.Revision())}
				if _, err := d.memory.Write(d.t.Context(), w); err != nil {
					d.t.Fatal(err)
				}
				time.Sleep(2 * time.Hour)
				d.checkRepair(want...)
				if live := d.row(row.Key()).Live(); live != (want == nil) {
					d.t.Errorf("the row is live: %t, want %t", live, want == nil)
				}
			})
		})
	}
}

// What the instance has switched off is not absent.
func TestDiffOfKindsThatAreSwitchedOff(t *testing.T) {
	t.Parallel()
	inBubble(t, clerk.Options{NoOrganizations: true}, func(d *differ) {
		d.company()
		r := d.found()
		if got := r.Counts[directory.KindMembership].Skipped; got != "organization_not_enabled_in_instance" {
			d.t.Errorf("skipped = %q, want Clerk's code", got)
		}
		if len(r.Findings) > 0 || len(d.failures) > 0 {
			d.t.Errorf("findings = %q, failures = %v, want none", lines(r), d.failures)
		}
	})
}

// Kinds that were not asked for are neither read nor found extra.
func TestDiffOfSomeKinds(t *testing.T) {
	t.Parallel()
	inBubble(t, clerk.Options{}, func(d *differ) {
		d.company()
		d.happen("user.deleted", `{"id":"u1","deleted":true}`, lost)
		d.happen("organization.updated", org("o1", 1, `,"name":"Acme"`), lost)
		time.Sleep(time.Hour)
		d.Kinds = []string{directory.KindOrganization}
		d.checkFindings("different organization o1 name")
		if got := d.takeRequests(); len(got) != 1 {
			d.t.Errorf("requests = %v, want one list", got)
		}
	})
}

// Values are in the findings only if they are asked for, and credentials never.
func TestDiffShowsValuesOnlyIfAsked(t *testing.T) {
	t.Parallel()
	inBubble(t, clerk.Options{}, func(d *differ) {
		d.company()
		d.put(directory.KindUser, user("u1", 0, `,"first_name":"Ida","username":"ida"`))
		d.handle("organizationInvitation.created", 5, strings.Replace(invitation, "}", `,"status":"pending"}`, 1))
		d.put(directory.KindInvitation, strings.Replace(invitation, "}", `,"status":"revoked","url":"SECRET"}`, 1))
		time.Sleep(time.Hour)
		for _, f := range d.found().Findings {
			if f.Values != nil {
				d.t.Errorf("values of %s = %v, want none", f.ID, f.Values)
			}
		}
		d.ShowValues = true
		got := map[string]string{}
		for _, f := range d.found().Findings {
			for member, v := range f.Values {
				got[f.ID+" "+member] = string(v.Row) + " " + string(v.Clerk)
			}
		}
		want := map[string]string{
			"u1 first_name": ` "Ida"`, "u1 username": ` "ida"`, "i1 status": `"pending" "revoked"`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			d.t.Errorf("values differ (-want +got):\n%s", diff)
		}
	})
}

// What Diff costs beside the lists: a request for each row that was not listed.
// Rows below an organization that Clerk denies cost none.
func TestDiffRequests(t *testing.T) {
	t.Parallel()
	inBubble(t, clerk.Options{}, func(d *differ) {
		d.company()
		d.findings()
		listed := d.takeRequests()
		d.happen("organization.deleted", `{"id":"o1","deleted":true}`, lost)
		d.findings()
		asked := d.takeRequests()
		for name, n := range listed {
			if asked[name] -= n; asked[name] == 0 {
				delete(asked, name)
			}
		}
		// The organization by its id, the list without it, whose key it is.
		want := map[string]int{"o1": 1, "organizations": 1, "instance": 1}
		if diff := cmp.Diff(want, asked); diff != "" {
			d.t.Errorf("further requests differ (-want +got):\n%s", diff)
		}
	})
}
