package dynamodb

import (
	"maps"
	"slices"

	"github.com/truora/minidyn/interpreter/language"
)

// apply returns the item after the update. Every action reads the item as it
// was before any of them.
func (u assignments) apply(before item) (item, error) {
	root := value{kind: "M", fields: before}
	for _, a := range u {
		var v value
		var err error
		if a.from != nil {
			if v, err = a.from(before); err != nil {
				return nil, err
			}
		}
		// A value without a kind stands for none: REMOVE, or a set that DELETE has
		// emptied, which leaves no attribute.
		switch {
		case v.kind != "":
			root, err = assign(root, a.path, v)
		case a.kind == language.REMOVE || before[a.path[0].name].kind != "":
			root, err = without(root, a.path)
		}
		if err != nil {
			return nil, err
		}
	}
	return root.fields, nil
}

// badPath refuses a path whose container is not there, or of another type: an
// update makes attributes, never the maps and lists around them.
func badPath() error {
	return invalid("The document path provided in the update expression is invalid for update")
}

// assign returns a copy of the container with the value at the path.
func assign(container value, p path, v value) (value, error) {
	if len(p) == 0 {
		return v, nil
	}
	s := p[0]
	old, ok := path{s}.findIn(container)
	if !ok && len(p) > 1 || s.list != (container.kind == "L") || !s.list && container.kind != "M" {
		return value{}, badPath()
	}
	inner, err := assign(old, p[1:], v)
	if err != nil {
		return value{}, err
	}
	if !s.list {
		container.fields = maps.Clone(container.fields)
		if container.fields == nil {
			container.fields = item{}
		}
		container.fields[s.name] = inner
		return container, nil
	}
	container.list = slices.Clone(container.list)
	if s.index >= len(container.list) {
		container.list = append(container.list, inner)
	} else {
		container.list[s.index] = inner
	}
	return container, nil
}

// without returns a copy of the container that has nothing at the path.
func without(container value, p path) (value, error) {
	s := p[0]
	old, ok := path{s}.findIn(container)
	switch {
	case !ok && len(p) > 1:
		return value{}, badPath()
	case !ok:
		return container, nil
	case len(p) > 1:
		inner, err := without(old, p[1:])
		if err != nil {
			return value{}, err
		}
		return assign(container, p[:1], inner)
	case s.list:
		container.list = slices.Delete(slices.Clone(container.list), s.index, s.index+1)
	default:
		container.fields = maps.Clone(container.fields)
		delete(container.fields, s.name)
	}
	return container, nil
}
