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
}

type member struct {
	name       string
	value      json.RawMessage
	start, end int // of name and value in text
}

// ParseObject finds the members of text, which is UTF-8 and which json.Valid
// has accepted. It reports false where text is no object.
func ParseObject(text []byte) (Object, bool) {
	o := Object{text: text}
	i := space(text, 0)
	if i == len(text) || text[i] != '{' {
		return o, false
	}
	for i = space(text, i+1); text[i] != '}'; i = space(text, i) {
		if text[i] == ',' {
			i = space(text, i+1)
		}
		start := i
		i = skip(text, i)
		name := unquote(text[start:i])
		i = space(text, i)
		i = space(text, i+1) // the colon
		value := i
		i = skip(text, i)
		o.members = append(o.members, member{name, text[value:i], start, i})
	}
	return o, true
}

// space is the index of the first byte at or after i that is no white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skip is the index behind the value that begins at i.
func skip(b []byte, i int) int {
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		depth := 0
		for ; ; i++ {
			switch b[i] {
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			case '"':
				i = skipString(b, i) - 1
			}
		}
	}
	for i < len(b) && !endsScalar(b[i]) {
		i++
	}
	return i
}

func endsScalar(c byte) bool {
	switch c {
	case ' ', '\n', '\t', '\r', ',', ']', '}':
		return true
	}
	return false
}

func skipString(b []byte, i int) int {
	for i++; ; i++ {
		j := bytes.IndexByte(b[i:], '"')
		i += j
		escaped := false
		for k := i - 1; b[k] == '\\'; k-- {
			escaped = !escaped
		}
		if !escaped {
			return i + 1
		}
	}
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
		if o.members[i].name == name {
			return o.members[i].value
		}
	}
	return nil
}

// Count is the number of members of that name.
func (o Object) Count(name string) (n int) {
	for i := range o.members {
		if o.members[i].name == name {
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
	if len(raw) == 0 || raw[0] != '[' {
		return nil
	}
	for i := space(raw, 1); raw[i] != ']'; i = space(raw, i) {
		if raw[i] == ',' {
			i = space(raw, i+1)
		}
		start := i
		i = skip(raw, i)
		elements = append(elements, raw[start:i])
	}
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
		if slices.Contains(names, m.name) {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		if inner, ok := ParseObject(m.value); ok && len(nested) > 0 {
			b.Write(o.text[m.start : m.end-len(m.value)])
			b.WriteString(inner.Without(nested, nil))
			continue
		}
		b.Write(o.text[m.start:m.end])
	}
	b.WriteByte('}')
	return b.String()
}

// String is the object's text as it was sent.
func (o Object) String() string { return string(o.text) }
