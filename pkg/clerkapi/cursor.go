package clerkapi

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strconv"

	"github.com/clerksync/clerksync/pkg/clerk"
)

// maxCursors is how many users of the last page are tried as the cursor, the
// last one first, before the list is entered by time instead.
const maxCursors = 8

// UserPages is Pages for the users of one window. Several windows may be read
// at once. The list is read by a cursor, the last user of the page before, so
// no deletion shifts it.
func (c *Client) UserPages(ctx context.Context, w Window, from Position) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		l := newListing(from)
		for {
			page, err := c.userPage(ctx, w, l)
			if err != nil {
				yield(Page{}, err)
				return
			}
			length, before := len(page.Objects), l.lastID()
			added := l.add(page.Objects)
			if length == pageSize && len(added) == 0 && l.lastID() == before {
				yield(Page{}, fmt.Errorf("read /users: %w: the list does not go on after its cursor", ErrMalformed))
				return
			}
			page.Objects = w.filter(added)
			page.Next = Position{ID: l.lastID(), CreatedAt: l.last}
			// Only a short page is the last one: Clerk gives the list no total.
			if !yield(page, nil) || length < pageSize {
				return
			}
		}
	}
}

// userPage reads the page after the last one. The user that the cursor names
// may have been deleted, and what Clerk answers then is not documented: after any
// refusal the user before it is tried. What is read twice by this, l filters out.
func (c *Client) userPage(ctx context.Context, w Window, l *listing) (page Page, err error) {
	for i := range min(len(l.recent), maxCursors) {
		q := w.query(w.From)
		q.Set("starting_after", l.recent[len(l.recent)-1-i])
		if page, err = c.list(ctx, "/users", q); !isClientError(err) {
			return page, err
		}
	}
	// Without a cursor the list begins at the creation of the last user. If the
	// refusals had another reason, they have it here too.
	return c.list(ctx, "/users", w.query(max(w.From, l.last)))
}

// query asks for a page of users from a time on. Whether Clerk's bounds are
// inclusive is not documented: after from - 1 covers from either way, and filter
// leaves out what is beyond the window.
func (w Window) query(from clerk.Millis) url.Values {
	q := url.Values{"order_by": {"created_at"}, "limit": {strconv.Itoa(pageSize)}}
	if from > 0 {
		q.Set("created_at_after", strconv.FormatInt(int64(from-1), 10))
	}
	if w.To > 0 {
		q.Set("created_at_before", strconv.FormatInt(int64(w.To), 10))
	}
	return q
}

// filter leaves out the objects that other windows have. One without a time
// that can be read is in every window that lists it.
func (w Window) filter(objects []clerk.Object) (inside []clerk.Object) {
	for _, o := range objects {
		if t := createdAt(o); t == 0 || t >= w.From && (w.To == 0 || t < w.To) {
			inside = append(inside, o)
		}
	}
	return inside
}
