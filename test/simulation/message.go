package simulation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// message is one event as Svix signs it, together with what the model knows
// about it. The expectation is made of these fields alone, never of what the
// code under test read from the body.
type message struct {
	svixID    string
	eventType string
	body      []byte
	entity    string
	key       directory.Key
	invalid   bool // it has a permanent error
	repeated  bool // the content of an earlier message under another id

	// What is unusual about it, see reach.go and permanent.go.
	reach        []Fault
	spoil        func(*delivery.Record) // nil where the record is right
	readableFrom int                    // the first receive at which sync can read it
	unknownType  bool                   // it is the type that is unknown until then, not the version
	refusals     int                    // how many receives the table refuses its write at

	// The fields that the order compares, as the model meant them, in ms.
	incarnation   int64
	incarnationID string // "" for an object that is never created anew
	deletion      bool
	updated       int64
	created       bool
	sent          int64
	sentAsWritten int64 // the envelope's number, in seconds or in ms

	row  directory.Row // complete but for synced_at and object; nil for a deletion
	data jsonObject    // of which the row's object is made; nil for a deletion
	// oversized says that the row gives up its object, in each storage that has one.
	oversized bool
	pointer   directory.Row // likewise, nil where the row has no pointer
	state     *state        // that it tells; nil in a history without readers of the API
	parents   []directory.Key
}

// less says whether a loses against b: one total order, field by field.
func less(a, b *message) bool {
	return cmp.Or(
		cmp.Compare(a.incarnation, b.incarnation),
		cmp.Compare(escaped(a.incarnationID), escaped(b.incarnationID)),
		compareBools(a.deletion, b.deletion),
		cmp.Compare(a.updated, b.updated),
		compareBools(b.created, a.created),
		cmp.Compare(a.sent, b.sent),
		cmp.Compare(a.svixID, b.svixID),
	) < 0
}

// compareBools orders false before true.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// escaped is an id of the model as the contract writes it in a revision: the
// model's ids hold letters, digits, `_`, `-` and `.` only.
func escaped(id string) string {
	return strings.ReplaceAll(strings.ReplaceAll(id, "-", "~2D"), ".", "~2E")
}

// rowIn is the row as it should be in that object storage.
func (m *message) rowIn(storage projector.ObjectStorage) directory.Row {
	object := ""
	switch storage {
	case projector.StoreFull:
		object = m.data.text([]string{"url"}, nil)
	case projector.StorePublic:
		object = m.data.text([]string{"url", "private_metadata"}, []string{"private_metadata"})
	case projector.StoreNone:
		return m.row
	}
	row := m.row.Clone()
	if m.oversized {
		row["omitted"] = []string{"object"}
	} else {
		row["object"] = object
	}
	return row
}

// rev is the text of the message's revision.
func (m *message) rev() string {
	id, terminal, rank := escaped(m.incarnationID), 0, 1
	if m.incarnationID == "" {
		id = "0"
	}
	if m.deletion {
		terminal = 1
	}
	if m.created {
		rank = 0
	}
	return fmt.Sprintf("%015d-%s-%d-%015d-%d-%015d-%s", m.incarnation, id, terminal, m.updated, rank, m.sent, m.svixID)
}

// jsonMember is one member of a JSON object.
type jsonMember struct {
	name, text string
	inner      jsonObject // instead of text, for an object of which members may be left out
}

// jsonObject is a JSON object in the order of its members.
type jsonObject []jsonMember

// text is the object without the members of the names in omitted, and without
// those in omittedInside in the objects directly in it.
func (o jsonObject) text(omitted, omittedInside []string) string {
	var b strings.Builder
	for _, m := range o {
		if slices.Contains(omitted, m.name) {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		text := m.text
		if m.inner != nil {
			text = m.inner.text(omittedInside, nil)
		}
		b.WriteString(`"` + m.name + `":` + text)
	}
	return "{" + b.String() + "}"
}

func quoted(s string) string { return `"` + s + `"` }
