package signature

import (
	"bytes"
	"encoding/json"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
)

// node is a JSON value with the text of every name, string and number as it was sent.
type node struct {
	raw   []byte // of a value that is neither object nor list
	open  byte   // '{', '[' or 0
	names [][]byte
	items []node
}

// parse reads one JSON value. ok is false where text is not one JSON value by encoding/json, which allows doubled names
// and half of a surrogate pair: whatever was signed is tried as it is.
func parse(text []byte) (root node, ok bool) {
	d := jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	root, err := readNode(d)
	if err != nil {
		return node{}, false
	}
	_, err = d.ReadToken()
	return root, errors.Is(err, io.EOF)
}

// readNode reads the next value. It copies texts, because the decoder's own slices are good only until its next call.
func readNode(d *jsontext.Decoder) (n node, err error) {
	if k := d.PeekKind(); k != jsontext.KindBeginObject && k != jsontext.KindBeginArray {
		raw, err := d.ReadValue()
		return node{raw: raw.Clone()}, err
	}
	begin, err := d.ReadToken()
	if err != nil {
		return node{}, err
	}
	n.open = byte(begin.Kind())
	for d.PeekKind() != jsontext.Kind(closing(n.open)) {
		if n.open == '{' {
			name, err := d.ReadValue()
			if err != nil {
				return node{}, err
			}
			n.names = append(n.names, name.Clone())
		}
		item, err := readNode(d)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, item)
	}
	_, err = d.ReadToken()
	return n, err
}

// closing returns the bracket that closes an object or a list.
func closing(open byte) byte { return open + 2 } // in ASCII, } is two after {, as ] is after [

// layout is how white space is put between tokens.
type layout struct {
	words  string
	indent string // "" for one line
	comma  string
	colon  string
}

func layouts() []layout {
	return []layout{
		{"compact JSON", "", ",", ":"},
		{"one line with a space after comma and colon", "", ", ", ": "},
		{"JSON indented by 2", "  ", ",", ": "},
		{"JSON indented by 4", "    ", ",", ": "},
		{"JSON indented by tabs", "\t", ",", ": "},
		{"JSON indented by 3", "   ", ",", ": "},
	}
}

// writing is how the characters of strings are written.
type writing struct {
	cause Cause
	words string
	write func(raw []byte) []byte
}

func writings() []writing {
	none := func(rune) bool { return false }
	ascii := func(r rune) bool { return r > '~' }
	return []writing{
		{BodyReserialised, "", func(raw []byte) []byte { return raw }},
		{BodyEscaped, ", no character escaped that need not be", escaping(none, false)},
		{BodyEscaped, `, < > and & escaped as \u003c and so on`, escaping(func(r rune) bool { return strings.ContainsRune("<>&\u2028\u2029", r) }, false)},
		{BodyEscaped, `, what is not ASCII escaped as \uXXXX`, escaping(ascii, false)},
		{BodyEscaped, `, slashes escaped as \/`, escaping(none, true)},
		{BodyEscaped, `, slashes as \/ and what is not ASCII as \uXXXX`, escaping(ascii, true)},
	}
}

// escaping writes a string anew, the characters that escape names as \uXXXX.
func escaping(escape func(rune) bool, slash bool) func([]byte) []byte {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	return func(raw []byte) []byte {
		var s string
		if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
			return raw
		}
		out := []byte{'"'}
		for _, r := range s {
			switch {
			case short[r] != "":
				out = append(out, short[r]...)
			case r == '/' && slash:
				out = append(out, '\\', '/')
			case r < ' ' || escape(r):
				units := []uint16{uint16(r)} //nolint:gosec // the pair is taken where it does not fit
				if r > 0xffff {
					units = utf16.Encode([]rune{r})
				}
				for _, u := range units {
					out = fmt.Appendf(out, `\u%04x`, u)
				}
			default:
				out = append(out, string(r)...)
			}
		}
		return append(out, '"')
	}
}

// style is one way to write JSON.
type style struct {
	layout
	write  func(raw []byte) []byte
	sorted bool
}

func (s style) render(root node) []byte { return s.value(nil, root, 0) }

func (s style) value(dst []byte, n node, depth int) []byte {
	if n.open == 0 {
		return append(dst, s.write(n.raw)...)
	}
	dst = append(dst, n.open)
	for i, at := range s.order(n) {
		if i > 0 {
			dst = append(dst, s.comma...)
		}
		dst = s.line(dst, depth+1)
		if n.open == '{' {
			dst = append(append(dst, s.write(n.names[at])...), s.colon...)
		}
		dst = s.value(dst, n.items[at], depth+1)
	}
	if len(n.items) > 0 {
		dst = s.line(dst, depth)
	}
	return append(dst, closing(n.open))
}

func (s style) line(dst []byte, depth int) []byte {
	if s.indent == "" {
		return dst
	}
	dst = append(dst, '\n')
	for range depth {
		dst = append(dst, s.indent...)
	}
	return dst
}

// order is that of the items' indexes.
func (s style) order(n node) []int {
	out := make([]int, len(n.items))
	for i := range out {
		out[i] = i
	}
	if s.sorted && n.open == '{' {
		slices.SortStableFunc(out, func(a, b int) int { return bytes.Compare(n.names[a], n.names[b]) })
	}
	return out
}
