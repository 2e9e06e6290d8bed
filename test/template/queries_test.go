package template_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/test/template"
)

const queryType = "AWS::Logs::QueryDefinition"

// queryName is the name under the stack's.
func queryName(tmpl *template.Template, id string) string {
	return strings.TrimPrefix(sub(at(tmpl, id, "Name")), "${AWS::StackName}/")
}

// words of the query language that are no fields:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
func words() []string {
	return []string{
		"fields", "filter", "stats", "sort", "limit", "by", "as", "and", "or", "not", "in", "asc", "desc", "like",
		"count", "count_distinct", "sum", "max", "latest", "bin",
	}
}

// logGroups are what the functions write to theirs.
func logGroups(t *testing.T) map[string]emitted {
	t.Helper()
	return map[string]emitted{"${IngestLogGroup}": ingestEmits(t), "${SyncLogGroup}": syncEmits(t)}
}

// emittedTo are the fields that are written to the log groups of a query, and
// the values that they took.
func emittedTo(t *testing.T, byGroup map[string]emitted, tmpl *template.Template, id string) map[string][]any {
	t.Helper()
	all := map[string][]any{}
	groups, _ := at(tmpl, id, "LogGroupNames").([]any)
	for _, g := range groups {
		e, known := byGroup[sub(g)]
		if !known {
			t.Errorf("%s looks into %v, want the log group of a function", id, g)
		}
		for name, values := range e.fields() {
			all[name] = append(all[name], values...)
		}
	}
	return all
}

func TestEveryFieldOfAQueryIsLogged(t *testing.T) {
	tmpl, groups := load(t), logGroups(t)
	quoted := regexp.MustCompile(`"[^"]*"`)
	name := regexp.MustCompile(`@?\b[A-Za-z_]\w*`)
	alias := regexp.MustCompile(`\bas (\w+)`)
	for _, id := range tmpl.OfType(queryType) {
		t.Run(queryName(tmpl, id), func(t *testing.T) {
			text, _ := at(tmpl, id, "QueryString").(string)
			fields := emittedTo(t, groups, tmpl, id)
			plain := quoted.ReplaceAllString(text, "")
			known := append(words(), "@timestamp")
			for _, m := range alias.FindAllStringSubmatch(plain, -1) {
				known = append(known, m[1])
			}
			for _, f := range name.FindAllString(plain, -1) {
				if !slices.Contains(known, f) && fields[f] == nil {
					t.Errorf("query names %s, which is not logged there:\n%s", f, text)
				}
			}
		})
	}
}

func TestEveryValueOfAQueryIsLogged(t *testing.T) {
	tmpl, groups := load(t), logGroups(t)
	compared := regexp.MustCompile(`(\w+) (?:=|in) (\[[^]]*\]|"[^"]*")`)
	quoted := regexp.MustCompile(`"([^"]*)"`)
	placeholder := regexp.MustCompile(`[A-Z]+_ID$`)
	n := 0
	for _, id := range tmpl.OfType(queryType) {
		t.Run(queryName(tmpl, id), func(t *testing.T) {
			fields := emittedTo(t, groups, tmpl, id)
			text, _ := at(tmpl, id, "QueryString").(string)
			for _, c := range compared.FindAllStringSubmatch(text, -1) {
				for _, v := range quoted.FindAllStringSubmatch(c[2], -1) {
					n++
					if !placeholder.MatchString(v[1]) && !slices.Contains(fields[c[1]], any(v[1])) {
						t.Errorf("query wants %s = %q, want one of %v", c[1], v[1], fields[c[1]])
					}
				}
			}
		})
	}
	if n < 10 {
		t.Errorf("%d comparisons found, want at least 10: does the test still find them?", n)
	}
}

func TestQueriesThatAnOperatorNeeds(t *testing.T) {
	tmpl := load(t)
	var names []string
	for _, id := range tmpl.OfType(queryType) {
		names = append(names, queryName(tmpl, id))
	}
	for _, want := range []string{
		"failures by reason", "history of one message", "slowest changes", "rejections by reason", "dead letters",
		"unknown event types", "history of one entity", "failed requests",
		"rejected requests one by one (LogLevel DEBUG)", "work by hour",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("no saved query %q, there are %q", want, names)
		}
	}
}

// What an alarm or the runbook sends the reader to must be there.
func TestSavedQueriesThatAreNamedExist(t *testing.T) {
	tmpl := load(t)
	texts := map[string]string{"docs/operations.md": readFile(t, "docs/operations.md")}
	for _, id := range tmpl.OfType(alarmType) {
		texts[id] = fmt.Sprint(at(tmpl, id, "AlarmDescription"))
	}
	var names []string
	for _, id := range tmpl.OfType(queryType) {
		names = append(names, queryName(tmpl, id))
	}
	named := regexp.MustCompile(`saved query "([^"]+)"`)
	panel := regexp.MustCompile(`panel "([^"]+)"`)
	var panels []string
	for _, w := range dashboard(t, tmpl) {
		panels = append(panels, w.Properties.Title)
	}
	for where, text := range texts {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(names, m[1]) {
				t.Errorf("%s names the saved query %q, want one of %q", where, m[1], names)
			}
		}
		for _, m := range panel.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(panels, m[1]) {
				t.Errorf("%s names the panel %q, want one of %q", where, m[1], panels)
			}
		}
	}
}
