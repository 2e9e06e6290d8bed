package dynamodb

import "slices"

// projectionPaths compiles a ProjectionExpression; the empty text gives none.
func (p *placeholders) projectionPaths(text *string) ([]path, error) {
	if text == nil {
		return nil, nil
	}
	c := &compiler{label: "ProjectionExpression", names: p}
	list, err := c.parseList(*text)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if _, err := c.path(e); err != nil {
			return nil, err
		}
	}
	return c.paths, checkOverlap(c.label, c.paths)
}

// project keeps of an item what the paths lead to; nil paths keep all of it.
// Elements of lists are packed, in the order of the list.
func project(it item, paths []path) item {
	if paths == nil || it == nil {
		return it
	}
	kept := pick(value{kind: "M", fields: it}, paths)
	return kept.fields
}

// pick keeps of a container what the paths, all of them into it, lead to.
func pick(container value, paths []path) value {
	groups := map[step][]path{}
	var order []step
	for _, p := range paths {
		if _, ok := groups[p[0]]; !ok {
			order = append(order, p[0])
		}
		groups[p[0]] = append(groups[p[0]], p[1:])
	}
	slices.SortFunc(order, func(a, b step) int { return a.index - b.index })
	kept := value{kind: container.kind}
	if kept.kind == "M" {
		kept.fields = item{}
	}
	for _, s := range order {
		v, ok := path{s}.findIn(container)
		if !ok {
			continue
		}
		if inner := groups[s]; len(inner[0]) > 0 {
			// Paths that lead nowhere leave no empty shell.
			inner = slices.DeleteFunc(inner, func(p path) bool { _, ok := p.findIn(v); return !ok })
			if len(inner) == 0 {
				continue
			}
			v = pick(v, inner)
		}
		if s.list {
			kept.list = append(kept.list, v)
		} else {
			kept.fields[s.name] = v
		}
	}
	return kept
}
