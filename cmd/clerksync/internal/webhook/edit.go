package webhook

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// Edit sets fields of an event by settings of the form path=value. The path is
// dotted from the envelope, with numbers as indexes into lists; one past the
// end of a list appends, and missing objects are made. The value is JSON, kept
// as it is typed, or text where it is not JSON; those of texts are text, whatever
// they look like, and are set last. Without settings the body stays byte for byte.
// All errors are usage errors.
func Edit(body []byte, settings []string, texts ...string) ([]byte, error) {
	if len(settings)+len(texts) == 0 {
		return body, nil
	}
	root, err := decodeJSON(body)
	if err != nil {
		return nil, terminal.Usagef("--set needs a JSON event: %w", err)
	}
	for i, s := range slices.Concat(settings, texts) {
		path, text, ok := strings.Cut(s, "=")
		if !ok || path == "" {
			return nil, terminal.Usagef("--set %q: want path=value, such as data.first_name=Ada", s)
		}
		var value any = text
		if i < len(settings) && json.Valid([]byte(text)) {
			value = json.RawMessage(text)
		}
		if root, err = setField(root, strings.Split(path, "."), value); err != nil {
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

// setField returns the node with the value at the path below it.
func setField(node any, path []string, value any) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	if text, set := node.(json.RawMessage); set { // an earlier setting's value, which this path leads into
		node, _ = decodeJSON(text) // it is valid
	}
	switch node := node.(type) {
	case []any:
		i, err := strconv.Atoi(path[0])
		if err != nil || i < 0 || i > len(node) {
			return nil, terminal.Usagef("%q is not an index from 0 to %d, the length of the list", path[0], len(node))
		}
		if i == len(node) {
			node = append(node, nil)
		}
		node[i], err = setField(node[i], path[1:], value)
		return node, err
	case map[string]any:
		v, err := setField(node[path[0]], path[1:], value)
		node[path[0]] = v
		return node, err
	case nil:
		v, err := setField(nil, path[1:], value)
		return map[string]any{path[0]: v}, err
	}
	return nil, terminal.Usagef("%q lies below a value that is neither object nor list", path[0])
}

// decodeJSON keeps the text of numbers.
func decodeJSON(text []byte) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	err = dec.Decode(&v)
	return v, err
}
