package directorytest

import (
	"context"
	"fmt"
	"strings"

	"github.com/clerksync/clerksync/pkg/directory"
)

// listings find the children of a deleted row. A child that is not listed lives
// on, so they are complete: over pages, while rows come and go, and right after
// a write.
func listings() []Check {
	b, d := child("o", "MEMBER#b"), child("o", "MEMBER#d")
	deletedB := tombstone(b)
	deletedB[directory.AttrRev] = "2"
	large, largeAndLive := largeChildren()
	deleted := func(sk string) directory.Row { return tombstone(child("o", sk)) }
	return []Check{
		check("a listing holds the rows of the prefix in order", listsPrefix()),
		check("a listing leaves tombstones out",
			put(deleted("MEMBER#a"), b, deleted("MEMBER#c"), d, deleted("MEMBER#e")),
			listing("ORG#o", directory.PrefixMember, b, d),
			write(newer(deletedB), written),
			listing("ORG#o", directory.PrefixMember, d),
		),
		check("a listing over 1 MB has every row once",
			put(large...),
			listing("ORG#o", directory.PrefixMember, largeAndLive...),
		),
		check("a listing goes on after a row that is gone", listsOn),
		check("a listing of nothing is empty", listing("ORG#unknown", directory.PrefixMember)),
	}
}

// child is a row under an organization.
func child(orgID, sk string) directory.Row {
	r := directory.NewRow(directory.Key{PK: "ORG#" + orgID, SK: sk}, directory.KindMembership)
	r[directory.AttrRev] = "1"
	return r
}

// listsPrefix puts rows in another order than that of their keys, among others
// whose keys come close.
func listsPrefix() step {
	var members, others []directory.Row
	for _, sk := range []string{"", "B", "a", "a!", "ab", "é", "\uffff", "🚒"} { // in their order
		members = append(members, child("o", directory.PrefixMember+sk))
	}
	for _, sk := range []string{"INVITATION#a", "MEMBER", "MEMBERSHIP#a", "ORG", "member#a"} { // in their order
		others = append(others, child("o", sk))
	}
	elsewhere := []directory.Row{child("p", "MEMBER#a"), child("o#", "MEMBER#a"), child("", "MEMBER#a")}
	var all []step
	for i := range members {
		all = append(all, put(members[(i*5)%len(members)]))
	}
	below := append(append(append([]directory.Row{}, others[:2]...), members...), others[2:]...)
	return steps(append(all,
		put(others...),
		put(elsewhere...),
		listing("ORG#o", directory.PrefixMember, members...),
		listing("ORG#p", directory.PrefixMember, elsewhere[0]),
		listing("ORG#o", "", below...),
	)...)
}

// largeChildren are eight rows of 300 KB, the fourth a tombstone: several pages.
func largeChildren() (all, live []directory.Row) {
	for i := range 8 {
		r := child("o", fmt.Sprintf("MEMBER#%d", i))
		r[directory.AttrObject] = strings.Repeat("x", 300_000)
		if i == 3 {
			all = append(all, tombstone(r))
			continue
		}
		all, live = append(all, r), append(live, r)
	}
	return all, live
}

// listsOn deletes the row at which a page stopped, as the deletion of children
// does between two pages.
func listsOn(ctx context.Context, t directory.Table) error {
	all, live := largeChildren()
	if err := put(all...)(ctx, t); err != nil {
		return err
	}
	page, next, err := t.Live(ctx, "ORG#o", directory.PrefixMember, "")
	if err != nil || next == "" { // a table without pages
		return err
	}
	w := newer(user("a", "1", ""))
	w.Drop = []directory.Key{{PK: "ORG#o", SK: next}}
	if err := write(w, written)(ctx, t); err != nil {
		return err
	}
	rest, _, err := t.Live(ctx, "ORG#o", directory.PrefixMember, next)
	if err != nil {
		return err
	}
	if len(rest) == 0 || len(page) >= len(live) || rest[0].Key() != live[len(page)].Key() {
		return fmt.Errorf("Live after %s, which is gone, does not go on with the row after it", next)
	}
	return nil
}
