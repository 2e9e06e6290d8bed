package main

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// setAll sets fields of a JSON body: `path=value` each, the path dotted from
// the envelope, with numbers as indexes into lists, the value JSON or, where
// it is none, text. Without settings the body stays byte for byte.
func setAll(body []byte, settings []string) ([]byte, error) {
	if len(settings) == 0 {
		return body, nil
	}
	var root any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&root); err != nil {
		return nil, terminal.Usagef("--set needs a JSON event: %w", err)
	}
	for _, s := range settings {
		path, text, ok := strings.Cut(s, "=")
		if !ok || path == "" {
			return nil, terminal.Usagef("--set %q: want path=value, such as data.first_name=Ada", s)
		}
		var err error
		if root, err = set(root, strings.Split(path, "."), parseValue(text)); err != nil {
			return nil, terminal.Usagef("--set %s: %w", path, err)
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(root); err != nil {
		return nil, terminal.Usagef("--set: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// parseValue keeps a JSON value's text, so that a number stays as it is typed.
func parseValue(text string) any {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return text
}

func set(at any, path []string, value any) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	switch node := opened(at).(type) {
	case []any:
		i, err := strconv.Atoi(path[0])
		if err != nil || i < 0 || i > len(node) {
			return nil, terminal.Usagef("%q is no index from 0 to %d into a list of %d", path[0], len(node), len(node))
		}
		if i == len(node) {
			node = append(node, nil)
		}
		node[i], err = set(node[i], path[1:], value)
		return node, err
	case map[string]any:
		v, err := set(node[path[0]], path[1:], value)
		node[path[0]] = v
		return node, err
	case nil:
		v, err := set(nil, path[1:], value)
		return map[string]any{path[0]: v}, err
	}
	return nil, terminal.Usagef("%q lies below a value that is neither object nor list", path[0])
}

// opened is a value that was set before as text, decoded where a path leads
// into it.
func opened(at any) any {
	raw, ok := at.(json.RawMessage)
	if !ok {
		return at
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return at
	}
	return v
}
