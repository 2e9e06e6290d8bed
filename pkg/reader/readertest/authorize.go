package readertest

import (
	"errors"
	"time"

	"github.com/clerksync/clerksync/pkg/reader"
)

// wantAllowed checks an answer of Authorize. known is false where the table
// does not have what the answer hangs on.
func (f *fixture) wantAllowed(r *reader.Reader, user, org, permission string, want, known bool) {
	f.Helper()
	got, err := r.Authorize(f.Context(), user, org, permission)
	if got != want || known != (err == nil) || !known && !errors.Is(err, reader.ErrNotFound) {
		f.Errorf("Authorize(%s, %s, %s) = %t, %v, want %t, known = %t", user, org, permission, got, err, want, known)
	}
}

func checkAuthorize(f *fixture) {
	f.apply(
		Role("created", instance, "role_a", "org:admin", 1, "org:read", "org:write"),
		Role("created", instance, "role_m", "org:member", 1, "org:read"),
		Role("created", instance, "role_n", "org:none", 1),
		Member("created", instance, "org_1", "user_1", "org:admin", 1),
		Member("created", instance, "org_1", "user_2", "org:member", 1),
		Member("created", instance, "org_1", "user_3", "org:unknown", 1),
		Member("created", instance, "org_1", "user_4", "org:none", 1),
		Member("created", instance, "org_1", "user_5", "", 1))
	r := f.reader()
	f.wantAllowed(r, "user_1", "org_1", "org:write", true, true)
	f.wantAllowed(r, "user_1", "org_1", "org:copied:in", false, true) // which the membership alone has
	f.wantAllowed(r, "user_1", "org_1", "", false, true)
	f.wantAllowed(r, "user_1", "org_1", "org:writ", false, true)
	f.wantAllowed(r, "user_2", "org_1", "org:read", true, true)
	f.wantAllowed(r, "user_2", "org_1", "org:write", false, true)
	f.wantAllowed(r, "user_4", "org_1", "org:read", false, true)
	f.wantAllowed(r, "user_9", "org_1", "org:read", false, true)
	f.wantAllowed(r, "user_1", "org_2", "org:read", false, true)
	f.wantAllowed(r, "user_3", "org_1", "org:read", false, false)
	f.wantAllowed(r, "user_5", "org_1", "org:read", false, false)

	// A member who gets another role, or leaves, is seen at once, whatever is kept.
	f.apply(
		Member("updated", instance, "org_1", "user_1", "org:member", 2),
		Member("deleted", instance, "org_1", "user_2", "org:member", 2))
	f.wantAllowed(r, "user_1", "org_1", "org:write", false, true)
	f.wantAllowed(r, "user_2", "org_1", "org:read", false, true)

	// A role that changes its key, or is deleted, is known by its former one no longer.
	f.apply(
		Role("updated", instance, "role_m", "org:guest", 3, "org:read"),
		Member("updated", instance, "org_1", "user_3", "org:guest", 3))
	f.wantAllowed(f.reader(), "user_1", "org_1", "org:read", false, false)
	f.wantAllowed(f.reader(), "user_3", "org_1", "org:read", true, true)
	f.apply(Event("role.deleted", instance, 4, `"id":"role_m","deleted":true`))
	f.wantAllowed(f.reader(), "user_3", "org_1", "org:read", false, false)
}

func checkRolesOfInstances(f *fixture) {
	f.apply(
		Role("created", "ins_1", "role_1", "org:admin", 1, "org:one"),
		Role("created", "ins_2", "role_2", "org:admin", 2, "org:two"),
		Member("created", "ins_1", "org_1", "user_1", "org:admin", 1),
		Member("created", "ins_2", "org_2", "user_2", "org:admin", 1),
		Member("created", "ins_3", "org_3", "user_3", "org:admin", 1))
	r := f.reader()
	f.wantAllowed(r, "user_1", "org_1", "org:one", true, true)
	f.wantAllowed(r, "user_1", "org_1", "org:two", false, true)
	f.wantAllowed(r, "user_2", "org_2", "org:two", true, true)
	f.wantAllowed(r, "user_2", "org_2", "org:one", false, true)
	f.wantAllowed(r, "user_3", "org_3", "org:one", false, false)
}

// The deletion of the former role is on its way.
func checkKeyUsedAgain(f *fixture) {
	f.apply(
		Role("created", instance, "role_9", "org:admin", 1, "org:old"),
		Role("created", instance, "role_1", "org:admin", 2, "org:new"),
		Member("created", instance, "org_1", "user_1", "org:admin", 1))
	f.wantAllowed(f.reader(), "user_1", "org_1", "org:new", true, true)
	f.wantAllowed(f.reader(), "user_1", "org_1", "org:old", false, true)
}

func checkKeptRole(f *fixture) {
	f.apply(
		Role("created", instance, "role_1", "org:admin", 1, "org:old"),
		Member("created", instance, "org_1", "user_1", "org:admin", 1))
	now := SyncedAt()
	r := f.reader(reader.WithClock(func() time.Time { return now }))
	f.wantAllowed(r, "user_1", "org_1", "org:old", true, true)
	f.apply(Role("updated", instance, "role_1", "org:admin", 2, "org:new"))
	now = now.Add(30*time.Second - time.Millisecond)
	f.wantAllowed(r, "user_1", "org_1", "org:old", true, true)
	now = now.Add(time.Millisecond)
	f.wantAllowed(r, "user_1", "org_1", "org:old", false, true)
	f.wantAllowed(r, "user_1", "org_1", "org:new", true, true)
}
