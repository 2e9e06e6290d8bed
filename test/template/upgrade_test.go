package template_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/test/template"
)

// released is the template of the last release, or, before the first, one that stacks may have been made with. A
// release copies template.yaml there.
func released(t *testing.T) *template.Template {
	t.Helper()
	tmpl, err := template.Parse([]byte(readFile(t, "test/template/testdata/released.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// indexesOf are the secondary indexes of a table by name.
func indexesOf(tmpl *template.Template, table string) map[string]any {
	byName := map[string]any{}
	for _, index := range asMaps(property(tmpl, table+".GlobalSecondaryIndexes")) {
		byName[asSub(index["IndexName"])] = index
	}
	return byName
}

// changedIndexes are the names that are in only one of two sets of indexes, and twice those that differ, because an
// index can only be deleted and made again. DynamoDB makes or deletes one index in an update of a table, so an
// upgrade with two of them fails on a stack that exists.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
func changedIndexes(before, after map[string]any) (names []string) {
	for name, index := range before {
		if after[name] == nil {
			names = append(names, name)
		} else if diff := cmp.Diff(index, after[name]); diff != "" {
			names = append(names, name, name)
		}
	}
	for name := range after {
		if before[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestChangedIndexes(t *testing.T) {
	a, b := map[string]any{"Projection": "KEYS_ONLY"}, map[string]any{"Projection": "ALL"}
	for name, c := range map[string]struct {
		before, after map[string]any
		want          []string
	}{
		"none":         {before: params{"x": a}, after: params{"x": a}},
		"one is new":   {before: params{"x": a}, after: params{"x": a, "y": a}, want: []string{"y"}},
		"two are new":  {before: params{}, after: params{"x": a, "y": a}, want: []string{"x", "y"}},
		"one is gone":  {before: params{"x": a}, after: params{}, want: []string{"x"}},
		"one is other": {before: params{"x": a}, after: params{"x": b}, want: []string{"x", "x"}},
	} {
		if got := changedIndexes(c.before, c.after); !slices.Equal(got, c.want) {
			t.Errorf("%s: changedIndexes = %v, want %v", name, got, c.want)
		}
	}
}

// A stack of the last release can be updated: no table, queue or log group is replaced, no more than one index changes,
// and what its owner wrote into samconfig.toml or reads from its outputs is still there.
func TestAStackOfTheLastReleaseCanBeUpgraded(t *testing.T) {
	before, after := released(t), load(t)
	for _, table := range before.OfType("AWS::DynamoDB::Table") {
		for _, name := range []string{"KeySchema", "TableName", "LocalSecondaryIndexes"} {
			path := table + "." + name
			if diff := cmp.Diff(property(before, path), property(after, path)); diff != "" {
				t.Errorf("%s replaces the table (-released +now):\n%s", path, diff)
			}
		}
		if names := changedIndexes(indexesOf(before, table), indexesOf(after, table)); len(names) > 1 {
			t.Errorf("%s: the indexes %v change, want one at most in a release", table, names)
		}
	}
	for kind, name := range map[string]string{
		"AWS::SQS::Queue": "QueueName", "AWS::Logs::LogGroup": "LogGroupName",
	} {
		for _, id := range before.OfType(kind) {
			path := id + "." + name
			if diff := cmp.Diff(property(before, path), property(after, path)); diff != "" {
				t.Errorf("%s replaces it (-released +now):\n%s", path, diff)
			}
		}
	}
	for _, section := range []string{"Parameters", "Outputs"} {
		for _, name := range before.Names(section) {
			if !slices.Contains(after.Names(section), name) {
				t.Errorf("%s has no %s any more: a deployment that names it fails", section, name)
			}
		}
	}
	for _, id := range before.Names("Resources") {
		kind, isStore := before.Get("Resources", id, "Type"), before.Get("Resources", id, "DeletionPolicy") != nil
		if isStore && after.Get("Resources", id, "Type") != kind {
			t.Errorf("%s was a %v, now %v", id, kind, after.Get("Resources", id, "Type"))
		}
	}
}
