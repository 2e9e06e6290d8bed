// Package template reads template.yaml as CloudFormation would with the defaults of its parameters, so that tests can
// hold the numbers, names and permissions of a deployment to what the code relies on.
//
// It knows the short forms of YAML (!Ref, !GetAtt, !Sub, !If ...) and evaluates what depends on parameters alone: Ref
// of a parameter, Fn::If and the conditions. Everything else, such as Ref of a resource, stays in CloudFormation's
// long form, for example map[string]any{"Ref": "Queue"}.
//
// A tour of the tests: template_test.go holds numbers and switches, names_test.go what others rely on, policy_test.go,
// roles_test.go, iam_test.go and operator_test.go who may do what. alarms_test.go, dashboard_test.go and
// queries_test.go hold that whatever they name is really written, by AWS (metrics_test.go) or by the functions
// (emitted_test.go); notify_test.go where alarms go, cost_test.go what they cost. configuration_test.go and
// parameters_test.go hold docs/configuration.md to the code and the template, runbook_test.go and restore_test.go the
// runbook. adopt_test.go, upgrade_test.go and release_test.go are about stacks of other versions. parse_test.go tests
// the package itself.
package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Template is one parsed template together with the values of its parameters.
type Template struct {
	root   map[string]any
	params map[string]any
}

// Parse parses a template's text. Its parameters have their defaults; one without a default does not have a value.
func Parse(text []byte) (*Template, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	if len(doc.Content) != 1 {
		return nil, fmt.Errorf("parse template: %d documents, want 1", len(doc.Content))
	}
	value, err := decode(doc.Content[0])
	if err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	root, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("parse template: top is %T, want a mapping", value)
	}
	t := &Template{root: root, params: map[string]any{}}
	for name, p := range t.section("Parameters") {
		if fields, isMap := p.(map[string]any); isMap {
			if def, has := fields["Default"]; has {
				t.params[name] = def
			}
		}
	}
	return t, nil
}

// With returns the template with other values for some parameters.
func (t *Template) With(params map[string]any) *Template {
	merged := maps.Clone(t.params)
	maps.Copy(merged, params)
	return &Template{root: t.root, params: merged}
}

// Get returns the evaluated value at the path from the top, nil where there is none. A resource's properties are under
// "Resources", its logical id, "Properties".
func (t *Template) Get(path ...string) any {
	var value any = t.root
	for _, name := range path {
		fields, ok := t.resolve(value).(map[string]any)
		if !ok {
			return nil
		}
		value = fields[name]
	}
	return t.eval(value)
}

// Raw is the value at path as it is written, Ref of a parameter included.
func (t *Template) Raw(path ...string) any {
	var value any = t.root
	for _, name := range path {
		fields, _ := value.(map[string]any)
		value = fields[name]
	}
	return value
}

// Names returns the sorted names of the mapping at the path.
func (t *Template) Names(path ...string) []string {
	fields, _ := t.Get(path...).(map[string]any)
	return slices.Sorted(maps.Keys(fields))
}

// OfType returns the sorted logical ids of the resources of a type that exist under the parameters' values.
func (t *Template) OfType(kind string) []string {
	var ids []string
	for _, id := range t.Names("Resources") {
		condition, _ := t.Get("Resources", id, "Condition").(string)
		if t.Get("Resources", id, "Type") == kind && (condition == "" || t.conditionHolds(condition)) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (t *Template) section(name string) map[string]any {
	fields, _ := t.root[name].(map[string]any)
	return fields
}

// decode turns a node into maps, slices and scalars, with the short forms written out.
func decode(n *yaml.Node) (any, error) {
	value, err := decodePlain(n)
	if err != nil || !strings.HasPrefix(n.Tag, "!") || strings.HasPrefix(n.Tag, "!!") {
		return value, err
	}
	switch name := n.Tag[1:]; name {
	case "Ref", "Condition":
		return map[string]any{name: value}, nil
	case "GetAtt":
		if text, ok := value.(string); ok {
			id, attribute, _ := strings.Cut(text, ".")
			value = []any{id, attribute}
		}
		return map[string]any{"Fn::GetAtt": value}, nil
	default:
		return map[string]any{"Fn::" + name: value}, nil
	}
}

func decodePlain(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		fields := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i].Value
			if _, twice := fields[name]; twice {
				return nil, fmt.Errorf("line %d: %q stands twice", n.Content[i].Line, name)
			}
			value, err := decode(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			fields[name] = value
		}
		return fields, nil
	case yaml.SequenceNode:
		items := []any{}
		for _, child := range n.Content {
			value, err := decode(child)
			if err != nil {
				return nil, err
			}
			items = append(items, value)
		}
		return items, nil
	case yaml.ScalarNode:
		if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
			return n.Value, nil
		}
		var value any
		if err := n.Decode(&value); err != nil {
			return nil, fmt.Errorf("line %d: %w", n.Line, err)
		}
		return value, nil
	default:
		// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
		return nil, fmt.Errorf("line %d: CloudFormation does not take YAML aliases", n.Line)
	}
}
