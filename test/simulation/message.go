package simulation

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/clerksync/clerksync/pkg/directory"
)

// message is one event as Svix signs it, beside what the model knows of it.
// The expectation is made of these fields alone.
type message struct {
	svixID    string
	eventType string
	body      []byte
	entity    string
	key       directory.Key
	hopeless  bool // a membership without created_at
	again     bool // what another message told before

	// The order's fields, as the model meant them, in ms.
	incarnation int64
	incarnID    string // "" for what has an id of its own
	deletion    bool
	updated     int64
	created     bool
	sent        int64
	rawSent     int64 // the envelope's number as it was written

	row     directory.Row // whole, without synced_at; nil for a deletion
	pointer directory.Row // likewise, nil for none
	parents []directory.Key
}

// less says whether a loses against b: one total order, field by field.
func less(a, b *message) bool {
	return cmp.Or(
		cmp.Compare(a.incarnation, b.incarnation),
		cmp.Compare(escaped(a.incarnID), escaped(b.incarnID)),
		truth(a.deletion, b.deletion),
		cmp.Compare(a.updated, b.updated),
		truth(b.created, a.created),
		cmp.Compare(a.sent, b.sent),
		cmp.Compare(a.svixID, b.svixID),
	) < 0
}

func truth(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// escaped is an id of the model as the contract has it in a revision: the
// model's ids hold letters, digits, `_`, `-` and `.` only.
func escaped(id string) string {
	return strings.NewReplacer("-", "~2D", ".", "~2E").Replace(id)
}

// rev is the revision's text.
func (m *message) rev() string {
	id, terminal, rank := escaped(m.incarnID), 0, 1
	if m.incarnID == "" {
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

// member is one member of a JSON object, with its text.
type member struct {
	name, text string
	inner      object // where the value is an object that may be told in part
}

// object is a JSON object in the order of its members.
type object []member

// text is the object without the members of those names, and without the
// nested ones in the objects directly in it.
func (o object) text(without, nested []string) string {
	var b strings.Builder
	for _, m := range o {
		if contains(without, m.name) {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		text := m.text
		if m.inner != nil {
			text = m.inner.text(nested, nil)
		}
		b.WriteString(`"` + m.name + `":` + text)
	}
	return "{" + b.String() + "}"
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

func quoted(s string) string { return `"` + s + `"` }
