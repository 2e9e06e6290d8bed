package clerkapi

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strconv"
)

// maxFruitless is how many pages may add nothing, beyond those that lie between
// the beginning of the list and the last page that added something.
const maxFruitless = 3

// offsetPages reads a list that has no cursor. A deletion moves what follows
// to a smaller offset, where a reader that only goes on would miss it. So each
// page must begin with the last object of the page before, or with an older
// one; if it does not, an earlier page is read.
func (c *Client) offsetPages(ctx context.Context, path string, from Position) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		l := newListing(from)
		offset, frontier, fruitless, short := from.Offset, from.Offset, 0, 0
		for {
			q := url.Values{
				"order_by": {"created_at"}, "limit": {strconv.Itoa(pageSize)}, "offset": {strconv.Itoa(offset)},
			}
			page, err := c.list(ctx, path, q)
			if err != nil {
				yield(Page{}, err)
				return
			}
			length := len(page.Objects)
			// Neither an empty page nor one of new objects alone proves that nothing
			// lies between it and the last one.
			if offset > 0 && !l.overlaps(page.Objects) {
				offset = max(0, offset-(pageSize-1)) // one page, less what must overlap
				continue
			}
			if page.Objects = l.add(page.Objects); len(page.Objects) > 0 {
				frontier, fruitless, short = offset, 0, 0
			} else if fruitless++; length > 0 && length < pageSize {
				short++
			}
			// A short page that comes again and again is the end, whatever Clerk counts.
			// An empty list is none where there were objects before, even if Clerk counts none.
			complete := int64(offset+length) >= page.Total && (length > 0 || l.lastID() == "")
			ends := length < pageSize && (complete || short >= maxFruitless)
			// A full page, or none where there should be some, is no end. After a step
			// back the way to the frontier adds nothing; more than that leads nowhere.
			if !ends && fruitless >= maxFruitless+frontier/(pageSize-1) {
				yield(Page{}, fmt.Errorf("read %s: %w: the list ends before its total_count", path, ErrMalformed))
				return
			}
			offset = max(0, offset+length-1)
			page.Next = Position{Offset: offset, ID: l.lastID(), CreatedAt: l.last}
			if !yield(page, nil) || ends {
				return
			}
		}
	}
}
