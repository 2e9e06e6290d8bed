package template_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/test/template"
)

func TestEveryParameterIsDocumented(t *testing.T) {
	tmpl := load(t)
	var documented []string
	for _, r := range table(t, "Parameters of the template") {
		name := r.name("parameter")
		documented = append(documented, name)
		p := func(field string) any { return tmpl.Get("Parameters", name, field) }
		def := "nothing"
		if d := fmt.Sprint(p("Default")); d != "" {
			def = "`" + d + "`"
		}
		if r["default"] != def {
			t.Errorf("default of %s = %s in docs/configuration.md, %s in the template", name, r["default"], def)
		}
		want := allowedValues(tmpl, name)
		for _, bound := range []any{p("MinValue"), p("MaxValue")} {
			if bound != nil {
				want = append(want, fmt.Sprint(bound))
			}
		}
		if diff := cmp.Diff(want, r.words("allowed")); diff != "" {
			t.Errorf("allowed for %s (-template.yaml +docs/configuration.md):\n%s", name, diff)
		}
	}
	slices.Sort(documented)
	if diff := cmp.Diff(tmpl.Names("Parameters"), documented); diff != "" {
		t.Errorf("parameters (-template.yaml +docs/configuration.md):\n%s", diff)
	}
}

// allowedValues returns what the template allows for a parameter, nil where it is not a list.
func allowedValues(tmpl *template.Template, parameter string) []string {
	if values := tmpl.Get("Parameters", parameter, "AllowedValues"); values != nil {
		return texts(values)
	}
	return nil
}

// A parameter that reaches a function names its variable, and every value that the template allows is one that the
// function takes. What it has without being set is the variable's own default.
func TestParametersReachTheFunctions(t *testing.T) {
	tmpl := load(t)
	sets := map[string]string{} // variable by parameter
	for _, r := range table(t, "Parameters of the template") {
		if words := r.words("sets"); len(words) > 0 {
			sets[r.name("parameter")] = words[0]
		}
	}
	allowed := map[string][]string{} // words by variable
	for _, r := range table(t, "Variables of the functions") {
		allowed[r.name("variable")] = slices.Sorted(slices.Values(r.words("allowed")))
	}
	reached := map[string]string{}
	for name, f := range functions() {
		for variable, value := range environment(tmpl, f.id) {
			ref, _ := value.(map[string]any)
			parameter, _ := ref["Ref"].(string)
			if !slices.Contains(tmpl.Names("Parameters"), parameter) {
				continue
			}
			reached[parameter] = variable
			def := fmt.Sprint(tmpl.Get("Parameters", parameter, "Default"))
			values := allowedValues(tmpl, parameter)
			for _, v := range append(values, def) {
				if _, err := f.with(variable, v); err != nil && v != "" {
					t.Errorf("%s refuses %s=%s, which the template allows: %v", name, variable, v, err)
				}
			}
			words := strings.Fields(strings.ToLower(strings.Join(values, " ")))
			slices.Sort(words)
			if diff := cmp.Diff(words, allowed[variable]); len(words) > 0 && diff != "" {
				t.Errorf("allowed for %s (-template.yaml +docs/configuration.md):\n%s", variable, diff)
			}
			if parameter == "SecretParameterName" {
				continue // required, so it has a default in the template alone
			}
			unset, _ := f.with(variable, "")
			if got, _ := f.with(variable, def); !reflect.DeepEqual(unset, got) {
				t.Errorf("%s: settings with %s=%s = %+v, want those without: %+v", name, variable, def, got, unset)
			}
		}
	}
	if diff := cmp.Diff(reached, sets); diff != "" {
		t.Errorf("variables by parameter (-template.yaml +docs/configuration.md):\n%s", diff)
	}
}

// overrides are the values that samconfig.toml gives to parameters, by "environment parameter".
func overrides(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	section := regexp.MustCompile(`(?ms)^\[(\w+)\.deploy\.parameters\]$(.*?)(^\[|\z)`)
	lists := regexp.MustCompile(`(?s)parameter_overrides = \[(.*?)\]`)
	text := strings.ReplaceAll(readFile(t, "samconfig.toml"), "\n[", "\n\n[")
	for _, s := range section.FindAllStringSubmatch(text, -1) {
		for _, list := range lists.FindAllStringSubmatch(s[2], -1) {
			for _, m := range regexp.MustCompile(`"(\w+)=([^"]*)"`).FindAllStringSubmatch(list[1], -1) {
				all[s[1]+" "+m[1]] = m[2]
			}
		}
	}
	return all
}

func TestSamconfigSetsWhatIsDocumented(t *testing.T) {
	documented := map[string]string{}
	for _, r := range table(t, "Parameters of the template") {
		for _, m := range regexp.MustCompile("(\\w+) `([^`]*)`").FindAllStringSubmatch(r["samconfig.toml"], -1) {
			documented[m[1]+" "+r.name("parameter")] = m[2]
		}
	}
	if diff := cmp.Diff(documented, overrides(t)); diff != "" {
		t.Errorf("parameters (-docs/configuration.md +samconfig.toml):\n%s", diff)
	}
}
