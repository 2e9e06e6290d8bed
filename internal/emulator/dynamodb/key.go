package dynamodb

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

// Limits of key values in bytes, of tables and of indexes.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxHashKey = 2048
	maxSortKey = 1024
)

// keyAttribute is the name and the type (S, N or B) of one part of a key.
type keyAttribute struct{ name, kind string }

// keySchema is the key of a table or of an index; without a sort key the
// latter's name is empty.
type keySchema struct{ hash, sort keyAttribute }

func (k keySchema) attributes() []keyAttribute {
	if k.sort.name == "" {
		return []keyAttribute{k.hash}
	}
	return []keyAttribute{k.hash, k.sort}
}

// has says whether the named attribute is part of the key.
func (k keySchema) has(name string) bool {
	return name == k.hash.name || k.sort.name != "" && name == k.sort.name
}

// of picks the key out of an item.
func (k keySchema) of(it item) item {
	key := item{}
	for _, part := range k.attributes() {
		if v, ok := it[part.name]; ok {
			key[part.name] = v
		}
	}
	return key
}

// in says whether the item has every part of the key, and so whether a sparse
// index holds it.
func (k keySchema) in(it item) bool {
	return len(k.of(it)) == len(k.attributes())
}

// position is where an item stands: eight bytes of a digest of the hash key,
// which spread partitions over scan segments, then the hash key, then the sort
// key in its order. No two keys share one, whatever bytes they hold.
func (k keySchema) position(it item) string {
	position := partition(it[k.hash.name])
	if k.sort.name == "" {
		return position
	}
	return position + terminated(it[k.sort.name].sortable())
}

// partition is what the positions of all items with one hash key begin with.
func partition(hash value) string {
	text := hash.sortable()
	digest := sha256.Sum256([]byte(text))
	return string(digest[:8]) + terminated(text)
}

// terminated marks the end of a part so that its bytes still sort as before and
// a shorter text stands before all that begin with it.
func terminated(text string) string {
	return strings.ReplaceAll(text, "\x00", "\x00\xFF") + "\x00\x01"
}

// sortable is text whose bytes sort as key values of one type do.
func (v value) sortable() string {
	if v.kind != "N" {
		return v.text
	}
	// A value was decoded, so its number is one.
	number, _ := parseDecimal(v.text)
	return number.sortable()
}

// segment is the range of positions that a parallel scan's segment covers: its
// share of the 2^64 digests with which positions begin. An empty end is open.
func segment(number, total uint64) (start, end string) {
	bound := func(n uint64) string {
		var b [8]byte
		// The share n/total of 2^64, in two steps that cannot overflow for
		// totals up to a million.
		high, rest := (n<<32)/total, (n<<32)%total
		binary.BigEndian.PutUint64(b[:], high<<32|(rest<<32)/total)
		return string(b[:])
	}
	start = bound(number)
	if number+1 < total {
		end = bound(number + 1)
	}
	return start, end
}

// checkKey refuses a Key that is not exactly the table's.
func (k keySchema) checkKey(key item) error {
	if len(key) != len(k.attributes()) || !k.in(key) {
		return invalid("The provided key element does not match the schema")
	}
	for _, part := range k.attributes() {
		if key[part.name].kind != part.kind {
			return invalid("The provided key element does not match the schema")
		}
	}
	return k.checkValues(key, "")
}

// checkItem refuses an item whose key is missing, of another type, empty or too
// long.
func (k keySchema) checkItem(it item) error {
	for _, part := range k.attributes() {
		if _, ok := it[part.name]; !ok {
			return badParameter("Missing the key %s in the item", part.name)
		}
	}
	return k.checkValues(it, "")
}

// checkValues refuses values that the key of a table, or of the index that is
// named, cannot hold. An item without an attribute of an index's key just stays
// out of the index.
func (k keySchema) checkValues(it item, index string) error {
	for _, part := range k.attributes() {
		v, ok := it[part.name]
		if !ok {
			continue
		}
		limit := maxHashKey
		if part == k.sort {
			limit = maxSortKey
		}
		what := "Key: " + part.name
		if index != "" {
			what = "IndexName: " + index + ", IndexKey: " + part.name
		}
		switch {
		case v.kind != part.kind:
			return badParameter("Type mismatch for key, expected: %s actual: %s. %s", part.kind, v.kind, what)
		case v.text == "":
			return invalid("One or more parameter values are not valid. "+
				"The AttributeValue for a key attribute cannot contain an empty value. %s", what)
		case len(v.text) > limit:
			return badParameter("Size of key has exceeded the maximum size limit of %d bytes. %s", limit, what)
		}
	}
	return nil
}
