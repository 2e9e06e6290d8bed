package clerk

import (
	"bytes"
	"encoding/json"
	"encoding/json/jsontext"
	"errors"
	"io"
	"slices"
	"strings"
)

// Object is the text of one JSON object with its members found. Names are
// compared by exact case after JSON escapes are undone, and of doubled names
// the last wins. Values keep their text: no number is ever turned into a
// float, no escape is undone until a method asks for it.
//
// json.Unmarshal cannot find the members: it matches names without regard to
// case (https://github.com/golang/go/issues/14750) and hides doubled ones.
type Object struct {
	text    []byte
	members []member
}

// member is one member of an object by the places in the object's text where
// its quoted name begins and its value begins and ends.
type member struct {
	name              string // without quotes, escapes undone
	begin, value, end int
}

func (o Object) value(m member) json.RawMessage { return o.text[m.value:m.end] }

// ParseObject finds the members of one object, whose text is UTF-8, with
// nothing but white space around it. It reports false for anything else, and
// where objects and lists are nested deeper than 10,000, jsontext's own limit.
// The Object refers to text, which must not change afterwards.
//
// ParseObject accepts what json.Valid accepts. This is why doubled names are
// allowed here, for the caller counts those that matter, and why half of a
// surrogate pair (\ud800) is: JavaScript sends it, and it is never decoded
// unless a method asks for it.
func ParseObject(text []byte) (Object, bool) {
	none := Object{text: text}
	d := newDecoder(text)
	if begin, err := d.ReadToken(); err != nil || begin.Kind() != jsontext.KindBeginObject {
		return none, false
	}
	members := make([]member, 0, 8) // an envelope has six
	for d.PeekKind() != jsontext.KindEndObject {
		name, err := d.ReadValue()
		if err != nil {
			return none, false
		}
		// The decoder's own slices are good only until its next call.
		m := member{name: unquote(name), begin: int(d.InputOffset()) - len(name)}
		value, err := d.ReadValue()
		if err != nil {
			return none, false
		}
		m.end = int(d.InputOffset())
		m.value = m.end - len(value)
		members = append(members, m)
	}
	if _, err := d.ReadToken(); err != nil { // the closing brace, or what was in its place
		return none, false
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return none, false
	}
	return Object{text, members}, true
}

// newDecoder reads a text that stays as it is, with what ParseObject allows.
func newDecoder(text []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(text),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// unquote undoes the escapes of a JSON string, which the decoder has accepted.
// The only error that is left replaced half of a surrogate pair by U+FFFD, as
// json.Unmarshal does it without an error.
func unquote(quoted []byte) string {
	s, _ := jsontext.AppendUnquote(make([]byte, 0, 64), quoted) // room for most names, on the stack
	return string(s)
}

// Raw is the text of the last member of that name, nil where there is none.
func (o Object) Raw(name string) json.RawMessage {
	for _, m := range slices.Backward(o.members) {
		if m.name == name {
			return o.value(m)
		}
	}
	return nil
}

// Count is the number of members of that name.
func (o Object) Count(name string) (n int) {
	for _, m := range o.members {
		if m.name == name {
			n++
		}
	}
	return n
}

// Text is the member's string, "" where it is absent, empty or of another type.
func (o Object) Text(name string) string { return text(o.Raw(name)) }

func text(raw json.RawMessage) string {
	if len(raw) == 0 || raw[0] != '"' {
		return ""
	}
	return unquote(raw)
}

// Bool is the member's value; ok is false where it is neither true nor false.
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

// Names are the members' names, sorted as bytes, each once.
func (o Object) Names() []string {
	names := make([]string, 0, len(o.members))
	for _, m := range o.members {
		names = append(names, m.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Elements is the text of each element of a value that is a list, nil where it
// is not one. The value is valid JSON, such as a member of an object that was
// parsed, and must not change afterwards: elements are parts of it. Decoded by
// package json they would be copies, of which a list of 500 users has megabytes.
func Elements(value json.RawMessage) []json.RawMessage {
	d := newDecoder(value)
	if begin, err := d.ReadToken(); err != nil || begin.Kind() != jsontext.KindBeginArray {
		return nil
	}
	elements := []json.RawMessage{}
	for d.PeekKind() != jsontext.KindEndArray {
		element, err := d.ReadValue()
		if err != nil {
			return nil
		}
		end := int(d.InputOffset())
		elements = append(elements, value[end-len(element):end:end])
	}
	return elements
}

// Texts are the strings of a list. Elements that are empty or of another type
// are left out.
func (o Object) Texts(name string) (list []string) {
	for _, e := range Elements(o.Raw(name)) {
		if s := text(e); s != "" {
			list = append(list, s)
		}
	}
	return list
}

// Objects are the objects of a list. Other elements are left out.
func (o Object) Objects(name string) (list []Object) {
	for _, e := range Elements(o.Raw(name)) {
		if p, ok := ParseObject(e); ok {
			list = append(list, p)
		}
	}
	return list
}

// Without is the object's text less the members of those names, and less those
// of the nested names in every object that is directly a member of it. What is
// left keeps its text, white space within members included.
func (o Object) Without(names, nested []string) string {
	var b strings.Builder
	b.Grow(len(o.text))
	b.WriteByte('{')
	for _, m := range o.members {
		if slices.Contains(names, m.name) {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.Write(o.text[m.begin:m.value]) // name, colon and white space
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
