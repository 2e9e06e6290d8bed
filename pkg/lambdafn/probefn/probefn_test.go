package probefn_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/lambdafn/probefn"
)

// Each object that is old enough must be a row or a tombstone; of each kind.
func TestMissingRows(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			d := newDeployment(clerk.Options{})
			d.create(t, kind, 1, time.Hour)
			d.create(t, kind, 2, 30*time.Minute)
			d.create(t, kind, 3, 20*time.Minute)
			d.create(t, kind, 4, 9*time.Minute) // its webhook may be on its way
			d.put(t, keyOf(kind, 1), instanceID, "")
			d.put(t, keyOf(kind, 2), "", "2026-01-01T00:00:00.000Z")
			if got, want := d.run(t.Context(), t), (counts{3, 1, 0, 1200}); got != want {
				t.Errorf("metrics = %+v, want %+v\n%s", got, want, d.out.String())
			}
			entity := map[string]string{
				directory.KindUser: "user/user_3", directory.KindOrganization: "organization/organization_3",
				directory.KindMembership: "membership/organization_3/user_3",
			}[kind]
			if !strings.Contains(d.out.String(), `"entity":"`+entity+`"`) {
				t.Errorf("the log does not name %s: %s", entity, d.out.String())
			}
			d.put(t, keyOf(kind, 3), instanceID, "")
			if got, want := d.run(t.Context(), t), (counts{ProbeChecked: 3}); got != want {
				t.Errorf("metrics with all rows = %+v, want %+v", got, want)
			}
		})
	}
}

// A row that is written between the two looks was late, not lost.
func TestSecondLook(t *testing.T) {
	t.Parallel()
	d := newDeployment(clerk.Options{})
	d.create(t, directory.KindUser, 1, time.Hour)
	d.probe.SecondLook = 50 * time.Millisecond
	var first, second time.Time
	d.beforeRead = func(n int) {
		if n == 1 {
			first = time.Now()
			return
		}
		second = time.Now()
		d.put(t, keyOf(directory.KindUser, 1), instanceID, "")
	}
	if got, want := d.run(t.Context(), t), (counts{ProbeChecked: 1}); got != want {
		t.Errorf("metrics = %+v, want %+v", got, want)
	}
	if apart := second.Sub(first); d.reads != 2 || apart < d.probe.SecondLook {
		t.Errorf("%d looks, %v apart, want two at least %v apart", d.reads, apart, d.probe.SecondLook)
	}
}

// An instance without objects, or with new ones alone, needs no look at the table.
func TestNothingIsOldEnough(t *testing.T) {
	t.Parallel()
	d := newDeployment(clerk.Options{})
	d.create(t, directory.KindUser, 1, time.Minute)
	if got := d.run(t.Context(), t); got != (counts{}) || d.reads != 0 {
		t.Errorf("metrics = %+v after %d reads, want zeros after none", got, d.reads)
	}
}

// Of thousands only the newest 20 are looked for, and where all are missing, the log names some.
func TestNewestTwenty(t *testing.T) {
	t.Parallel()
	d := newDeployment(clerk.Options{})
	for n := range 30 {
		d.create(t, directory.KindUser, n, time.Duration(n+11)*time.Minute)
	}
	if got, want := d.run(t.Context(), t), (counts{20, 20, 0, 30 * 60}); got != want {
		t.Errorf("metrics = %+v, want %+v", got, want)
	}
	if lines := strings.Count(d.out.String(), "missing in the table"); lines != 10 {
		t.Errorf("%d lines about missing rows, want 10", lines)
	}
}

// Where organizations are switched off, users are looked for all the same.
func TestOrganizationsAreSwitchedOff(t *testing.T) {
	t.Parallel()
	d := newDeployment(clerk.Options{NoOrganizations: true})
	d.create(t, directory.KindUser, 1, time.Hour)
	if got := d.run(t.Context(), t); got.ProbeMissing != 1 || got.ProbeFailed != 0 {
		t.Errorf("metrics = %+v, want the user missing", got)
	}
}

