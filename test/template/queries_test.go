package template_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/test/template"
)

const queryType = "AWS::Logs::QueryDefinition"

// queries are the texts of the saved queries, by their names under the stack's.
func queries(tmpl *template.Template) map[string]string {
	all := map[string]string{}
	for _, id := range tmpl.OfType(queryType) {
		name := strings.TrimPrefix(asSub(property(tmpl, id+".Name")), "${AWS::StackName}/")
		all[name], _ = property(tmpl, id+".QueryString").(string)
	}
	return all
}

// queriedFields are the fields that the functions write to the log groups of each query, and the values that they took.
func queriedFields(t *testing.T, tmpl *template.Template) map[string]map[string][]any {
	t.Helper()
	written := map[string]emitted{
		"${IngestLogGroup}": emittedByIngest(t), "${SyncLogGroup}": emittedBySync(t),
		"${ProbeLogGroup}": emittedByProbe(t),
	}
	all := map[string]map[string][]any{}
	for _, id := range tmpl.OfType(queryType) {
		name := strings.TrimPrefix(asSub(property(tmpl, id+".Name")), "${AWS::StackName}/")
		var lines emitted
		groups, _ := property(tmpl, id+".LogGroupNames").([]any)
		for _, g := range groups {
			e, known := written[asSub(g)]
			if !known {
				t.Errorf("query %q reads %v, want the log group of a function", name, g)
			}
			lines = append(lines, e...)
		}
		all[name] = lines.fields()
	}
	return all
}

// A saved query that names a field by another name than the code finds nothing and says nothing.
func TestEveryFieldOfAQueryIsLogged(t *testing.T) {
	// Words of the query language, which are not fields:
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
	keywords := strings.Fields("@timestamp fields filter stats sort limit by as and or not in asc desc like " +
		"count count_distinct sum max latest bin")
	quoted := regexp.MustCompile(`"[^"]*"`)
	word := regexp.MustCompile(`@?\b[A-Za-z_]\w*`)
	alias := regexp.MustCompile(`\bas (\w+)`)
	tmpl := load(t, probing())
	fields := queriedFields(t, tmpl)
	for name, text := range queries(tmpl) {
		plain := quoted.ReplaceAllString(text, "")
		known := slices.Clone(keywords)
		for _, m := range alias.FindAllStringSubmatch(plain, -1) {
			known = append(known, m[1])
		}
		for _, f := range word.FindAllString(plain, -1) {
			if !slices.Contains(known, f) && fields[name][f] == nil {
				t.Errorf("query %q names %s, which is not logged there:\n%s", name, f, text)
			}
		}
	}
}

// The same holds for a value: an outcome that is renamed in the code must be renamed here.
func TestEveryValueOfAQueryIsLogged(t *testing.T) {
	compared := regexp.MustCompile(`(\w+) (?:=|in) (\[[^]]*\]|"[^"]*")`)
	quoted := regexp.MustCompile(`"([^"]*)"`)
	placeholder := regexp.MustCompile(`[A-Z]+_ID$`)
	tmpl := load(t, probing())
	fields := queriedFields(t, tmpl)
	n := 0
	for name, text := range queries(tmpl) {
		for _, c := range compared.FindAllStringSubmatch(text, -1) {
			for _, v := range quoted.FindAllStringSubmatch(c[2], -1) {
				n++
				if logged := fields[name][c[1]]; !placeholder.MatchString(v[1]) && !slices.Contains(logged, any(v[1])) {
					t.Errorf("query %q wants %s = %q, want one of %v", name, c[1], v[1], logged)
				}
			}
		}
	}
	if n < 10 {
		t.Errorf("%d comparisons found, want at least 10: does the test still find them?", n)
	}
}

// The runbook's questions each have their query.
func TestQueriesThatAnOperatorNeeds(t *testing.T) {
	all := queries(load(t, probing()))
	for _, want := range []string{
		"failures by reason", "history of one message", "slowest changes", "rejections by reason", "dead letters",
		"unknown event types", "history of one entity", "failed requests",
		"rejected requests one by one (LogLevel DEBUG)", "work by hour", "probes that found or failed",
	} {
		if _, has := all[want]; !has {
			t.Errorf("no saved query %q, there are %q", want, slices.Sorted(maps.Keys(all)))
		}
	}
}

// Queries and panels that an alarm or the runbook names must exist.
func TestSavedQueriesThatAreNamedExist(t *testing.T) {
	tmpl := load(t, probing())
	texts := map[string]string{"docs/operations.md": readFile(t, "docs/operations.md")}
	for _, id := range tmpl.OfType(alarmType) {
		texts[id] = fmt.Sprint(property(tmpl, id+".AlarmDescription"))
	}
	var panels []string
	for _, w := range dashboard(t, tmpl) {
		panels = append(panels, w.Properties.Title)
	}
	for what, names := range map[string][]string{
		"saved query": slices.Sorted(maps.Keys(queries(tmpl))),
		"panel":       panels,
	} {
		named := regexp.MustCompile(what + ` "([^"]+)"`)
		for where, text := range texts {
			for _, m := range named.FindAllStringSubmatch(text, -1) {
				if !slices.Contains(names, m[1]) {
					t.Errorf("%s names the %s %q, want one of %q", where, what, m[1], names)
				}
			}
		}
	}
}
