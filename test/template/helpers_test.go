package template_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/test/template"
)

const root = "../.."

// params are values of the template's parameters.
type params = map[string]any

// probing switches the probe on, so that all there can be is in the template.
func probing() params { return params{"ClerkSecretKeyParameter": "/clerksync/clerk-key"} }

// load reads the template. Its parameters have their defaults, but for those that are given.
func load(t *testing.T, given ...params) *template.Template {
	t.Helper()
	tmpl, err := template.Parse([]byte(readFile(t, "template.yaml")))
	if err != nil {
		t.Fatalf("Parse(template.yaml) = %v", err)
	}
	for _, p := range given {
		tmpl = tmpl.With(p)
	}
	return tmpl
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// property returns a resource's evaluated property by its dotted path, the logical id first. The path Globals.Function
// leads to what all functions share.
func property(tmpl *template.Template, path string) any {
	names := strings.Split(path, ".")
	if names[0] == "Globals" {
		return tmpl.Get(names...)
	}
	return tmpl.Get(append([]string{"Resources", names[0], "Properties"}, names[1:]...)...)
}

// wantProperty compares a property with YAML as it could stand in the template.
func wantProperty(t *testing.T, tmpl *template.Template, path, yaml string) {
	t.Helper()
	if diff := cmp.Diff(parseYAML(t, yaml), property(tmpl, path)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// parseYAML parses a value in YAML, which may be indented by tabs as a Go program is.
func parseYAML(t *testing.T, yaml string) any {
	t.Helper()
	text := "Value: " + strings.ReplaceAll(yaml, "\n", "\n ")
	tmpl, err := template.Parse([]byte(strings.ReplaceAll(text, "\t", "")))
	if err != nil {
		t.Fatal(err)
	}
	return tmpl.Get("Value")
}

// asSub writes a text with references in the form of Fn::Sub: a text, a Ref, an Fn::GetAtt or an Fn::Sub, whose own
// variables are filled in.
func asSub(value any) string {
	call, ok := value.(map[string]any)
	if !ok {
		return fmt.Sprint(value)
	}
	switch {
	case call["Ref"] != nil:
		return "${" + asSub(call["Ref"]) + "}"
	case call["Fn::GetAtt"] != nil:
		return "${" + strings.Join(texts(call["Fn::GetAtt"]), ".") + "}"
	}
	args, ok := call["Fn::Sub"].([]any)
	if !ok {
		return asSub(call["Fn::Sub"])
	}
	text := asSub(args[0])
	for name, v := range asMap(args[1]) {
		text = strings.ReplaceAll(text, "${"+name+"}", asSub(v))
	}
	return text
}

// texts returns the items of a list, or the one value that stands instead of a list, as texts.
func texts(value any) (all []string) {
	items, isList := value.([]any)
	if !isList {
		items = []any{value}
	}
	for _, item := range items {
		all = append(all, fmt.Sprint(item))
	}
	return all
}

// asMap returns a mapping, nil for any other value.
func asMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

// asMaps returns a list of mappings, nil for any other value.
func asMaps(value any) (all []map[string]any) {
	items, _ := value.([]any)
	for _, item := range items {
		all = append(all, asMap(item))
	}
	return all
}
