package dynamodb

import (
	"slices"
	"sort"
	"strings"

	"github.com/truora/minidyn/interpreter/language"
)

type queryInput struct {
	searchInput
	KeyConditionExpression *string
	ScanIndexForward       *bool
}

// query is the operation Query.
func (s *service) query(in queryInput) (searchOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	q, err := s.search(in.searchInput)
	if err != nil {
		return searchOutput{}, err
	}
	hash, bounds, err := q.keyCondition(in.KeyConditionExpression)
	if err != nil {
		return searchOutput{}, err
	}
	for _, p := range q.filters {
		if q.key.has(p[0].name) {
			return searchOutput{}, invalid("Filter Expression can only contain non-primary key attributes: "+
				"Primary key attribute: %s", p[0].name)
		}
	}
	if err := q.names.refuseUnused(); err != nil {
		return searchOutput{}, err
	}

	from, to := q.partition(partition(hash))
	from, to = bounds.narrow(q, from, to)
	forward := in.ScanIndexForward == nil || *in.ScanIndexForward
	if in.ExclusiveStartKey != nil {
		start, err := q.startPosition(in.ExclusiveStartKey)
		if err != nil {
			return searchOutput{}, err
		}
		if !equal(in.ExclusiveStartKey[q.key.hash.name], hash) {
			return searchOutput{}, invalid("The provided starting key is outside query boundaries " +
				"based on provided conditions")
		}
		if forward {
			from = max(from, q.rows.after(start))
		} else {
			to = min(to, q.rows.search(start))
		}
	}
	return q.page(from, max(from, to), forward), nil
}

// partition is the range of rows whose position has the prefix.
func (q *search) partition(prefix string) (from, to int) {
	from = q.rows.search(prefix)
	to = from + sort.Search(q.rows.len()-from, func(i int) bool {
		position, _ := q.rows.at(from + i)
		return !strings.HasPrefix(position, prefix)
	})
	return from, to
}

// sortBounds are what a key condition asks of the sort key. Both are false up
// to some row and true from there on, in the order of the rows.
type sortBounds struct {
	begun func(value) bool // nil: from the first
	over  func(value) bool // nil: to the last
}

// narrow is the part of the rows from (included) to (excluded) within the bounds.
func (b sortBounds) narrow(q *search, from, to int) (int, int) {
	first := func(test func(value) bool, otherwise int) int {
		if test == nil {
			return otherwise
		}
		return from + sort.Search(to-from, func(i int) bool {
			_, x := q.rows.at(from + i)
			return test(x.packed.item()[q.key.sort.name])
		})
	}
	return first(b.begun, from), first(b.over, to)
}

// keyCondition compiles a KeyConditionExpression: the hash key equals a value,
// and at most one condition on the sort key.
func (q *search) keyCondition(text *string) (hash value, bounds sortBounds, err error) {
	if text == nil {
		return hash, bounds, invalid("Either the KeyConditions or KeyConditionExpression parameter must be " +
			"specified in the request.")
	}
	c := &compiler{label: "KeyConditionExpression", names: q.names}
	list, err := c.parseList(*text)
	if err != nil {
		return hash, bounds, err
	}
	parts := list
	if both, ok := list[0].(*language.InfixExpression); ok && both.Operator == language.AND {
		parts = append([]language.Expression{both.Left, both.Right}, list[1:]...)
	}
	if len(parts) > 2 {
		return hash, bounds, c.refuse("Conditions can be of length 1 or 2 only")
	}
	foundHash, foundSort := false, false
	for _, part := range parts {
		name, operator, values, err := c.keyTest(part)
		if err != nil {
			return hash, bounds, err
		}
		attribute := q.key.hash
		if name == q.key.sort.name {
			attribute = q.key.sort
		}
		for _, v := range values {
			if v.kind != attribute.kind {
				return hash, bounds, badParameter("Condition parameter type does not match schema type")
			}
			if v.text == "" && operator != "begins_with" {
				return hash, bounds, invalid("One or more parameter values are not valid. "+
					"The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", name)
			}
		}
		switch {
		case name == q.key.hash.name && operator == language.EQ && !foundHash:
			hash, foundHash = values[0], true
		case name == q.key.sort.name && name != "" && operator != language.NotEQ && !foundSort:
			bounds, foundSort = newSortBounds(operator, values), true
		default:
			return hash, bounds, invalid("Query key condition not supported")
		}
	}
	if !foundHash {
		return hash, bounds, invalid("Query condition missed key schema element: %s", q.key.hash.name)
	}
	return hash, bounds, nil
}

// keyTest reads one condition on a key.
func (c *compiler) keyTest(e language.Expression) (name, operator string, values []value, err error) {
	var subject language.Expression
	var operands []language.Expression
	switch n := e.(type) {
	case *language.InfixExpression:
		subject, operator, operands = n.Left, n.Operator, []language.Expression{n.Right}
	case *language.BetweenExpression:
		subject, operator, operands = n.Left, language.BETWEEN, n.Range[:]
	case *language.CallExpression:
		function, arguments := callParts(n)
		if function == "begins_with" && len(arguments) == 2 {
			subject, operator, operands = arguments[0], function, arguments[1:]
		}
	}
	if subject == nil {
		return "", "", nil, c.refuse("Invalid operator used in KeyConditionExpression")
	}
	p, err := c.path(subject)
	if err != nil {
		return "", "", nil, err
	}
	for _, operand := range operands {
		v, ok, err := c.value(operand)
		if err != nil {
			return "", "", nil, err
		}
		if !ok {
			return "", "", nil, c.refuse("Syntax error; a value is expected")
		}
		values = append(values, v)
	}
	if len(p) > 1 {
		return "", "", nil, c.refuse("KeyConditionExpressions cannot have conditions on nested attributes")
	}
	return p[0].name, operator, values, c.checkKeyValues(operator, values)
}

// checkKeyValues refuses values that do not go with the operator, whatever the
// key's type.
func (c *compiler) checkKeyValues(operator string, values []value) error {
	kinds := ordered()
	switch operator {
	case language.EQ, language.NotEQ:
		return nil
	case "begins_with":
		kinds = []string{"S", "B"}
	}
	for _, v := range values {
		if !slices.Contains(kinds, v.kind) {
			return c.wrongType(operator, v.kind)
		}
	}
	if operator == language.BETWEEN {
		return c.checkBounds(values[0], values[1])
	}
	return nil
}

// newSortBounds are the bounds of one condition. Each test is monotonic along the
// rows, so that the page is found by halving.
func newSortBounds(operator string, values []value) sortBounds {
	v := values[0]
	atLeast := func(x value) bool { return compare(language.GTE, x, v) }
	beyond := func(x value) bool { return compare(language.GT, x, v) }
	switch operator {
	case language.EQ:
		return sortBounds{atLeast, beyond}
	case language.LT:
		return sortBounds{nil, atLeast}
	case language.LTE:
		return sortBounds{nil, beyond}
	case language.GT:
		return sortBounds{beyond, nil}
	case language.GTE:
		return sortBounds{atLeast, nil}
	case language.BETWEEN:
		return sortBounds{atLeast, func(x value) bool { return compare(language.GT, x, values[1]) }}
	default: // begins_with
		return sortBounds{atLeast, func(x value) bool { return beyond(x) && !beginsWith(x, v) }}
	}
}
