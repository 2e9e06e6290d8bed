package dynamodb

import (
	"slices"
	"strings"

	"github.com/truora/minidyn/interpreter/language"
)

// condition says whether an item, or nil for none, meets an expression.
type condition func(item) bool

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
	if err := c.checkDistinct(n.Operator, sides); err != nil {
		return nil, err
	}
	if n.Operator != language.EQ && n.Operator != language.NotEQ {
		if err := c.checkKinds(n.Operator, sides, ordered()...); err != nil {
			return nil, err
		}
	}
	return func(it item) bool {
		// What is absent is unequal to everything, and in no order with it.
		a, hasA := sides[0].find(it)
		b, hasB := sides[1].find(it)
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
	if err := c.checkDistinct(language.BETWEEN, all); err != nil {
		return nil, err
	}
	if err := c.checkKinds(language.BETWEEN, all, ordered()...); err != nil {
		return nil, err
	}
	if low, high := all[1].literal, all[2].literal; low != nil && high != nil {
		if err := c.checkBounds(*low, *high); err != nil {
			return nil, err
		}
	}
	return func(it item) bool {
		v, ok := all[0].find(it)
		low, hasLow := all[1].find(it)
		high, hasHigh := all[2].find(it)
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
	if err := c.checkDistinct(language.IN, all); err != nil {
		return nil, err
	}
	return func(it item) bool {
		v, ok := all[0].find(it)
		return ok && slices.ContainsFunc(all[1:], func(o operand) bool {
			candidate, ok := o.find(it)
			return ok && equal(v, candidate)
		})
	}, nil
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
		return c.attributeType(arguments)
	case (name == "begins_with" || name == "contains") && len(arguments) == 2:
		return c.part(name, arguments)
	}
	return nil, c.refuse("Invalid function name or incorrect number of operands; function: %s", name)
}

// attributeType compiles attribute_type, whose second argument is a value, the
// name of a type.
func (c *compiler) attributeType(arguments []language.Expression) (condition, error) {
	p, err := c.path(arguments[0])
	if err != nil {
		return nil, err
	}
	kind, ok, err := c.value(arguments[1])
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, c.wrongType("attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}") // of a path any of these
	case kind.kind != "S":
		return nil, c.wrongType("attribute_type", kind.kind)
	case !isAttributeType(kind.text):
		return nil, c.refuse("Invalid attribute type name found; type: %s, valid types: %s", kind.text, attributeTypes)
	}
	return func(it item) bool { v, ok := p.find(it); return ok && v.kind == kind.text }, nil
}

// part compiles begins_with and contains.
func (c *compiler) part(name string, arguments []language.Expression) (condition, error) {
	pair, err := c.operands(arguments...)
	if err != nil {
		return nil, err
	}
	if err := c.checkDistinct(name, pair); err != nil {
		return nil, err
	}
	test := contains
	if name == "begins_with" {
		test = beginsWith
		if err := c.checkKinds(name, pair, "S", "B"); err != nil {
			return nil, err
		}
	}
	return func(it item) bool {
		v, ok := pair[0].find(it)
		part, hasPart := pair[1].find(it)
		return ok && hasPart && test(v, part)
	}, nil
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
