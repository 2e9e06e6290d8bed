package dynamodb

import (
	"encoding/base64"
	"encoding/json"
	"encoding/json/jsontext"
	jsonv2 "encoding/json/v2"
	"errors"
	"slices"
)

// maxDepth is how deep lists and maps may be nested.
const maxDepth = 32

// value is one attribute value. It is never changed once it is decoded, so that
// rows and answers can share it.
type value struct {
	kind   string // S N B BOOL NULL L M SS NS BS
	text   string // S; N in its normal form; B as raw bytes
	flag   bool   // BOOL
	list   []value
	fields item
	set    []string // SS NS BS, each element as in text
}

// item is a row, a key, or the values of an expression.
type item map[string]value

// UnmarshalJSON reads DynamoDB's JSON of a value, with all of its rules.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
func (v *value) UnmarshalJSON(data []byte) error { return v.decode(data, 0) }

// decode reads a value at that depth of nesting.
func (v *value) decode(data []byte, depth int) error {
	if depth > maxDepth {
		return invalid("Nesting Levels have exceeded supported limits")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return badValue()
	}
	if len(members) != 1 {
		return invalid("Supplied AttributeValue has more than one datatypes set, " +
			"must contain exactly one of the supported datatypes")
	}
	for kind, raw := range members {
		v.kind = kind
		return v.decodeKind(raw, depth)
	}
	return nil
}

// decodeKind reads what the one member of a value holds.
func (v *value) decodeKind(raw []byte, depth int) error {
	switch v.kind {
	case "S", "N", "B":
		var text *string
		if json.Unmarshal(raw, &text) != nil || text == nil {
			return badValue()
		}
		var err error
		v.text, err = decodeScalar(v.kind, *text)
		return err
	case "BOOL":
		return decodeInto(raw, &v.flag)
	case "NULL":
		var null bool
		if err := decodeInto(raw, &null); err != nil || !null {
			return badParameter("Null attribute value types must have the value of true")
		}
		return nil
	case "L":
		return v.decodeList(raw, depth)
	case "M":
		return v.decodeMap(raw, depth)
	case "SS", "NS", "BS":
		return v.decodeSet(raw)
	}
	return badValue()
}

// decodeList reads a list, whose elements are one level deeper.
func (v *value) decodeList(raw []byte, depth int) error {
	var elements []json.RawMessage
	if err := decodeInto(raw, &elements); err != nil {
		return err
	}
	v.list = make([]value, len(elements))
	for i, element := range elements {
		if err := v.list[i].decode(element, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// decodeMap reads a map, whose members are one level deeper.
func (v *value) decodeMap(raw []byte, depth int) error {
	var members map[string]json.RawMessage
	if err := decodeInto(raw, &members); err != nil {
		return err
	}
	v.fields = make(item, len(members))
	for name, member := range members {
		var field value
		if err := field.decode(member, depth+1); err != nil {
			return err
		}
		v.fields[name] = field
	}
	return nil
}

// decodeSet reads a set; numbers that are equal are the same element, however they
// are written.
func (v *value) decodeSet(raw []byte) error {
	var texts []string
	if err := decodeInto(raw, &texts); err != nil {
		return err
	}
	if len(texts) == 0 {
		return badParameter("An set may not be empty")
	}
	for _, text := range texts {
		element, err := decodeScalar(v.kind[:1], text)
		if err != nil {
			return err
		}
		if slices.Contains(v.set, element) {
			return badParameter("Input collection %q contains duplicates", texts)
		}
		v.set = append(v.set, element)
	}
	return nil
}

// decodeInto decodes JSON that must not be null.
func decodeInto(raw []byte, target any) error {
	if string(raw) == "null" || json.Unmarshal(raw, target) != nil {
		return badValue()
	}
	return nil
}

func badValue() error {
	return invalid("Supplied AttributeValue is empty or malformed, must contain exactly one of the supported datatypes")
}

// decodeScalar reads the text of an S, N or B into the form of value.text.
func decodeScalar(kind, text string) (string, error) {
	switch kind {
	case "N":
		number, err := parseDecimal(text)
		return number.String(), err
	case "B":
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return "", badValue()
		}
		return string(raw), nil
	}
	return text, nil
}

// MarshalJSONTo writes DynamoDB's JSON of a value. Attributes are in the order of
// their names, so that equal items have equal text: a request token stands for
// the text of its transaction. It writes where the answer is written: a value that
// made a text of its own would have it read and copied again at each level.
func (v value) MarshalJSONTo(e *jsontext.Encoder) error {
	return errors.Join(
		e.WriteToken(jsontext.BeginObject),
		e.WriteToken(jsontext.String(v.kind)),
		v.writeContent(e),
		e.WriteToken(jsontext.EndObject),
	)
}

// writeContent writes what stands behind the name of the type. Most values are
// texts, which need no reflection.
func (v value) writeContent(e *jsontext.Encoder) error {
	if v.kind == "S" || v.kind == "N" {
		return e.WriteToken(jsontext.String(v.text)) //nolint:wrapcheck // the encoder adds where it was
	}
	return jsonv2.MarshalEncode(e, v.content(), jsonv2.Deterministic(true)) //nolint:wrapcheck // likewise
}

// content is what stands in JSON behind the name of the type.
func (v value) content() any {
	switch v.kind {
	case "BOOL":
		return v.flag
	case "NULL":
		return true
	case "B":
		return []byte(v.text) // in JSON its base64
	case "L":
		return v.list
	case "M":
		return v.fields
	case "SS", "NS":
		return v.set
	case "BS":
		binaries := make([][]byte, len(v.set))
		for i, element := range v.set {
			binaries[i] = []byte(element)
		}
		return binaries
	}
	return v.text
}
