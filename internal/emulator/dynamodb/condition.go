package dynamodb

import (
	"slices"
	"strings"

	"github.com/truora/minidyn/interpreter/language"
)

// condition says whether an item, or nil for none, meets an expression.
type condition func(item) bool

// operand is a side of a comparison; false where the attribute is absent.
type operand func(item) (value, bool)

// condition compiles an expression that is true or false; nil gives nil.
func (p *placeholders) condition(label string, text *string) (condition, []path, error) {
	if text == nil {
		return nil, nil, nil
	}
	c := &compiler{label: label, names: p}
	list, err := c.parseList(*text)
	if err != nil {
		return nil, nil, err
	}
	if len(list) != 1 {
		return nil, nil, c.refuse("Syntax error; token: \",\"")
	}
	met, err := c.condition(list[0])
	return met, c.paths, err
}

// condition compiles an expression of the language's tree.
func (c *compiler) condition(e language.Expression) (condition, error) {
	switch n := e.(type) {
	case *language.PrefixExpression:
		inner, err := c.condition(n.Right)
		if err != nil {
			return nil, err
		}
		return func(it item) bool { return !inner(it) }, nil
	case *language.InfixExpression:
		if n.Operator == language.AND || n.Operator == language.OR {
			return c.junction(n)
		}
		return c.comparison(n)
	case *language.BetweenExpression:
		return c.between(n)
	case *language.InExpression:
		return c.in(n)
	case *language.CallExpression:
		return c.call(n)
	}
	return nil, c.refuse("Syntax error; a condition is expected")
}

func (c *compiler) junction(n *language.InfixExpression) (condition, error) {
	left, err := c.condition(n.Left)
	if err != nil {
		return nil, err
	}
	right, err := c.condition(n.Right)
	if err != nil {
		return nil, err
	}
	if n.Operator == language.AND {
		return func(it item) bool { return left(it) && right(it) }, nil
	}
	return func(it item) bool { return left(it) || right(it) }, nil
}

func (c *compiler) comparison(n *language.InfixExpression) (condition, error) {
	sides, err := c.operands(n.Left, n.Right)
	if err != nil {
		return nil, err
	}
	return func(it item) bool {
		// What is absent is unequal to everything, and in no order with it.
		a, hasA := sides[0](it)
		b, hasB := sides[1](it)
		if !hasA || !hasB {
			return n.Operator == language.NotEQ
		}
		return compare(n.Operator, a, b)
	}, nil
}

func (c *compiler) between(n *language.BetweenExpression) (condition, error) {
	all, err := c.operands(n.Left, n.Range[0], n.Range[1])
	if err != nil {
		return nil, err
	}
	return func(it item) bool {
		v, ok := all[0](it)
		low, hasLow := all[1](it)
		high, hasHigh := all[2](it)
		return ok && hasLow && hasHigh && compare(language.GTE, v, low) && compare(language.LTE, v, high)
	}, nil
}

// in compiles IN, which compares for equality and so takes values of any type.
func (c *compiler) in(n *language.InExpression) (condition, error) {
	if len(n.Range) == 0 || len(n.Range) > 100 {
		return nil, c.refuse("IN takes 1 to 100 operands")
	}
	all, err := c.operands(append([]language.Expression{n.Left}, n.Range...)...)
	if err != nil {
		return nil, err
	}
	return func(it item) bool {
		v, ok := all[0](it)
		return ok && slices.ContainsFunc(all[1:], func(o operand) bool {
			candidate, ok := o(it)
			return ok && equal(v, candidate)
		})
	}, nil
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
		return func(item) (value, bool) { return v, true }, err
	}
	if call, ok := e.(*language.CallExpression); ok {
		if name, arguments := callParts(call); name == "size" && len(arguments) == 1 {
			p, err := c.path(arguments[0])
			return func(it item) (value, bool) { return sizeOf(p, it) }, err
		}
		return nil, c.refuse("The function is not allowed to be used this way in an expression")
	}
	p, err := c.path(e)
	return p.find, err
}

// callParts returns a function's name and its arguments.
func callParts(call *language.CallExpression) (string, []language.Expression) {
	if name, ok := call.Function.(*language.Identifier); ok {
		return name.Value, call.Arguments
	}
	return "", nil
}

// call compiles the functions that are conditions of their own.
func (c *compiler) call(n *language.CallExpression) (condition, error) {
	name, arguments := callParts(n)
	switch {
	case name == "attribute_exists" && len(arguments) == 1:
		p, err := c.path(arguments[0])
		return func(it item) bool { _, ok := p.find(it); return ok }, err
	case name == "attribute_not_exists" && len(arguments) == 1:
		p, err := c.path(arguments[0])
		return func(it item) bool { _, ok := p.find(it); return !ok }, err
	case name == "attribute_type" && len(arguments) == 2:
		p, err := c.path(arguments[0])
		if err != nil {
			return nil, err
		}
		kind, ok, err := c.value(arguments[1])
		if err != nil || !ok || kind.kind != "S" {
			return nil, c.refuse("Incorrect operand type for operator or function; " +
				"operator or function: attribute_type")
		}
		return func(it item) bool { v, ok := p.find(it); return ok && v.kind == kind.text }, nil
	case (name == "begins_with" || name == "contains") && len(arguments) == 2:
		pair, err := c.operands(arguments...)
		if err != nil {
			return nil, err
		}
		test := contains
		if name == "begins_with" {
			test = beginsWith
		}
		return func(it item) bool {
			v, ok := pair[0](it)
			part, hasPart := pair[1](it)
			return ok && hasPart && test(v, part)
		}, nil
	}
	return nil, c.refuse("Invalid function name or incorrect number of operands; function: %s", name)
}

func beginsWith(v, part value) bool {
	return v.kind == part.kind && (v.kind == "S" || v.kind == "B") && strings.HasPrefix(v.text, part.text)
}

// contains says whether a text or binary has the part, or a set or list the
// element.
func contains(v, part value) bool {
	switch v.kind {
	case "S", "B":
		return v.kind == part.kind && strings.Contains(v.text, part.text)
	case "SS", "NS", "BS":
		return v.kind[:1] == part.kind && slices.Contains(v.set, part.text)
	case "L":
		return slices.ContainsFunc(v.list, func(element value) bool { return equal(element, part) })
	}
	return false
}
