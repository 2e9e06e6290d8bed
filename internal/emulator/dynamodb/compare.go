package dynamodb

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/truora/minidyn/interpreter/language"
)

// compare holds two values against each other. Values of different types are
// unequal and in no order, which is no error.
func compare(operator string, a, b value) bool {
	switch operator {
	case language.EQ:
		return equal(a, b)
	case language.NotEQ:
		return !equal(a, b)
	}
	if a.kind != b.kind || !slices.Contains([]string{"S", "N", "B"}, a.kind) {
		return false
	}
	order := strings.Compare(a.sortable(), b.sortable())
	switch operator {
	case language.LT:
		return order < 0
	case language.LTE:
		return order <= 0
	case language.GT:
		return order > 0
	case language.GTE:
		return order >= 0
	}
	return false
}

// equal compares values of any type; sets whatever the order of their elements.
func equal(a, b value) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case "L":
		return slices.EqualFunc(a.list, b.list, equal)
	case "M":
		return maps.EqualFunc(a.fields, b.fields, equal)
	case "SS", "NS", "BS":
		return slices.Equal(slices.Sorted(slices.Values(a.set)), slices.Sorted(slices.Values(b.set)))
	}
	return a.text == b.text && a.flag == b.flag
}

// sizeOf is the function size: bytes of a text or binary, elements of the rest.
func sizeOf(p path, it item) (value, bool) {
	v, ok := p.find(it)
	if !ok {
		return value{}, false
	}
	var size int
	switch v.kind {
	case "S", "B":
		size = len(v.text)
	case "SS", "NS", "BS":
		size = len(v.set)
	case "L":
		size = len(v.list)
	case "M":
		size = len(v.fields)
	default:
		return value{}, false
	}
	return value{kind: "N", text: strconv.Itoa(size)}, true
}
