package clerkapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strconv"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
)

// pageSize is the most that Clerk gives in one answer.
const pageSize = 500

// Page is what one answer added to a list.
type Page struct {
	Read
	Objects []clerk.Object // those that no page before had, oldest first
	Total   int64          // how many there are by Clerk's own count; -1 for users, whose list has none
	Next    Position       // where the list goes on
}

// Position is a place between two objects of a list. The zero Position is the
// beginning. It can be kept, and the list goes on from there in another
// process: the object that it names is found again, or what came after it.
type Position struct {
	Offset    int          `json:"offset,omitempty"` // unless the list is of users
	ID        string       `json:"id,omitempty"`     // of the last object that was read
	CreatedAt clerk.Millis `json:"created_at,omitempty"`
}

// Window is the users that were created at From or later and before To, in
// Unix milliseconds. Zero means no bound.
type Window struct {
	From clerk.Millis `json:"from,omitempty"`
	To   clerk.Millis `json:"to,omitempty"`
}

// Split divides a window with both bounds into n, or fewer if it is short, of
// the same length. Each user is in exactly one of them.
func (w Window) Split(n int) (parts []Window) {
	length := (w.To - w.From) / clerk.Millis(max(n, 1))
	for i := 1; i < n && length > 0; i++ {
		parts = append(parts, Window{From: w.From, To: w.From + length})
		w.From += length
	}
	return append(parts, w)
}

// Pages reads the list of one kind (directory.KindUser and so on), oldest
// first, from a position. Objects that are created, changed or deleted meanwhile
// may or may not be in it; every other one is there once. It ends after the
// first error. That an object is in no page proves nothing.
func (c *Client) Pages(ctx context.Context, kind string, from Position) iter.Seq2[Page, error] {
	if kind == directory.KindUser {
		return c.UserPages(ctx, Window{}, from)
	}
	return c.offsetPages(ctx, listPath(kind), from)
}

// Newest reads the n objects of a kind, at most 500, that were created last,
// the newest first.
func (c *Client) Newest(ctx context.Context, kind string, n int) (Page, error) {
	q := url.Values{"order_by": {"-created_at"}, "limit": {strconv.Itoa(n)}}
	return c.list(ctx, listPath(kind), q)
}

// Count returns how many objects of a kind there are by Clerk's own count.
func (c *Client) Count(ctx context.Context, kind string) (int64, error) {
	if kind != directory.KindUser {
		page, err := c.list(ctx, listPath(kind), url.Values{"limit": {"1"}})
		return page.Total, err
	}
	var total int64
	_, err := c.get(ctx, "/users/count", nil, func(body []byte) (err error) {
		answer, _ := clerk.ParseObject(body)
		total, err = totalOf(answer)
		return err
	})
	return total, err
}

// UserWindow returns the window from the oldest user to the newest, its bounds
// included. ok is false where there are no users.
func (c *Client) UserWindow(ctx context.Context) (w Window, ok bool, err error) {
	for order, bound := range map[string]*clerk.Millis{"created_at": &w.From, "-created_at": &w.To} {
		page, err := c.list(ctx, "/users", url.Values{"order_by": {order}, "limit": {"1"}})
		if err != nil || len(page.Objects) == 0 {
			return Window{}, false, err
		}
		if *bound, err = page.Objects[0].Time("created_at"); err != nil {
			return Window{}, false, fmt.Errorf("read the bounds of /users: %w", err)
		}
	}
	w.To++
	return w, w.From < w.To, nil // the newest may have been deleted between the two answers
}

// listPath is the list of a kind over the whole instance.
func listPath(kind string) string {
	switch kind {
	case directory.KindUser, directory.KindOrganization:
		return "/" + kind + "s"
	default: // memberships, invitations, domains, roles, permissions
		return "/organization_" + kind + "s"
	}
}

// list reads one answer of a list: a bare array (of users) or an object with
// data and total_count.
func (c *Client) list(ctx context.Context, path string, q url.Values) (page Page, err error) {
	page.Read, err = c.get(ctx, path, q, func(body []byte) (err error) {
		page.Objects, page.Total, err = parseList(body, path == "/users")
		return err
	})
	return page, err
}

func parseList(body []byte, bare bool) (objects []clerk.Object, total int64, err error) {
	text, total := json.RawMessage(body), int64(-1)
	if !bare {
		answer, _ := clerk.ParseObject(body)
		if total, err = totalOf(answer); err != nil {
			return nil, 0, err
		}
		text = answer.Raw("data")
	}
	list := clerk.Elements(text)
	if list == nil { // a null, too: taken for an empty list it would end the reading early
		return nil, 0, errors.New("no list in it")
	}
	for _, element := range list {
		o, ok := clerk.ParseObject(element)
		if !ok {
			return nil, 0, errors.New("an element of the list is no object")
		}
		objects = append(objects, o)
	}
	return objects, total, nil
}

func totalOf(answer clerk.Object) (int64, error) {
	total, ok := answer.Integer("total_count")
	if !ok || total < 0 {
		return 0, errors.New("no total_count in it")
	}
	return total, nil
}
