package readertest

import (
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/reader"
)

func checkMembers(f *fixture) {
	f.apply(
		User("created", instance, "user_1", 1, `"first_name":"Ada"`),
		User("created", instance, "user_2", 1, `"first_name":"Bo"`),
		Member("created", instance, "org_1", "user_2", "org:member", 1),
		Member("created", instance, "org_1", "user_1", "org:admin", 1),
		Member("created", instance, "org_1", "user_3", "org:member", 1), // whose own event is on its way
		Member("created", instance, "org_1", "user_4", "org:member", 1),
		Member("deleted", instance, "org_1", "user_4", "org:member", 2),
		Event("organizationInvitation.created", instance, 1, `"id":"orginv_1","organization_id":"org_1"`),
		User("updated", instance, "user_2", 3, `"first_name":"Bob"`))
	var got []string
	for m, err := range f.reader().Members(f.Context(), "org_1") {
		if err != nil {
			f.Fatal(err)
		}
		name := "none"
		if m.User != nil {
			name = m.User.FirstName
		}
		got = append(got, fmt.Sprintf("%s %s %s", m.UserID, m.Role, name))
	}
	want := []string{"user_1 org:admin Ada", "user_2 org:member Bob", "user_3 org:member none"}
	if diff := cmp.Diff(want, got); diff != "" {
		f.Errorf("members differ (-want +got):\n%s", diff)
	}
}

// members lists the ids of the members' users, at most so many.
func (f *fixture) members(most int, options ...reader.ListOption) (ids []string) {
	f.Helper()
	for m, err := range f.reader().Members(f.Context(), "org_1", options...) {
		if err != nil {
			f.Fatal(err)
		}
		if ids = append(ids, m.UserID); len(ids) == most {
			break
		}
	}
	return ids
}

func checkPages(f *fixture) {
	var all []string
	for i := range 9 {
		id := fmt.Sprint("user_", i)
		f.apply(Member("created", instance, "org_1", id, "org:member", 1))
		if i == 3 || i == 4 || i == 8 { // whole pages, and the last one, of tombstones
			f.apply(Member("deleted", instance, "org_1", id, "org:member", 2))
			continue
		}
		all = append(all, id)
	}
	for _, size := range []int{-1, 1, 2, 3, 5, 100, 5000} {
		if diff := cmp.Diff(all, f.members(100, reader.PageSize(size))); diff != "" {
			f.Errorf("members in pages of %d differ (-want +got):\n%s", size, diff)
		}
		var got []string
		for after := ""; ; after = got[len(got)-1] {
			page := f.members(2, reader.PageSize(size), reader.After(after))
			if got = append(got, page...); len(page) < 2 {
				break
			}
		}
		if diff := cmp.Diff(all, got); diff != "" {
			f.Errorf("members, two a request, in pages of %d differ (-want +got):\n%s", size, diff)
		}
	}
	// The row to go on behind may have gone, or may never have been there.
	for after, first := range map[string]string{"user_3": "user_5", "user_20": "user_5", "user_": "user_0"} {
		if got := f.members(1, reader.After(after)); !slices.Equal(got, []string{first}) {
			f.Errorf("members after %s = %v, want %s first", after, got, first)
		}
	}
}

func checkMemberships(f *fixture) {
	f.apply(
		Member("created", instance, "org_2", "user_1", "org:member", 1),
		Member("created", instance, "org_1", "user_1", "org:admin", 1),
		Member("created", instance, "org_3", "user_1", "org:admin", 1),
		Member("deleted", instance, "org_3", "user_1", "org:admin", 2),
		Member("created", instance, "org_4", "user_2", "org:admin", 1),
		User("created", instance, "user_1", 1))
	list := func(options ...reader.ListOption) (got []string) {
		for m, err := range f.reader().Memberships(f.Context(), "user_1", options...) {
			if err != nil {
				f.Fatal(err)
			}
			got = append(got, m.OrganizationID+" "+m.Role)
		}
		return got
	}
	want := []string{"org_1 org:admin", "org_2 org:member"}
	if diff := cmp.Diff(want, list(reader.PageSize(1))); diff != "" {
		f.Errorf("memberships differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[1:], list(reader.After("org_1"))); diff != "" {
		f.Errorf("memberships after org_1 differ (-want +got):\n%s", diff)
	}
}
