package dynamodb

import (
	"slices"
	"strconv"
	"strings"
)

// step is one part of a path: a name, or the index into a list.
type step struct {
	name  string
	index int
	list  bool
}

// path leads to an attribute or into one; its first step is a name.
type path []step

func (p path) String() string {
	var text strings.Builder
	for i, s := range p {
		switch {
		case s.list:
			text.WriteString("[" + strconv.Itoa(s.index) + "]")
		case i > 0:
			text.WriteString("." + s.name)
		default:
			text.WriteString(s.name)
		}
	}
	return text.String()
}

// steps lists the steps as some messages of DynamoDB do: a, [1], b.
func (p path) steps() string {
	texts := make([]string, len(p))
	for i, s := range p {
		texts[i] = path{s}.String()
	}
	return strings.Join(texts, ", ")
}

// find follows the path into an item.
func (p path) find(it item) (value, bool) { return p.findIn(value{kind: "M", fields: it}) }

// findIn follows the path from any container, a list too.
func (p path) findIn(v value) (value, bool) {
	for _, s := range p {
		switch {
		case s.list && v.kind == "L" && s.index < len(v.list):
			v = v.list[s.index]
		case !s.list && v.kind == "M":
			next, ok := v.fields[s.name]
			if !ok {
				return value{}, false
			}
			v = next
		default:
			return value{}, false
		}
	}
	return v, true
}

// checkOverlap refuses paths of which one leads to or through another.
func checkOverlap(label string, paths []path) error {
	for i, a := range paths {
		for _, b := range paths[:i] {
			if n := min(len(a), len(b)); slices.Equal(a[:n], b[:n]) {
				return invalid("Invalid %s: Two document paths overlap with each other; "+
					"must remove or rewrite one of these paths; path one: [%s], path two: [%s]", label, b, a)
			}
		}
	}
	return nil
}
