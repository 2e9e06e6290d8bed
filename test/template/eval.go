package template

import "fmt"

// eval evaluates what depends on parameters alone, at every depth. An Fn::If that chooses AWS::NoValue is nil, and the
// property that holds it is left out.
func (t *Template) eval(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 1 {
			if result, known := t.intrinsic(v); known {
				return result
			}
		}
		fields := make(map[string]any, len(v))
		for name, child := range v {
			if result := t.eval(child); result != nil {
				fields[name] = result
			}
		}
		return fields
	case []any:
		items := make([]any, 0, len(v))
		for _, child := range v {
			if result := t.eval(child); result != nil {
				items = append(items, result)
			}
		}
		return items
	default:
		return value
	}
}

// resolve is eval of the value itself, not of what it contains.
func (t *Template) resolve(value any) any {
	if call, ok := value.(map[string]any); ok && len(call) == 1 {
		if result, known := t.intrinsic(call); known {
			return result
		}
	}
	return value
}

// intrinsic evaluates a function of CloudFormation. known is false for one that depends on more than parameters.
func (t *Template) intrinsic(call map[string]any) (result any, known bool) {
	if name, ok := call["Ref"].(string); ok {
		if name == "AWS::NoValue" {
			return nil, true
		}
		value, isParam := t.params[name]
		return value, isParam
	}
	if args, ok := call["Fn::If"].([]any); ok && len(args) == 3 {
		name, isName := args[0].(string)
		if !isName {
			return nil, false
		}
		if t.conditionHolds(name) {
			return t.eval(args[1]), true
		}
		return t.eval(args[2]), true
	}
	return nil, false
}

func (t *Template) conditionHolds(name string) bool {
	return t.evalCondition(t.section("Conditions")[name])
}

func (t *Template) evalCondition(condition any) bool {
	call, ok := condition.(map[string]any)
	if !ok {
		return false
	}
	if name, isRef := call["Condition"].(string); isRef {
		return t.conditionHolds(name)
	}
	if args, is := call["Fn::Equals"].([]any); is && len(args) == 2 {
		// CloudFormation compares as text: a Number parameter equals its digits.
		return fmt.Sprint(t.eval(args[0])) == fmt.Sprint(t.eval(args[1]))
	}
	if args, is := call["Fn::Not"].([]any); is && len(args) == 1 {
		return !t.evalCondition(args[0])
	}
	if args, is := call["Fn::And"].([]any); is {
		for _, arg := range args {
			if !t.evalCondition(arg) {
				return false
			}
		}
		return true
	}
	if args, is := call["Fn::Or"].([]any); is {
		for _, arg := range args {
			if t.evalCondition(arg) {
				return true
			}
		}
	}
	return false
}
