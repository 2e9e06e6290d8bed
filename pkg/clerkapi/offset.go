package clerkapi

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strconv"
)

// maxFruitless is how many pages in a row may add nothing while Clerk's count
// says that there is more.
const maxFruitless = 3

// offsetPages reads a list that has no cursor. A deletion moves what follows
// to a smaller offset, where a reader that only goes on would miss it. So each
// page must begin with the last object of the page before, or with an older
// one; if it does not, an earlier page is read.
func (c *Client) offsetPages(ctx context.Context, path string, from Position) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		l := newListing(from)
		for offset, fruitless := from.Offset, 0; ; {
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
				fruitless = 0
			} else {
				fruitless++
			}
			complete := int64(offset+length) >= page.Total
			// A short page that comes again and again is the end, whatever Clerk counts.
			// A full one, or none where there should be some, is no end.
			ends := length < pageSize && (complete || length > 0 && fruitless >= maxFruitless)
			if !ends && fruitless >= maxFruitless {
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
