package directory

import (
	"fmt"
	"strings"
)

// Revision is `rev`: the place of a change in the total order of all changes
// of one row, as sortable text of six fields joined by `-`, from the strongest:
// incarnation, terminal, updated, rank, sent, svix id. Revisions compare as
// strings, as DynamoDB compares them, byte by byte. That is the order of the
// fields, for all have a fixed width but the ids, and an escaped id holds only
// bytes that sort after the separator.
//
// A revision depends on the message's bytes and id alone, never on arrival, our
// clock, configuration or version: whoever computes it gets the same text. No
// two messages have the same, for its last field is the message's id.
type Revision string

// NoIncarnation is for what has an id of its own that Clerk never reuses.
const NoIncarnation Incarnation = "000000000000000-0"

// Incarnation tells a membership that was created anew from the one that was
// removed, which had the same key: 15 digits of created_at, `-` and the escaped
// id. It is the strongest field, so that the late deletion of the first does not
// delete the second.
type Incarnation string

// NewIncarnation is the incarnation of a membership. createdAt is in Unix
// milliseconds.
func NewIncarnation(createdAt int64, id string) Incarnation {
	return Incarnation(fmt.Sprintf("%015d-%s", createdAt, escape(id)))
}

// escape writes each byte but A-Z a-z 0-9 _ as ~ and two upper-case hex
// digits: all that it writes sorts after the separator.
func escape(id string) string {
	var b strings.Builder
	for i := range len(id) {
		switch c := id[i]; {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "~%02X", c)
		}
	}
	return b.String()
}

// Order holds the fields of a revision. Times are Unix milliseconds, 0 where
// absent.
type Order struct {
	Incarnation Incarnation
	Terminal    bool  // a deletion, which no update of the same incarnation follows
	Updated     int64 // data.updated_at
	Created     bool  // a *.created event, which ranks below an update of the same time
	Sent        int64 // the envelope's timestamp
	SvixID      string
}

// Revision is the text of the fields.
func (o Order) Revision() Revision {
	terminal, rank := 0, 1
	if o.Terminal {
		terminal = 1
	}
	if o.Created {
		rank = 0
	}
	return Revision(fmt.Sprintf("%s-%d-%015d-%d-%015d-%s", o.Incarnation, terminal, o.Updated, rank, o.Sent, o.SvixID))
}

// Incarnation is the revision's first field. A row without a revision, which was
// put there by hand, has none to tell it from others of its key.
func (r Revision) Incarnation() Incarnation {
	if r == "" {
		return NoIncarnation
	}
	created, rest, _ := strings.Cut(string(r), "-")
	id, _, _ := strings.Cut(rest, "-")
	return Incarnation(created + "-" + id)
}

// DeletedWith is the revision of a child that is deleted with its parent: the
// child's own incarnation, then terminal and the rest of the parent's tombstone.
// It is greater than that of the live child, and smaller than that of a child
// that is created anew.
func (r Revision) DeletedWith(parent Revision) Revision {
	own := r.Incarnation()
	rest := strings.TrimPrefix(string(parent), string(parent.Incarnation()))
	return Revision(string(own) + rest)
}
