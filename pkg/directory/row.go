// Package directory says what the two tables hold and which write wins.
//
// A Row is the state of one thing: a user, an organization, a membership and
// so on, or the tombstone of one, or a pointer that makes one findable from
// its other end. Every row has a Revision; a write takes place only where no row
// exists or the row's revision is smaller, so that in the end every row is the
// maximum of the changes made for it, in whatever order they came.
//
// The files: row.go has rows and their limits, keys.go where they are,
// revision.go their order, write.go what a write asks and may come to, why.go
// why a write lost, in words, table.go the interface that the consumer works on.
package directory

import (
	"maps"
	"slices"
)

// Attributes that every row has, or every tombstone, or every indexed row.
const (
	AttrPK         = "pk"
	AttrSK         = "sk"
	AttrKind       = "kind"
	AttrRev        = "rev"
	AttrSyncedAt   = "synced_at" // RFC 3339, ms: our clock
	AttrSvixID     = "svix_id"   // the message that wrote the row; absent where none did
	AttrReadAt     = "read_at"   // RFC 3339, ms: when Clerk's API was read, where that wrote the row
	AttrInstanceID = "instance_id"
	AttrDeletedAt  = "deleted_at" // RFC 3339, ms: the deletion's envelope time
	AttrDeletedBy  = "deleted_by" // Absence where no event deleted the row
	AttrObject     = "object"     // Clerk's data as JSON text
	AttrOmitted    = "omitted"    // names of what the row had no room for
)

// Absence is the `deleted_by` of a row that was deleted because Clerk's API denied
// that the object exists. Such a tombstone is not terminal: what Clerk says later
// brings the row back.
const Absence = "absence"

// ReadPrefix begins the last field of the revision of a row that Clerk's API made:
// no message did.
const ReadPrefix = "api_"

// TimeFormat is how rows hold times of our own: RFC 3339 with milliseconds, in
// UTC. Times of Clerk's objects are numbers of milliseconds instead.
const TimeFormat = "2006-01-02T15:04:05.000Z07:00"

// Key is a row's primary key in the Directory table.
type Key struct{ PK, SK string }

// Limits of DynamoDB's keys, in bytes of UTF-8:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	MaxPK       = 2048
	MaxSK       = 1024
	MaxIndexKey = 2048
)

// Valid says whether DynamoDB can hold the key.
func (k Key) Valid() bool {
	return k.PK != "" && k.SK != "" && len(k.PK) <= MaxPK && len(k.SK) <= MaxSK
}

// Value is what an attribute holds: string, Number, bool or []string.
type Value any

// Number is a decimal integer's text.
type Number string

// Row is one item of the Directory table by attribute name, its key included.
// An attribute that Clerk has as null, absent, or an empty text or list is
// not there; false and 0 are.
type Row map[string]Value

// NewRow is a row with nothing but its key and kind.
func NewRow(k Key, kind string) Row {
	return Row{AttrPK: k.PK, AttrSK: k.SK, AttrKind: kind}
}

// Key is the row's primary key.
func (r Row) Key() Key { return Key{r.Text(AttrPK), r.Text(AttrSK)} }

// Text is the attribute's string, "" where it is absent or not a string.
func (r Row) Text(name string) string {
	s, _ := r[name].(string)
	return s
}

// Revision is the row's `rev`.
func (r Row) Revision() Revision { return Revision(r.Text(AttrRev)) }

// Live says whether the row exists and is not a tombstone.
func (r Row) Live() bool { return r != nil && r.Text(AttrDeletedAt) == "" }

// Gone says whether the row is a tombstone. A row that does not exist is neither
// live nor gone: nothing is known of it.
func (r Row) Gone() bool { return r != nil && r.Text(AttrDeletedAt) != "" }

// Clone copies the row; lists are shared.
func (r Row) Clone() Row { return maps.Clone(r) }

// SetText sets the attribute unless the value is empty.
func (r Row) SetText(name, value string) {
	if value != "" {
		r[name] = value
	}
}

// SetList sets the attribute unless the list is empty.
func (r Row) SetList(name string, list []string) {
	if len(list) > 0 {
		r[name] = list
	}
}

// Indexes are the names of the table's global secondary indexes, each also
// the name of its hash key: a string, on live rows only.
func Indexes() []string {
	return []string{"by_email", "by_external_id", "by_username", "by_slug"}
}

// FoldEmail is an e-mail address as `email` and the index by_email have it: A-Z
// in lower case, every other character as it is. Unicode's folding would make
// one address of two: it maps the Kelvin sign to k and a dotted capital I to i,
// so that whoever registers such an address would be found as somebody else.
func FoldEmail(address string) string {
	folded := []byte(address)
	for i, c := range folded {
		if 'A' <= c && c <= 'Z' {
			folded[i] = c + 'a' - 'A'
		}
	}
	return string(folded)
}

// SetIndex puts the row into an index unless the value cannot be a key there.
func (r Row) SetIndex(name, value string) {
	if value != "" && len(value) <= MaxIndexKey {
		r[name] = value
	}
}

// MaxRowBytes is DynamoDB's limit for an item, in bytes as Size counts them.
const MaxRowBytes = 400 << 10

// Fit brings the row down to DynamoDB's item size: it gives up `object` first,
// then its longest attributes (by name among equals), and names them in
// `omitted`. What makes it a row of the table stays. So no event is too large to
// be kept: that would make a dead letter of every later change of its row.
func (r Row) Fit() {
	omitted, _ := r[AttrOmitted].([]string) // a row that was fitted before, and is a tombstone now
	omitted = slices.Clone(omitted)         // rows share their lists: see Clone
	for r.Size() > MaxRowBytes {
		name := r.longest()
		if name == "" {
			return
		}
		delete(r, name)
		omitted = append(omitted, name)
		r[AttrOmitted] = omitted
	}
}

// longest names the attribute to give up next, "" where none is left.
func (r Row) longest() (name string) {
	if _, ok := r[AttrObject]; ok {
		return AttrObject
	}
	size := 0
	for _, n := range slices.Sorted(maps.Keys(r)) {
		switch n {
		case AttrPK, AttrSK, AttrKind, AttrRev, AttrSvixID, AttrReadAt, AttrSyncedAt,
			AttrDeletedAt, AttrDeletedBy, AttrOmitted:
			continue
		}
		if s := valueSize(r[n]); s > size {
			name, size = n, s
		}
	}
	return name
}

// Size is the item's size as DynamoDB counts it, never less:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (r Row) Size() (n int) {
	for name, v := range r {
		n += len(name) + valueSize(v)
	}
	return n
}

// valueSize rounds up where DynamoDB does not say exactly what it counts.
func valueSize(v Value) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case Number:
		return len(v)/2 + 3
	case []string:
		n := 3
		for _, s := range v {
			n += 1 + len(s)
		}
		return n
	default:
		return 1
	}
}
