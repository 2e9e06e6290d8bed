package template_test

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/test/template"
)

// docs/configuration.md, pkg/settings, template.yaml and samconfig.toml say the same in four places. These tests
// compare each two of them in both directions.

// row is one row of a table of docs/configuration.md, by the names of its columns.
type row map[string]string

// words are the words of a cell that stand in backticks.
func (r row) words(column string) (words []string) {
	for _, m := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(r[column], -1) {
		words = append(words, m[1])
	}
	return words
}

// name is the first cell's word.
func (r row) name(column string) string {
	words := r.words(column)
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// table reads the table below a heading.
func table(t *testing.T, heading string) (rows []row) {
	t.Helper()
	_, section, found := strings.Cut(readFile(t, "docs/configuration.md"), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("docs/configuration.md has no heading %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var columns []string
	for line := range strings.Lines(section) {
		line, isRow := strings.CutPrefix(strings.TrimSpace(line), "|")
		if !isRow || strings.HasPrefix(line, "---") {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if columns == nil {
			columns = cells
			continue
		}
		r := row{}
		for i, name := range columns {
			r[name] = cells[i]
		}
		rows = append(rows, r)
	}
	return rows
}

// function is how one function is configured.
type function struct {
	id   string // logical, in the template
	read func(get func(string) string) (any, error)
	// least is an environment that holds what is required, and nothing else.
	least map[string]string
}

func functions() map[string]function {
	account := map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example",
		"QUEUE_URL": "https://sqs.example.com/1/q",
	}
	ingest, sync, probe := maps.Clone(account), maps.Clone(account), maps.Clone(account)
	delete(probe, "QUEUE_URL")
	probe["DIRECTORY_TABLE"], probe["CLERK_SECRET_KEY_PARAMETER"] = "t", "/k"
	ingest["CLERK_WEBHOOK_SECRET_PARAMETER"] = "/p"
	for _, name := range []string{"DIRECTORY_TABLE", "DELIVERIES_TABLE"} {
		sync[name] = "t"
	}
	sync["DEAD_LETTER_QUEUE_URL"] = "https://sqs.example.com/1/d"
	return map[string]function{
		"ingest": {
			id: "IngestFunction", least: ingest,
			read: func(get func(string) string) (any, error) { return settings.ReadIngest(get) },
		},
		"sync": {
			id: "SyncFunction", least: sync,
			read: func(get func(string) string) (any, error) { return settings.ReadSync(get) },
		},
		"probe": {
			id: "ProbeFunction", least: probe,
			read: func(get func(string) string) (any, error) { return settings.ReadProbe(get) },
		},
	}
}

// with reads the settings of the least environment with another value of one variable.
func (f function) with(name, value string) (any, error) {
	return f.read(func(n string) string {
		if n == name {
			return value
		}
		return f.least[n]
	})
}

// variables are the names that the function asks for.
func (f function) variables() []string {
	asked := map[string]bool{}
	_, _ = f.read(func(name string) string { asked[name] = true; return "" })
	return slices.Sorted(maps.Keys(asked))
}

func TestEveryVariableIsDocumented(t *testing.T) {
	rows := table(t, "Variables of the functions")
	for name, f := range functions() {
		var documented []string
		for _, r := range rows {
			if slices.Contains(strings.Split(r["read by"], ", "), name) {
				documented = append(documented, r.name("variable"))
			}
		}
		slices.Sort(documented)
		if diff := cmp.Diff(f.variables(), documented); diff != "" {
			t.Errorf("variables of %s (-pkg/settings +docs/configuration.md):\n%s", name, diff)
		}
	}
}

// A variable that is required is missed where it is empty; a default is what an empty variable means; and of the words
// that are allowed each is taken, and no other.
func TestDocumentedValuesAreThoseOfTheCode(t *testing.T) {
	for _, r := range table(t, "Variables of the functions") {
		variable := r.name("variable")
		for name, f := range functions() {
			if !slices.Contains(f.variables(), variable) {
				continue
			}
			unset, err := f.with(variable, "")
			required := r["default"] == "required"
			if required != (err != nil) && variable != settings.EnvSecretParameter {
				t.Errorf("%s without %s: %v, but it is documented as %s", name, variable, err, r["default"])
			}
			for _, word := range r.words("default") {
				if got, err := f.with(variable, word); err != nil || !reflect.DeepEqual(unset, got) {
					t.Errorf("%s: settings with %s=%s = %+v, %v, want those without: %+v",
						name, variable, word, got, err, unset)
				}
			}
			allowed := r.words("allowed")
			for _, word := range allowed {
				if strings.HasSuffix(word, "...") {
					allowed = nil // a form, not a word
					continue
				}
				if _, err := f.with(variable, word); err != nil {
					t.Errorf("%s with %s=%s: %v", name, variable, word, err)
				}
			}
			if _, err := f.with(variable, "made-up"); len(allowed) > 1 && err == nil {
				t.Errorf("%s takes %s=made-up, documented are %v", name, variable, allowed)
			}
		}
	}
}

// environment are the variables that the template sets for a function.
func environment(tmpl *template.Template, id string) map[string]any {
	all := map[string]any{}
	for _, path := range [][]string{{"Globals", "Function"}, {"Resources", id, "Properties"}} {
		path = append(path, "Environment", "Variables")
		for _, name := range tmpl.Names(path...) {
			all[name] = tmpl.Raw(append(path, name)...)
		}
	}
	return all
}

func TestTemplateSetsWhatIsDocumented(t *testing.T) {
	tmpl := load(t)
	for name, f := range functions() {
		documented := map[string]any{}
		for _, r := range table(t, "Variables of the functions") {
			if !slices.Contains(strings.Split(r["read by"], ", "), name) {
				continue
			}
			switch by, _, _ := strings.Cut(r["set by"], " "); by {
			case "parameter", "resource":
				documented[r.name("variable")] = map[string]any{"Ref": r.name("set by")}
			case "empty":
				documented[r.name("variable")] = ""
			case "Lambda", "nothing":
			default:
				t.Errorf("%s is set by %q, want a parameter, a resource, empty, Lambda or nothing", r["variable"], by)
			}
		}
		for _, r := range table(t, "Variables of Go's runtime") {
			if slices.Contains(strings.Split(r["set for"], ", "), name) {
				documented[r.name("variable")] = r.name("value")
			}
		}
		if diff := cmp.Diff(documented, environment(tmpl, f.id)); diff != "" {
			t.Errorf("environment of %s (-docs/configuration.md +template.yaml):\n%s", f.id, diff)
		}
	}
}
