package view

import (
	"bytes"
	"encoding/json"
	"encoding/json/jsontext"
	"fmt"
	"strconv"
)

// Node is a value in JSON text. Texts and numbers stand as they were written.
type Node struct {
	Name     string // of the member, or the place in the list
	Text     string // of a value that has no members
	Kind     string // object, list, text, number, bool or null
	Children []Node
}

// maxDepth bounds how deep a tree goes; what is below is shown as text.
const maxDepth = 40

// Tree is JSON text as a tree. ok is false where it is none, or too large for a
// page: then it is shown as text alone.
func Tree(text []byte) (n Node, ok bool) {
	if len(text) > maxObject {
		return Node{}, false
	}
	d := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	n, err := node(d, 0)
	return n, err == nil
}

// node reads a value and what is in it.
func node(d *jsontext.Decoder, depth int) (n Node, err error) {
	kind := d.PeekKind()
	if depth >= maxDepth || kind != jsontext.KindBeginObject && kind != jsontext.KindBeginArray {
		return leaf(d)
	}
	n.Kind = "list"
	if kind == jsontext.KindBeginObject {
		n.Kind = "object"
	}
	if _, err = d.ReadToken(); err != nil {
		return n, fmt.Errorf("read JSON: %w", err)
	}
	for {
		if k := d.PeekKind(); k == jsontext.KindEndObject || k == jsontext.KindEndArray {
			_, err = d.ReadToken()
			return n, err //nolint:wrapcheck // only that it failed matters
		}
		name := strconv.Itoa(len(n.Children))
		if kind == jsontext.KindBeginObject {
			token, err := d.ReadToken()
			if err != nil {
				return n, fmt.Errorf("read JSON: %w", err)
			}
			name = token.String()
		}
		child, err := node(d, depth+1)
		if err != nil {
			return n, err
		}
		child.Name = name
		n.Children = append(n.Children, child)
	}
}

// leaf reads a value without looking into it.
func leaf(d *jsontext.Decoder) (n Node, err error) {
	value, err := d.ReadValue()
	if err != nil {
		return n, fmt.Errorf("read JSON: %w", err)
	}
	n.Text = string(value)
	switch value.Kind() {
	case jsontext.KindString:
		n.Kind = "text"
		text, _ := jsontext.AppendUnquote(nil, value) // half of a surrogate pair becomes U+FFFD
		n.Text = string(text)
	case jsontext.KindNumber:
		n.Kind = "number"
	case jsontext.KindNull:
		n.Kind = "null"
	case jsontext.KindTrue, jsontext.KindFalse:
		n.Kind = "bool"
	case jsontext.KindBeginObject:
		n.Kind = "object"
	default:
		n.Kind = "list"
	}
	return n, nil
}

// Text is a value of a Change as people read it, "" for none.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// Bytes is a size as people read it.
func Bytes(n int) string {
	switch {
	case n < 1000:
		return strconv.Itoa(n) + " bytes"
	case n < 1_000_000:
		return fmt.Sprintf("%.1f KB", float64(n)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