// What says nothing about the table is a failure, and never a missing row. The table is not even read where the key
// is another instance's.
func TestFailedProbes(t *testing.T) {
	t.Parallel()
	others := clerk.New(clerk.Options{ID: "ins_others", Limit: -1})
	for name, c := range map[string]struct {
		options clerk.Options
		change  func(t *testing.T, d *deployment)
		reads   int
		log     string
	}{
		"key of another instance": {
			options: clerk.Options{Answer: func(*http.Request) clerk.Answer { return clerk.Answer{From: others} }},
			log:     "belongs to ins_others, CLERK_INSTANCE_ID names [ins_ours]",
		},
		"rows of another instance": {
			change: func(t *testing.T, d *deployment) {
				t.Helper()
				d.probe.Instances = nil
				d.put(t, keyOf(directory.KindUser, 1), "ins_others", "")
			},
			reads: 1, log: "belongs to ins_ours, the row of user/user_1 to ins_others",
		},
		"bad key": {options: clerk.Options{Key: "sk_test_another"}, log: "clerk_key_invalid"},
		"no key": {
			change: func(_ *testing.T, d *deployment) {
				d.probe.Connect = func(context.Context) (probefn.Clerk, error) {
					return nil, errors.New("ParameterNotFound")
				}
			},
			log: "ParameterNotFound",
		},
		"clocks apart": {
			options: clerk.Options{Answer: func(*http.Request) clerk.Answer { return clerk.Answer{Skew: -time.Hour} }},
			log:     "set the clock",
		},
		"the table cannot be read": {
			change: func(_ *testing.T, d *deployment) { d.readError = errors.New("AccessDeniedException") },
			reads:  1, log: "AccessDeniedException",
		},
		"an object without created_at": {
			change: func(t *testing.T, d *deployment) {
				t.Helper()
				if err := d.clerk.Put(directory.KindOrganization, []byte(`{"id":"organization_9"}`)); err != nil {
					t.Fatal(err)
				}
			},
			log: "created_at",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDeployment(c.options)
			d.create(t, directory.KindUser, 1, time.Hour)
			if c.change != nil {
				c.change(t, d)
			}
			if got := d.run(t.Context(), t); got != (counts{ProbeFailed: 1}) || d.reads != c.reads {
				t.Errorf("metrics = %+v after %d reads, want a failure after %d", got, d.reads, c.reads)
			}
			if !strings.Contains(d.out.String(), c.log) {
				t.Errorf("log = %s, want %q in it", d.out.String(), c.log)
			}
		})
	}
}

// An invocation that runs out of time reports it before Lambda ends the process: while Clerk does not answer, and
// while it waits for the second look.
func TestOutOfTime(t *testing.T) {
	t.Parallel()
	hangs := func(*http.Request) clerk.Answer { return clerk.Answer{Fault: clerk.Hangs} }
	for name, c := range map[string]struct{ options clerk.Options }{
		"Clerk hangs":     {options: clerk.Options{Answer: hangs}},
		"the second look": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDeployment(c.options)
				d.create(t, directory.KindUser, 1, time.Hour)
				d.probe.SecondLook = time.Minute
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if got := d.run(ctx, t); got != (counts{ProbeFailed: 1}) || time.Since(began) != 8*time.Second {
					t.Errorf("metrics = %+v after %v, want a failure two seconds before the deadline of 10s",
						got, time.Since(began))
				}
			})
		})
	}
}

// Where a variable is missing, each probe fails, so that the alarm goes off.
func TestNotConfigured(t *testing.T) {
	t.Parallel()
	d := newDeployment(clerk.Options{})
	d.probe = nil
	if diff := cmp.Diff(counts{ProbeFailed: 1}, d.run(t.Context(), t)); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}
