package dynamodb

import (
	"encoding/base64"
	"slices"

	"github.com/truora/minidyn/interpreter/language"
)

// operand is a side of a comparison or an argument of a function.
type operand struct {
	// find returns the operand's value for an item, false where it has none.
	find func(item) (value, bool)
	// kind is the type as far as it is known without an item; empty for a path.
	kind string
	// literal is the value that the request brings along, of that kind; nil for a
	// path and for size.
	literal *value
	// path is nil for what is no path.
	path path
}

// ordered are the types whose values are in an order.
func ordered() []string { return []string{"S", "N", "B"} }

// attributeTypes are all types, in the order in which DynamoDB lists them.
const attributeTypes = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"

func isAttributeType(name string) bool {
	return slices.Contains([]string{"B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"}, name)
}

func (c *compiler) operands(list ...language.Expression) ([]operand, error) {
	all := make([]operand, len(list))
	for i, e := range list {
		var err error
		if all[i], err = c.operand(e); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// operand compiles a side of a comparison: a value, the function size, or a path.
func (c *compiler) operand(e language.Expression) (operand, error) {
	if v, ok, err := c.value(e); ok {
		return operand{find: func(item) (value, bool) { return v, true }, kind: v.kind, literal: &v}, err
	}
	if call, ok := e.(*language.CallExpression); ok {
		if name, arguments := callParts(call); name == "size" && len(arguments) == 1 {
			p, err := c.path(arguments[0])
			return operand{find: func(it item) (value, bool) { return sizeOf(p, it) }, kind: "N"}, err
		}
		return operand{}, c.refuse("The function is not allowed to be used this way in an expression")
	}
	p, err := c.path(e)
	return operand{find: p.find, path: p}, err
}

// wrongType refuses an operand by its type.
func (c *compiler) wrongType(operator, kind string) error {
	return c.refuse("Incorrect operand type for operator or function; operator or function: %s, operand type: %s",
		operator, kind)
}

// checkKinds refuses operands whose type is known and not among these. What it
// refuses would be false for every item, so that without the refusal a mistake
// in a request looks like an empty answer.
func (c *compiler) checkKinds(operator string, all []operand, kinds ...string) error {
	for _, o := range all {
		if o.kind != "" && !slices.Contains(kinds, o.kind) {
			return c.wrongType(operator, o.kind)
		}
	}
	return nil
}

// checkDistinct refuses an attribute that is held against itself.
func (c *compiler) checkDistinct(operator string, all []operand) error {
	first := all[0].path
	for _, o := range all[1:] {
		if first != nil && slices.Equal(first, o.path) {
			return c.refuse("The first operand must be distinct from the remaining operands for this operator or "+
				"function; operator: %s, first operand: [%s]", operator, first.steps())
		}
	}
	return nil
}

// checkBounds refuses the two bounds of BETWEEN where no value can be between
// them.
func (c *compiler) checkBounds(low, high value) error {
	const bounds = "; lower bound operand: AttributeValue: {%s}, upper bound operand: AttributeValue: {%s}"
	switch {
	case low.kind != high.kind:
		return c.refuse("The BETWEEN operator requires same data type for lower and upper bounds"+bounds,
			low.describe(), high.describe())
	case compare(language.GT, low, high):
		return c.refuse("The BETWEEN operator requires upper bound to be greater than or equal to lower bound"+bounds,
			low.describe(), high.describe())
	}
	return nil
}

// describe is a text, number or binary as the messages show it.
func (v value) describe() string {
	text := v.text
	if v.kind == "B" {
		text = base64.StdEncoding.EncodeToString([]byte(v.text))
	}
	return v.kind + ":" + text
}
