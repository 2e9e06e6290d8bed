package deployment_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
)

// keysOf are the partition keys of a listing's rows.
func keysOf(rows []deployment.Record) (keys []string) {
	for _, r := range rows {
		keys = append(keys, r.Text("pk"))
	}
	return keys
}

// putDirectory fills the table with a few rows of each kind that can be found.
func putDirectory(s *deploymenttest.Stack) {
	for _, row := range []map[string]string{
		{
			"pk": "USER#user_1", "sk": "USER", "kind": "user", "id": "user_1", "synced_at": "2026-01-01T00:00:01.000Z",
			"email": "ada@example.com", "by_email": "ada@example.com", "first_name": "Ada", "last_name": "King",
			"username": "ada", "by_username": "ada", "external_id": "ext-1", "by_external_id": "ext-1",
		},
		{
			"pk": "USER#user_10", "sk": "USER", "kind": "user", "id": "user_10",
			"synced_at": "2026-01-01T00:00:02.000Z",
			"email":     "adam@example.com", "by_email": "adam@example.com",
		},
		{ // soft: deleted, out of the indexes
			"pk": "USER#user_2", "sk": "USER", "kind": "user", "id": "user_2", "synced_at": "2026-01-01T00:00:03.000Z",
			"email": "gone@example.com", "deleted_at": "2026-01-01T00:00:03.000Z",
		},
		{ // hard: its key alone
			"pk": "USER#user_3", "sk": "USER", "kind": "user", "synced_at": "2026-01-01T00:00:04.000Z",
			"deleted_at": "2026-01-01T00:00:04.000Z",
		},
		{
			"pk": "ORG#org_1", "sk": "ORG", "kind": "organization", "id": "org_1", "name": "Lumen & Oak",
			"slug": "lumen-oak", "by_slug": "lumen-oak", "synced_at": "2026-01-01T00:00:05.000Z",
		},
		{
			"pk": "ORG#org_1", "sk": "MEMBER#user_1", "kind": "membership", "id": "orgmem_1", "user_id": "user_1",
			"org_id": "org_1", "synced_at": "2026-01-01T00:00:06.000Z",
		},
		{
			"pk": "USER#user_1", "sk": "MEMBERSHIP#org_1", "kind": "membership_of", "id": "orgmem_1",
			"synced_at": "2026-01-01T00:00:06.000Z",
		},
	} {
		s.PutRow(s.Pipeline.DirectoryTable, row)
	}
}

// A row is found by every name of its own, in a table in memory and by lookups
// alone; what is deleted is found where that is asked for.
func TestSearchFindsByEveryName(t *testing.T) {
	t.Parallel()
	s := deploymenttest.New(t)
	putDirectory(s)
	rows := find(t, s).Rows()
	for _, tt := range []struct {
		name    string
		filter  deployment.Filter
		listed  []string
		looked  []string // by Lookup, which reads no more than keys and indexes
		differs bool     // looked is not listed
	}{
		{
			name: "id, not those that begin with it", filter: deployment.Filter{Query: "user_1"},
			listed: []string{"USER#user_1"},
		},
		{name: "e-mail", filter: deployment.Filter{Query: "ADA@example.com"}, listed: []string{"USER#user_1"}},
		{name: "username", filter: deployment.Filter{Query: "ada"}, listed: []string{"USER#user_1"}},
		{name: "external id", filter: deployment.Filter{Query: "ext-1"}, listed: []string{"USER#user_1"}},
		{name: "slug", filter: deployment.Filter{Query: "lumen-oak"}, listed: []string{"ORG#org_1"}},
		{
			name:   "a pointer by its membership's id",
			filter: deployment.Filter{Query: "orgmem_1", Kind: deployment.AnyPointer}, differs: true,
			listed: []string{"USER#user_1"},
		},
		{name: "other kind", filter: deployment.Filter{Query: "lumen-oak", Kind: "user"}},
		{
			name: "prefix", filter: deployment.Filter{Query: "ada@"}, differs: true,
			listed: []string{"USER#user_1"},
		},
		{
			name: "prefix of several", filter: deployment.Filter{Query: "user_"}, differs: true,
			listed: []string{"USER#user_10", "USER#user_1"},
		},
		{
			name: "full name", filter: deployment.Filter{Query: "ada ki"}, differs: true,
			listed: []string{"USER#user_1"},
		},
		{
			name: "a membership by its own id", filter: deployment.Filter{Query: "orgmem_1"}, differs: true,
			listed: []string{"ORG#org_1"},
		},
		{
			name: "deleted by id", filter: deployment.Filter{Query: "user_2", Deleted: true},
			listed: []string{"USER#user_2"},
		},
		{name: "deleted by id, unasked", filter: deployment.Filter{Query: "user_2"}},
		{
			name: "deleted by e-mail", filter: deployment.Filter{Query: "gone@example.com", Deleted: true},
			differs: true,
			listed:  []string{"USER#user_2"},
		},
		{name: "deleted by e-mail, unasked", filter: deployment.Filter{Query: "gone@example.com"}},
		{
			name: "deleted for good by id", filter: deployment.Filter{Query: "user_3", Deleted: true},
			listed: []string{"USER#user_3"},
		},
		{name: "nothing", filter: deployment.Filter{Query: "nobody"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, err := rows.List(t.Context(), tt.filter, "", 10)
			if diff := cmp.Diff(tt.listed, keysOf(l.Rows)); err != nil || diff != "" {
				t.Errorf("List(%+v) = %v (-want +got):\n%s", tt.filter, err, diff)
			}
			if !tt.differs {
				tt.looked = tt.listed
			}
			found, err := rows.Lookup(t.Context(), tt.filter)
			if diff := cmp.Diff(tt.looked, keysOf(found)); err != nil || diff != "" {
				t.Errorf("Lookup(%+v) = %v (-want +got):\n%s", tt.filter, err, diff)
			}
		})
	}
}

