package directorytest

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/directory"
)

func listings() []Check {
	return []Check{
		{"a listing holds the rows of the prefix in order", listsPrefix},
		{"a listing leaves tombstones out", listsLive},
		{"a listing over 1 MB has every row once", listsPages},
		{"a listing goes on after a row that is gone", listsOn},
		{"a listing of nothing is empty", func(ctx context.Context, t directory.Table) error {
			return lists(ctx, t, "ORG#nobody", directory.PrefixMember)
		}},
	}
}

// lists asks for exactly these rows in this order.
func lists(ctx context.Context, t directory.Table, pk, prefix string, want ...directory.Row) error {
	got, err := walk(ctx, t, pk, prefix)
	if err != nil {
		return err
	}
	name := func(rows []directory.Row) (sks []string) {
		for _, r := range rows {
			sks = append(sks, r.Key().SK)
		}
		return sks
	}
	if diff := cmp.Diff(name(want), name(got)); diff != "" {
		return fmt.Errorf("Live(%s, %s): sort keys differ (-want +got):\n%s", pk, prefix, diff)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("Live(%s, %s) differs (-want +got):\n%.2000s", pk, prefix, diff)
	}
	return nil
}

// child is a row under an organization.
func child(orgID, sk string) directory.Row {
	r := directory.NewRow(directory.Key{PK: "ORG#" + orgID, SK: sk}, directory.KindMembership)
	r[directory.AttrRev] = "1"
	return r
}

func listsPrefix(ctx context.Context, t directory.Table) error {
	ascending := []directory.Row{
		child("o", "MEMBER#"), child("o", "MEMBER#B"), child("o", "MEMBER#a"), child("o", "MEMBER#a!"),
		child("o", "MEMBER#ab"), child("o", "MEMBER#é"), child("o", "MEMBER#\uffff"), child("o", "MEMBER#🚒"),
	}
	others := []directory.Row{
		child("o", "INVITATION#a"), child("o", "MEMBER"), child("o", "MEMBERSHIP#a"), child("o", "ORG"), child("o", "member#a"),
		child("p", "MEMBER#a"), child("o#", "MEMBER#a"), child("", "MEMBER#a"),
	}
	for i := range ascending { // out of order
		if err := put(ctx, t, ascending[(i*5)%len(ascending)], others[i]); err != nil {
			return err
		}
	}
	all := append([]directory.Row{others[0], others[1]}, ascending...)
	all = append(all, others[2], others[3], others[4])
	return steps(
		func() error { return lists(ctx, t, "ORG#o", directory.PrefixMember, ascending...) },
		func() error { return lists(ctx, t, "ORG#p", directory.PrefixMember, others[5]) },
		func() error { return lists(ctx, t, "ORG#o", "", all...) },
	)
}

func listsLive(ctx context.Context, t directory.Table) error {
	gone := func(sk string) directory.Row {
		r := child("o", sk)
		r[directory.AttrDeletedAt] = "2026-03-02T00:00:00.000Z"
		return r
	}
	b, d := child("o", "MEMBER#b"), child("o", "MEMBER#d")
	ended := gone("MEMBER#b")
	ended[directory.AttrRev] = "2"
	return steps(
		func() error { return put(ctx, t, gone("MEMBER#a"), b, gone("MEMBER#c"), d, gone("MEMBER#e")) },
		func() error { return lists(ctx, t, "ORG#o", directory.PrefixMember, b, d) },
		func() error { return write(ctx, t, newer(ended), directory.Written) },
		func() error { return lists(ctx, t, "ORG#o", directory.PrefixMember, d) },
	)
}

// heavy are eight rows of 300 KB, the fourth a tombstone: several pages.
func heavy(ctx context.Context, t directory.Table) (live []directory.Row, err error) {
	for i := range 8 {
		r := child("o", fmt.Sprintf("MEMBER#%d", i))
		r[directory.AttrObject] = strings.Repeat("x", 300_000)
		if i == 3 {
			r[directory.AttrDeletedAt] = "2026-03-02T00:00:00.000Z"
		} else {
			live = append(live, r)
		}
		if err := put(ctx, t, r); err != nil {
			return nil, err
		}
	}
	return live, nil
}

func listsPages(ctx context.Context, t directory.Table) error {
	live, err := heavy(ctx, t)
	if err != nil {
		return err
	}
	return lists(ctx, t, "ORG#o", directory.PrefixMember, live...)
}

func listsOn(ctx context.Context, t directory.Table) error {
	live, err := heavy(ctx, t)
	if err != nil {
		return err
	}
	page, next, err := t.Live(ctx, "ORG#o", directory.PrefixMember, "")
	if err != nil {
		return err
	}
	if next == "" {
		return nil // a table without pages
	}
	w := newer(user("a", "1", ""))
	w.Drop = []directory.Key{{PK: "ORG#o", SK: next}}
	if err := write(ctx, t, w, directory.Written); err != nil {
		return err
	}
	rest, _, err := t.Live(ctx, "ORG#o", directory.PrefixMember, next)
	if err != nil {
		return err
	}
	if len(rest) == 0 || len(page) >= len(live) || rest[0].Key() != live[len(page)].Key() {
		return fmt.Errorf("Live after %s, which is gone, does not go on with the row behind it", next)
	}
	return nil
}
