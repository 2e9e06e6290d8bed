package view

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wI2L/jsondiff"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/pkg/directory"
)

// Write is what a message did to one row, or wanted to.
type Write struct {
	At       time.Time `json:"at"`
	SvixID   string    `json:"svix_id,omitempty"`
	PK       string    `json:"pk"`
	SK       string    `json:"sk"`
	Kind     string    `json:"kind,omitempty"`
	Rev      string    `json:"rev,omitempty"` // that the message has
	Outcome  string    `json:"outcome"`       // applied, stale, or failed: not known
	Reason   string    `json:"reason,omitempty"`
	Child    bool      `json:"child,omitempty"`   // deleted because its parent is
	Deleted  bool      `json:"deleted,omitempty"` // it leaves a tombstone
	Changes  []Change  `json:"changes"`
	Object   []Change  `json:"object"` // changed paths in `object`, as JSON pointers
	Pointers []Pointer `json:"pointers,omitempty"`
	// Note says what is not as one would expect: the rows are no longer kept, or what
	// was before is not known.
	Note string `json:"note,omitempty"`
	Link string `json:"link"`
}

// Pointer is a row that makes the row findable, and was written with it.
type Pointer struct {
	PK      string `json:"pk"`
	SK      string `json:"sk"`
	Dropped bool   `json:"dropped,omitempty"`
	Link    string `json:"link"`
}

// Change is what became of one attribute. Values are texts, numbers, bools or
// lists of texts; nil where there is none.
type Change struct {
	Attribute string `json:"attribute"`
	Change    string `json:"change"` // added, changed, removed or same
	Before    any    `json:"before,omitempty"`
	After     any    `json:"after,omitempty"`
	// Wanted is the value that a stale message has, where the row's is another.
	Wanted any `json:"wanted,omitempty"`
}

// Values of Change.Change.
const (
	Added   = "added"
	Changed = "changed"
	Removed = "removed"
	Same    = "same"
)

// WriteOf is a write with its changes.
func WriteOf(w recorder.Write) Write {
	v := BriefWrite(w)
	after, wanted := w.Wanted, directory.Row(nil)
	if w.Outcome == recorder.WriteStale { // the row stays as it is
		after, wanted = w.Before, w.Wanted
	}
	v.Changes = Changes(w.Before, after, wanted)
	if wanted == nil {
		v.Object = ObjectChanges(w.Before.Text(directory.AttrObject), after.Text(directory.AttrObject))
	} else {
		v.Object = ObjectChanges(after.Text(directory.AttrObject), wanted.Text(directory.AttrObject))
	}
	for _, p := range w.Put {
		v.Pointers = append(v.Pointers, pointerOf(p.Key(), false))
	}
	for _, k := range w.Drop {
		v.Pointers = append(v.Pointers, pointerOf(k, true))
	}
	return v
}

// BriefWrite is a write as a list has it, without its changes, which take far longer.
func BriefWrite(w recorder.Write) Write {
	v := Write{
		At: clean(w.At), SvixID: w.SvixID, PK: w.Key.PK, SK: w.Key.SK, Kind: w.Wanted.Text(directory.AttrKind),
		Rev: w.Wanted.Text(directory.AttrRev), Outcome: w.Outcome, Reason: w.Reason, Child: w.Child,
		Deleted: w.Wanted.Gone(), Link: RowLink(w.Key),
	}
	switch {
	case w.Gone:
		v.Note = "the rows of this write are no longer kept"
	case !w.BeforeKnown:
		v.Note = "what was there before is not known"
	case w.Outcome == recorder.WriteFailed:
		v.Note = "no answer came, so it is not known whether this was written"
	case w.Between:
		v.Note = "another write came in between: " +
			"the row before is not as the write that was seen here before it has left it"
	}
	return v
}

func pointerOf(k directory.Key, dropped bool) Pointer {
	return Pointer{PK: k.PK, SK: k.SK, Dropped: dropped, Link: RowLink(k)}
}

// Changes compares two rows by attribute: what tells the row first, then by name.
// wanted is the row of a message that lost, nil for none. Of `object` only the
// length is shown here; ObjectChanges compares it.
func Changes(before, after, wanted directory.Row) []Change {
	names := map[string]bool{}
	for _, r := range []directory.Row{before, after, wanted} {
		for name := range r {
			names[name] = true
		}
	}
	list := make([]Change, 0, len(names))
	for _, name := range slices.SortedFunc(maps.Keys(names), byImportance) {
		c := Change{Attribute: name, Change: Same, Before: shown(before, name), After: shown(after, name)}
		_, was := before[name]
		_, is := after[name]
		switch {
		case !was && is:
			c.Change = Added
		case was && !is:
			c.Change = Removed
		case !equal(before[name], after[name]):
			c.Change = Changed
		}
		if _, wants := wanted[name]; wants && !equal(wanted[name], after[name]) {
			c.Wanted = shown(wanted, name)
		}
		list = append(list, c)
	}
	return list
}

// byImportance puts what the row is first, and Clerk's object, which is long, last.
func byImportance(a, b string) int {
	first := []string{directory.AttrPK, directory.AttrSK, directory.AttrKind, "id"}
	rank := func(name string) int {
		if i := slices.Index(first, name); i >= 0 {
			return i
		}
		if name == directory.AttrObject {
			return len(first) + 1
		}
		return len(first)
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

// equal compares two values. Lists cannot be compared by ==, which would panic.
func equal(a, b directory.Value) bool {
	x, isList := a.([]string)
	y, areLists := b.([]string)
	if isList || areLists {
		return isList && areLists && slices.Equal(x, y)
	}
	return a == b
}

// shown is an attribute's value as JSON has it, nil for none.
func shown(r directory.Row, name string) any {
	v, ok := r[name]
	if !ok {
		return nil
	}
	switch v := v.(type) {
	case directory.Number:
		return json.Number(v)
	case string:
		if name == directory.AttrObject {
			return Bytes(len(v)) + " of JSON"
		}
		return v
	}
	return v
}

// maxObject bounds the texts that are compared and shown as a tree, in bytes.
const maxObject = 200 << 10

// ObjectChanges compares two JSON texts: which paths were added, changed or
// removed. It is empty where one is missing or is too large to compare.
func ObjectChanges(before, after string) []Change {
	list := []Change{}
	if before == "" || after == "" || len(before) > maxObject || len(after) > maxObject {
		return list
	}
	patch, err := jsondiff.CompareJSON([]byte(before), []byte(after), jsondiff.UnmarshalFunc(unmarshal))
	if err != nil {
		return list
	}
	// The names of JSON Patch, RFC 6902, are those of no other change here.
	kinds := map[string]string{
		jsondiff.OperationAdd: Added, jsondiff.OperationReplace: Changed, jsondiff.OperationRemove: Removed,
	}
	for _, o := range patch {
		list = append(list, Change{Attribute: o.Path, Change: kinds[o.Type], Before: o.OldValue, After: o.Value})
	}
	return list
}

// unmarshal leaves numbers as they are written: large ones would be others.
func unmarshal(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(v) //nolint:wrapcheck // only that it failed matters
}
