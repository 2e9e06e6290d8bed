package reader

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/clerksync/clerksync/pkg/directory"
)

// defaultPageSize is the number of rows that one query reads, tombstones
// included, and so of users that one BatchGetItem reads: its limit is 100.
const defaultPageSize = 100

// Member is a membership with its user.
type Member struct {
	Membership
	// User is the user's own row as it is now. It is nil where the table has no live
	// one: the user's event may be on its way, or the user is being deleted.
	User *User
}

// listing is what the options of a list say.
type listing struct {
	after    string
	pageSize int32
}

// ListOption changes a list.
type ListOption func(*listing)

// After begins the list behind a row: behind the user with that id for Members,
// behind the organization for Memberships. It is how to go on with the next page
// in another request, and it may name a row that is not there.
func After(id string) ListOption { return func(l *listing) { l.after = id } }

// PageSize sets how many rows a request reads, 1 to 100; it is 100 otherwise.
// Whoever needs the first 20 alone reads less with it.
func PageSize(n int) ListOption {
	return func(l *listing) { l.pageSize = int32(min(max(n, 1), defaultPageSize)) }
}

// Members lists the members of an organization by their users' ids, each with
// the user's own row. It reads page by page, as the loop asks for more: a Query
// and a BatchGetItem each, both consistent. Pages are read at different times,
// so a member who joins meanwhile may or may not be among them. An error ends
// the list. An organization that the table does not know has no members.
func (r *Reader) Members(ctx context.Context, organizationID string, options ...ListOption) iter.Seq2[Member, error] {
	pk := directory.OrganizationKey(organizationID).PK
	return func(yield func(Member, error) bool) {
		for page, err := range r.pages(ctx, pk, directory.PrefixMember, options) {
			var members []Member
			if err == nil {
				members, err = r.withUsers(ctx, page)
			}
			if err != nil {
				yield(Member{}, fmt.Errorf("read members: %w", err))
				return
			}
			for _, m := range members {
				if !yield(m, nil) {
					return
				}
			}
		}
	}
}

// withUsers reads the users of one page of memberships.
func (r *Reader) withUsers(ctx context.Context, page []directory.Row) ([]Member, error) {
	members := make([]Member, len(page))
	keys := make([]directory.Key, len(page))
	for i, row := range page {
		members[i].Membership = newMembership(row)
		keys[i] = directory.UserKey(members[i].UserID)
	}
	users, err := r.rows.Read(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for i, row := range users {
		switch row, err := r.check(row); {
		case err == nil:
			u := newUser(row)
			members[i].User = &u
		case !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrDeleted):
			return nil, err
		}
	}
	return members, nil
}

// Memberships lists the memberships of a user by their organizations' ids. It
// reads page by page, as the loop asks for more, consistently; they have no
// Object, because the rows below a user do not. An error ends the list. A user
// whom the table does not know has no memberships.
func (r *Reader) Memberships(ctx context.Context, userID string, options ...ListOption) iter.Seq2[Membership, error] {
	pk := directory.UserKey(userID).PK
	return func(yield func(Membership, error) bool) {
		for page, err := range r.pages(ctx, pk, directory.PrefixMembership, options) {
			if err != nil {
				yield(Membership{}, fmt.Errorf("read memberships: %w", err))
				return
			}
			for _, row := range page {
				if !yield(newMembership(row), nil) {
					return
				}
			}
		}
	}
}

// pages lists the live rows of the reader's instance below a partition key whose
// sort keys have the prefix, page by page. A page may be empty and not the last.
func (r *Reader) pages(
	ctx context.Context, pk, prefix string, options []ListOption,
) iter.Seq2[[]directory.Row, error] {
	l := listing{pageSize: defaultPageSize}
	for _, o := range options {
		o(&l)
	}
	start := ""
	if l.after != "" {
		start = prefix + l.after
	}
	return func(yield func([]directory.Row, error) bool) {
		if !(directory.Key{PK: pk, SK: prefix + l.after}).Valid() {
			return // no row has such a key
		}
		for after := start; ; {
			rows, next, err := r.rows.LivePage(ctx, pk, prefix, after, l.pageSize)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(slices.DeleteFunc(rows, r.isForeign), nil) || next == "" {
				return
			}
			after = next
		}
	}
}