// Pages of a listing have each row once, the newest first, however many share a
// time, and those of a scan have each once, too.
func TestListingHasEachRowOnce(t *testing.T) {
	t.Parallel()
	s := deploymenttest.New(t)
	var want []string
	for i := range 23 {
		pk := fmt.Sprintf("USER#user_%02d", i)
		s.PutRow(s.Pipeline.DirectoryTable, map[string]string{
			"pk": pk, "sk": "USER", "kind": "user", "synced_at": fmt.Sprintf("2026-01-01T00:00:%02d.000Z", i/5),
		})
		want = append(want, pk)
	}
	slices.Reverse(want)
	rows := find(t, s).Rows()
	read := func(page func(after string) (deployment.Listing, error)) (got []string) {
		for after, n := "", 0; n == 0 || after != ""; n++ {
			l, err := page(after)
			if err != nil || n > len(want) {
				t.Fatalf("page %d: %v", n, err)
			}
			got, after = append(got, keysOf(l.Rows)...), l.Next
		}
		return got
	}
	got := read(func(after string) (deployment.Listing, error) {
		return rows.List(t.Context(), deployment.Filter{}, after, 7)
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("List, page by page (-want +got):\n%s", diff)
	}
	got = read(func(after string) (deployment.Listing, error) {
		return rows.ScanList(t.Context(), deployment.Filter{Kind: "user"}, after, 7)
	})
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ScanList, page by page (-want +got):\n%s", diff)
	}
}

// Members come page by page in the order of their keys, with tombstones where
// those are asked for.
func TestBelowPages(t *testing.T) {
	t.Parallel()
	s := deploymenttest.New(t)
	for i := range 5 {
		row := map[string]string{"pk": "ORG#o", "sk": fmt.Sprintf("MEMBER#%d", i), "kind": "membership"}
		if i == 1 {
			row["deleted_at"] = "2026-01-01T00:00:00.000Z"
		}
		s.PutRow(s.Pipeline.DirectoryTable, row)
	}
	s.PutRow(s.Pipeline.DirectoryTable, map[string]string{"pk": "ORG#o", "sk": "ORG", "kind": "organization"})
	rows := find(t, s).Rows()
	for deleted, want := range map[bool][]string{false: {"0", "2", "3", "4"}, true: {"0", "1", "2", "3", "4"}} {
		var got []string
		for after, first := "", true; first || after != ""; first = false {
			l, err := rows.Below(t.Context(), "ORG#o", "MEMBER#", deleted, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range l.Rows {
				got = append(got, r.ID())
			}
			after = l.Next
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Below, deleted %t (-want +got):\n%s", deleted, diff)
		}
	}
}
