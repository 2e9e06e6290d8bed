package dynamodb

import (
	"cmp"
	"slices"
	"strings"

	"github.com/truora/minidyn/interpreter/language"
)

// source is what an action takes its value from, in the item as it was.
type source func(item) (value, error)

// setOperand is a part of what SET assigns.
type setOperand struct {
	from source
	kind string // as far as it is known without an item, else empty
}

// action is one part of an update: SET, REMOVE, ADD or DELETE at a path.
type action struct {
	kind language.TokenType
	path path
	from source // nil for REMOVE
}

// assignments are a compiled UpdateExpression.
type assignments []action

// assignments compiles an UpdateExpression; nil gives none.
func (p *placeholders) assignments(text *string, key keySchema) (assignments, error) {
	if text == nil {
		return nil, nil
	}
	c := &compiler{label: "UpdateExpression", names: p}
	if err := c.checkText(*text); err != nil {
		return nil, err
	}
	parser := language.NewUpdateParser(language.NewLexer(*text))
	statement := parser.ParseUpdateExpression()
	if problems := parser.Errors(); len(problems) > 0 {
		return nil, c.refuse("Syntax error; %s", problems[0])
	}
	clauses, ok := statement.Expression.(*language.UpdateExpression)
	if !ok || len(clauses.Expressions) == 0 {
		return nil, c.refuse("Syntax error; SET, REMOVE, ADD or DELETE is expected")
	}
	var u assignments
	var targets []path
	for _, e := range clauses.Expressions {
		a, err := c.action(e)
		if err != nil {
			return nil, err
		}
		if root := a.path[0].name; key.has(root) {
			return nil, badParameter("Cannot update attribute %s. This attribute is part of the key", root)
		}
		u = append(u, a)
		targets = append(targets, a.path)
	}
	// Elements of a list go from its end, so that none moves before its turn.
	slices.SortStableFunc(u, func(a, b action) int {
		if a.kind != language.REMOVE || b.kind != language.REMOVE {
			return cmp.Compare(rank(a), rank(b))
		}
		return cmp.Compare(b.path[len(b.path)-1].index, a.path[len(a.path)-1].index)
	})
	return u, checkOverlap(c.label, targets)
}

// rank puts removals after everything else: an action that sets an element of a
// list means its index before any removal.
func rank(a action) int {
	if a.kind == language.REMOVE {
		return 1
	}
	return 0
}

// action compiles one action of an update.
func (c *compiler) action(e language.Expression) (action, error) {
	n, ok := e.(*language.ActionExpression)
	if !ok || n == nil {
		return action{}, c.refuse("Syntax error; an action is expected")
	}
	p, err := c.path(n.Left)
	if err != nil {
		return action{}, err
	}
	a := action{kind: n.Token.Type, path: p}
	switch a.kind {
	case language.REMOVE:
	case language.SET:
		a.from, err = c.setSource(n.Right)
	default:
		v, ok, valueErr := c.value(n.Right)
		if valueErr != nil || !ok || len(p) > 1 {
			refusal := c.refuse("Syntax error; %s takes a top-level attribute and a value", a.kind)
			return action{}, cmp.Or(valueErr, refusal)
		}
		if !a.takes(v) {
			return action{}, c.refuse("Incorrect operand type for operator or function; operator: %s, operand type: %s",
				a.kind, v.kind)
		}
		a.from = func(it item) (value, error) { return a.combine(it, v) }
	}
	return a, err
}

// takes says whether ADD or DELETE work with values of this type.
func (a action) takes(v value) bool {
	return v.set != nil || a.kind == language.ADD && v.kind == "N"
}

// combine is what ADD and DELETE make of the attribute; an empty set leaves no
// attribute behind, which apply reads off an empty kind.
func (a action) combine(it item, v value) (value, error) {
	old, ok := it[a.path[0].name]
	switch {
	case !ok && a.kind == language.ADD:
		return v, nil
	case !ok:
		return value{}, nil
	case old.kind != v.kind:
		return value{}, invalid("An operand in the update expression has an incorrect data type")
	case v.kind == "N":
		text, err := sum(old.text, v.text, false)
		return value{kind: "N", text: text}, err
	}
	set := slices.Clone(old.set)
	for _, element := range v.set {
		if a.kind == language.DELETE {
			set = slices.DeleteFunc(set, func(s string) bool { return s == element })
		} else if !slices.Contains(set, element) {
			set = append(set, element)
		}
	}
	if len(set) == 0 {
		return value{}, nil
	}
	return value{kind: old.kind, set: set}, nil
}

// setSource compiles what SET assigns: an operand, or a sum or difference of two.
func (c *compiler) setSource(e language.Expression) (source, error) {
	n, ok := e.(*language.InfixExpression)
	if !ok {
		o, err := c.setOperand(e)
		return o.from, err
	}
	operator := strings.TrimSpace(n.Operator)
	left, err := c.setOperand(n.Left)
	if err != nil {
		return nil, err
	}
	right, err := c.setOperand(n.Right)
	if err != nil {
		return nil, err
	}
	if err := c.checkSetKinds(operator, "N", left, right); err != nil {
		return nil, err
	}
	return func(it item) (value, error) {
		a, err := left.from(it)
		if err != nil {
			return value{}, err
		}
		b, err := right.from(it)
		if err != nil {
			return value{}, err
		}
		if a.kind != "N" || b.kind != "N" {
			return value{}, invalid("An operand in the update expression has an incorrect data type")
		}
		text, err := sum(a.text, b.text, operator == "-")
		return value{kind: "N", text: text}, err
	}, nil
}

// checkSetKinds refuses operands of a type that is known and another one.
func (c *compiler) checkSetKinds(operator, kind string, all ...setOperand) error {
	for _, o := range all {
		if o.kind != "" && o.kind != kind {
			return c.wrongType(operator, o.kind)
		}
	}
	return nil
}

func (c *compiler) setOperand(e language.Expression) (setOperand, error) {
	if v, ok, err := c.value(e); ok {
		return setOperand{func(item) (value, error) { return v, nil }, v.kind}, err
	}
	if call, ok := e.(*language.CallExpression); ok {
		return c.setFunction(call)
	}
	p, err := c.path(e)
	return setOperand{from: func(it item) (value, error) {
		v, ok := p.find(it)
		if !ok {
			return value{}, invalid("The provided expression refers to an attribute that does not exist in the item")
		}
		return v, nil
	}}, err
}

// setFunction compiles if_not_exists and list_append.
func (c *compiler) setFunction(call *language.CallExpression) (setOperand, error) {
	name, arguments := callParts(call)
	if len(arguments) != 2 || name != "if_not_exists" && name != "list_append" {
		return setOperand{}, c.refuse("Invalid function name or incorrect number of operands; function: %s", name)
	}
	second, err := c.setOperand(arguments[1])
	if err != nil {
		return setOperand{}, err
	}
	if name == "if_not_exists" {
		p, err := c.path(arguments[0])
		return setOperand{from: func(it item) (value, error) {
			if v, ok := p.find(it); ok {
				return v, nil
			}
			return second.from(it)
		}}, err
	}
	first, err := c.setOperand(arguments[0])
	if err != nil {
		return setOperand{}, err
	}
	return setOperand{func(it item) (value, error) {
		a, err := first.from(it)
		if err != nil {
			return value{}, err
		}
		b, err := second.from(it)
		if err == nil && (a.kind != "L" || b.kind != "L") {
			err = invalid("An operand in the update expression has an incorrect data type")
		}
		return value{kind: "L", list: slices.Concat(a.list, b.list)}, err
	}, "L"}, c.checkSetKinds(name, "L", first, second)
}
