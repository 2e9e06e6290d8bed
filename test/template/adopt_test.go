package template_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/test/template"
)

// tablesOf are the two tables as CloudFormation sees them, without what only checkov reads.
func tablesOf(tmpl *template.Template) map[string]any {
	tables := map[string]any{}
	for _, id := range tmpl.OfType("AWS::DynamoDB::Table") {
		table := asMap(tmpl.Get("Resources", id))
		delete(table, "Metadata")
		tables[id] = table
	}
	return tables
}

// An import takes the tables as the example describes them. Where template.yaml described them otherwise, the
// deployment that follows would change or replace the adopted tables.
func TestAdoptedTablesAreThoseOfTheTemplate(t *testing.T) {
	adopt, err := template.Parse([]byte(readFile(t, "docs/examples/adopt-tables.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	tmpl := load(t)
	if ids := adopt.Names("Resources"); !slices.Equal(ids, tmpl.OfType("AWS::DynamoDB::Table")) {
		t.Errorf("resources of the example = %v, want the tables alone: an import creates nothing else", ids)
	}
	if got := adopt.Get("Transform"); got != nil {
		t.Errorf("Transform = %v, want none", got)
	}
	for _, name := range adopt.Names("Parameters") {
		if diff := cmp.Diff(tmpl.Get("Parameters", name), adopt.Get("Parameters", name)); diff != "" {
			t.Errorf("parameter %s (-template +example):\n%s", name, diff)
		}
	}
	for _, protection := range []string{"true", "false"} {
		for _, recovery := range []string{"true", "false"} {
			for _, encryption := range []string{"aws-managed", "aws-owned"} {
				p := params{
					"TableProtection": protection, "TablePointInTimeRecovery": recovery, "TableEncryption": encryption,
				}
				t.Run(fmt.Sprint(protection, recovery, encryption), func(t *testing.T) {
					if diff := cmp.Diff(tablesOf(tmpl.With(p)), tablesOf(adopt.With(p))); diff != "" {
						t.Errorf("tables (-template +example):\n%s", diff)
					}
				})
			}
		}
	}
}
