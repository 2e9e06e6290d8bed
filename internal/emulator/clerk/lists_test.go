package clerk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

func TestListsAreFilteredAndSorted(t *testing.T) {
	t.Parallel()
	i := company(t, clerk.Options{}, week()...)
	for name, row := range map[string]struct {
		path string
		want []string
	}{
		"newest first":      {path: "/users", want: []string{ines, jonah, mara}},
		"oldest first":      {path: "/users?order_by=created_at", want: []string{mara, jonah, ines}},
		"a plus is a space": {path: "/users?order_by=%2Bcreated_at&limit=2", want: []string{mara, jonah}},
		"by first name":     {path: "/users?order_by=first_name", want: []string{ines, jonah, mara}},
		"by e-mail":         {path: "/users?order_by=-email_address", want: []string{mara, jonah, ines}},
		"by update":         {path: "/users?order_by=updated_at&limit=1", want: []string{mara}},
		"only the first order": {
			path: "/users?order_by=created_at&order_by=-created_at&limit=1", want: []string{mara},
		},
		"offset":        {path: "/users?offset=2", want: []string{mara}},
		"offset beyond": {path: "/users?offset=9"},
		"after": {
			path: "/users?order_by=created_at&starting_after=" + mara, want: []string{jonah, ines},
		},
		"after, newest first":     {path: "/users?starting_after=" + jonah, want: []string{mara}},
		"by id":                   {path: "/users?user_id=" + mara + "&user_id=user_gone", want: []string{mara}},
		"by id, with a plus":      {path: "/users?user_id=%2B" + mara, want: []string{mara}},
		"without one":             {path: "/users?user_id=-" + mara, want: []string{ines, jonah}},
		"by external id":          {path: "/users?external_id=lo-0002", want: []string{jonah}},
		"by e-mail address":       {path: "/users?email_address=jonah%40lumenoak.example", want: []string{jonah}},
		"by search":               {path: "/users?query=JONAH", want: []string{jonah}},
		"by search for an id":     {path: "/users?query=" + mara, want: []string{mara}},
		"of an organization":      {path: "/users?organization_id=" + lumen, want: []string{ines, jonah, mara}},
		"banned":                  {path: "/users?banned=true"},
		"before":                  {path: "/users?created_at_before=1772447507118", want: []string{mara}},
		"after a time":            {path: "/users?created_at_after=1772447507118", want: []string{ines}},
		"organizations of":        {path: "/organizations?user_id=" + jonah, want: []string{lumen}},
		"organizations of no one": {path: "/organizations?user_id=user_gone"},
		"organization by id":      {path: "/organizations?organization_id=" + lumen, want: []string{lumen}},
		"organization by search":  {path: "/organizations?query=oak", want: []string{lumen}},
		"role by id":              {path: "/organization_roles?query=" + producer, want: []string{producer}},
		"domain by name":          {path: "/organization_domains?domains=lumenoak.example", want: []string{domain}},
		"domain, other name":      {path: "/organization_domains?domains=other.example"},
		"domain of":               {path: "/organization_domains?query=" + lumen, want: []string{domain}},
		"invitation by status":    {path: "/organization_invitations?status=accepted", want: []string{invitation}},
		"no such invitation":      {path: "/organization_invitations?status=pending"},
		"members, by first name": {
			path: "/organizations/" + lumen + "/memberships?order_by=first_name&limit=1", want: []string{inesMember},
		},
		"members of another": {path: "/organizations/org_other/memberships"},
		"domains of another": {path: "/organizations/org_other/domains"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := get(t, i, row.path)
			if d := cmp.Diff(row.want, got.ids()); got.status != 200 || d != "" {
				t.Errorf("GET %s = %d (-want +got):\n%s", row.path, got.status, d)
			}
		})
	}
	if got := get(t, i, "/users/count?created_at_before=1772447507119"); got.at("total_count") != 2.0 {
		t.Errorf("count = %s, want 2", got.text)
	}
	got := get(t, i, "/organization_memberships?limit=1&offset=1")
	if len(got.ids()) != 1 || got.at("total_count") != 3.0 {
		t.Errorf("memberships = %s, want one of 3", got.text)
	}
	if got := get(t, i, "/users?limit=1"); strings.Contains(got.text, "total") || got.text[0] != '[' {
		t.Errorf("users = %s, want a bare array", got.text)
	}
}

func TestBoundsMayIncludeTheirTime(t *testing.T) {
	t.Parallel()
	i := company(t, clerk.Options{InclusiveBounds: true}, week()...)
	if got := get(t, i, "/users?created_at_before=1772447507118").ids(); !slices.Contains(got, jonah) {
		t.Errorf("users = %v, want Jonah among them", got)
	}
}

func TestDefaultPageIsTen(t *testing.T) {
	t.Parallel()
	i := clerk.New(clerk.Options{})
	for k := range 12 {
		if err := i.Put(directory.KindUser, fmt.Appendf(nil, `{"id":"u%d","created_at":1}`, k)); err != nil {
			t.Fatal(err)
		}
	}
	if got := get(t, i, "/users").ids(); len(got) != 10 {
		t.Errorf("%d users, want 10", len(got))
	}
}
