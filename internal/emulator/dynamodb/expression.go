package dynamodb

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/truora/minidyn/interpreter/language"
)

// The length in bytes of the longest expression, and how many operators and
// functions one may have.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxExpression = 4096
	maxOperators  = 300
)

var (
	namePlaceholder  = regexp.MustCompile(`^#[A-Za-z0-9_]+$`)
	valuePlaceholder = regexp.MustCompile(`^:[A-Za-z0-9_]+$`)
	plainName        = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
)

// placeholders are the names and values that a request brings along for its
// expressions. They remember which were used: what no expression uses is
// refused.
type placeholders struct {
	names  map[string]string
	values item
	used   map[string]bool
}

func newPlaceholders(names map[string]string, values item) (*placeholders, error) {
	if names != nil && len(names) == 0 {
		return nil, invalid("ExpressionAttributeNames must not be empty")
	}
	if values != nil && len(values) == 0 {
		return nil, invalid("ExpressionAttributeValues must not be empty")
	}
	for name := range names {
		if !namePlaceholder.MatchString(name) {
			return nil, invalid("ExpressionAttributeNames contains invalid key: Syntax error; key: %q", name)
		}
	}
	for name := range values {
		if !valuePlaceholder.MatchString(name) {
			return nil, invalid("ExpressionAttributeValues contains invalid key: Syntax error; key: %q", name)
		}
	}
	return &placeholders{names, values, map[string]bool{}}, nil
}

// refuseUnused refuses placeholders that no expression used.
func (p *placeholders) refuseUnused() error {
	for _, name := range slices.Sorted(maps.Keys(p.names)) {
		if !p.used[name] {
			return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		if !p.used[name] {
			return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", name)
		}
	}
	return nil
}

// compiler turns what the parser understood of one expression into functions,
// and refuses what the parser lets through but DynamoDB does not.
type compiler struct {
	label string // the member's name, for the messages
	names *placeholders
	paths []path // every path that the expression names
}

func (c *compiler) refuse(format string, args ...any) error {
	return invalid("Invalid "+c.label+": "+format, args...)
}

// checkText refuses what the parser would take, or not survive.
func (c *compiler) checkText(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return c.refuse("The expression can not be empty;")
	case len(text) > maxExpression:
		return c.refuse("Expression size has exceeded the maximum allowed size;")
	case strings.Contains(text, "\x00"):
		// The lexer takes it for the end.
		return c.refuse("Syntax error; token: <NUL>")
	}
	operators := 0
	lexer := language.NewLexer(text)
	for token := lexer.NextToken(); token.Type != language.EOF; {
		next := lexer.NextToken()
		// The parser takes any token for the parenthesis that follows IN.
		if token.Type == language.IN && next.Type != language.LPAREN {
			return c.refuse("Syntax error; token: %q", next.Literal)
		}
		if isOperator(token.Type) || token.Type == language.IDENT && next.Type == language.LPAREN {
			operators++
		}
		token = next
	}
	if operators > maxOperators {
		return c.refuse("The expression contains too many operators; operator count: %d", operators)
	}
	return nil
}

func isOperator(t language.TokenType) bool {
	return slices.Contains([]language.TokenType{
		language.EQ, language.NotEQ, language.LT, language.LTE, language.GT, language.GTE,
		language.PLUS, language.MINUS,
		language.AND, language.OR, language.NOT, language.BETWEEN, language.IN,
	}, t)
}

// parseList parses expressions separated by commas. (The parser's entry for a
// condition takes several in a row and keeps the last.)
func (c *compiler) parseList(text string) ([]language.Expression, error) {
	if err := c.checkText(text); err != nil {
		return nil, err
	}
	parser := language.NewParser(language.NewLexer(text))
	list := parser.ParseProjectionExpression()
	if problems := parser.Errors(); len(problems) > 0 {
		return nil, c.refuse("Syntax error; %s", problems[0])
	}
	return list, nil
}

// path compiles a document path.
func (c *compiler) path(e language.Expression) (path, error) {
	p, err := c.steps(e)
	if err == nil {
		c.paths = append(c.paths, p)
	}
	return p, err
}

// steps compiles the names and indexes of a path, outermost first.
func (c *compiler) steps(e language.Expression) (path, error) {
	switch n := e.(type) {
	case *language.Identifier:
		name, err := c.name(n)
		return path{{name: name}}, err
	case *language.IndexExpression:
		p, err := c.steps(n.Left)
		if err != nil {
			return nil, err
		}
		part, ok := n.Index.(*language.Identifier)
		if !ok {
			break
		}
		if n.Type == language.ObjectTypeList {
			index, err := strconv.Atoi(part.Value)
			if err != nil || index < 0 {
				return nil, c.refuse("Syntax error; token: %q", part.Value)
			}
			return append(p, step{index: index, list: true}), nil
		}
		name, err := c.name(part)
		return append(p, step{name: name}), err
	}
	return nil, c.refuse("Syntax error; a document path is expected")
}

// name resolves a name or its placeholder, and refuses reserved words.
func (c *compiler) name(n *language.Identifier) (string, error) {
	switch {
	case strings.HasPrefix(n.Value, "#"):
		name, ok := c.names.names[n.Value]
		if !ok {
			return "", c.refuse("An expression attribute name used in the document path is not defined; "+
				"attribute name: %s", n.Value)
		}
		c.names.used[n.Value] = true
		return name, nil
	case n.Token.Type != language.IDENT || !plainName.MatchString(n.Value):
		return "", c.refuse("Syntax error; token: %q", n.Value)
	case language.IsReservedWord(strings.ToUpper(n.Value)):
		return "", c.refuse("Attribute name is a reserved keyword; reserved keyword: %s", n.Value)
	}
	return n.Value, nil
}

// value compiles a placeholder of a value; ok is false for anything else.
func (c *compiler) value(e language.Expression) (v value, ok bool, err error) {
	n, isName := e.(*language.Identifier)
	if !isName || !strings.HasPrefix(n.Value, ":") {
		return value{}, false, nil
	}
	v, defined := c.names.values[n.Value]
	if !defined {
		return value{}, true, c.refuse("An expression attribute value used in expression is not defined; "+
			"attribute value: %s", n.Value)
	}
	c.names.used[n.Value] = true
	return v, true, nil
}
