package clerk

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Object is the text of one JSON object with its members found. Names are
// compared by exact case after JSON escapes are undone, and of doubled names
// the last wins. Values keep their text: no number is ever turned into a
// float, no escape is undone until it is asked for.
//
// encoding/json is not used for it: it matches names without regard to case
// (https://github.com/golang/go/issues/14750).
type Object struct {
	text    []byte
	members []member
	escaped bool // some name holds an escape
}

// named is the member's name, compared without undoing what no name has.
func (o Object) named(m member, name string) bool {
	quoted := o.text[m.name:m.nameEnd]
	if o.escaped {
		return unquote(quoted) == name
	}
	return string(quoted[1:len(quoted)-1]) == name
}

func (o Object) value(m member) json.RawMessage { return o.text[m.value:m.end] }

// ParseObject reads the text of one object, which is UTF-8, and nothing but
// white space around it. It reports false for anything else.
func ParseObject(text []byte) (Object, bool) {
	o := Object{text: text}
	begin := skipSpace(text, 0)
	if at(text, begin) != '{' {
		return o, false
	}
	o.members = make([]member, 0, 8) // an envelope has six
	end := scanObject(text, begin, 0, func(m member) {
		o.members = append(o.members, m)
		o.escaped = o.escaped || bytes.IndexByte(text[m.name:m.nameEnd], '\\') >= 0
	})
	if end == bad || skipSpace(text, end) != len(text) {
		return Object{text: text}, false
	}
	return o, true
}

func unquote(text []byte) string {
	if bytes.IndexByte(text, '\\') < 0 {
		return string(text[1 : len(text)-1])
	}
	var s string
	if json.Unmarshal(text, &s) != nil {
		return ""
	}
	return s
}

// Raw is the text of the last member of that name, nil where there is none.
func (o Object) Raw(name string) json.RawMessage {
	for i := len(o.members) - 1; i >= 0; i-- {
		if o.named(o.members[i], name) {
			return o.value(o.members[i])
		}
	}
	return nil
}

// Count is the number of members of that name.
func (o Object) Count(name string) (n int) {
	for _, m := range o.members {
		if o.named(m, name) {
			n++
		}
	}
	return n
}

// Text is the member's string, "" where it is absent, empty or no string.
func (o Object) Text(name string) string { return text(o.Raw(name)) }

func text(raw json.RawMessage) string {
	if len(raw) == 0 || raw[0] != '"' {
		return ""
	}
	return unquote(raw)
}

// Bool is the member's value; ok is false where it is no true or false.
func (o Object) Bool(name string) (value, ok bool) {
	switch string(o.Raw(name)) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// Object is the member that is itself an object, without members where it is
// not one.
func (o Object) Object(name string) Object {
	p, _ := ParseObject(o.Raw(name))
	return p
}

// List is the text of each element of the member that is a list, nil where it
// is not one.
func (o Object) List(name string) (elements []json.RawMessage) {
	raw := o.Raw(name)
	scanList(raw, 0, 0, func(start, end int) { elements = append(elements, raw[start:end]) })
	return elements
}

// Texts are the strings of a list; elements that are no string or empty are
// left out.
func (o Object) Texts(name string) (list []string) {
	for _, e := range o.List(name) {
		if s := text(e); s != "" {
			list = append(list, s)
		}
	}
	return list
}

// Objects are the objects of a list; other elements are left out.
func (o Object) Objects(name string) (list []Object) {
	for _, e := range o.List(name) {
		if p, ok := ParseObject(e); ok {
			list = append(list, p)
		}
	}
	return list
}

// Without is the object's text less the members of those names, and less
// those of the nested names in every object that is directly a member of it.
func (o Object) Without(names, nested []string) string {
	var b strings.Builder
	b.Grow(len(o.text))
	b.WriteByte('{')
	for _, m := range o.members {
		if slices.ContainsFunc(names, func(name string) bool { return o.named(m, name) }) {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.Write(o.text[m.name:m.value])
		if value := o.value(m); len(nested) > 0 && value[0] == '{' {
			inner, _ := ParseObject(value)
			b.WriteString(inner.Without(nested, nil))
		} else {
			b.Write(value)
		}
	}
	b.WriteByte('}')
	return b.String()
}

// String is the object's text as it was sent.
func (o Object) String() string { return string(o.text) }
