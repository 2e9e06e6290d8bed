package deployed_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

var update = flag.Bool("update", false, "write the golden files")

// row is an item as plain JSON values.
type row map[string]any

func (r row) text(name string) string {
	s, _ := r[name].(string)
	return s
}

// scan returns every row of a table.
func (s *stack) scan(t *testing.T, table string) (rows []row) {
	t.Helper()
	pages := dynamodb.NewScanPaginator(s.tables, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatalf("scan table %s: %v", table, err)
		}
		for _, item := range page.Items {
			rows = append(rows, dynamo.PlainValues(item))
		}
	}
	return rows
}

// waitForOutcomes waits until every one of these messages is in the Deliveries table.
func (s *stack) waitForOutcomes(t *testing.T, timeout time.Duration, ids ...string) {
	t.Helper()
	missing := ids
	deadline := time.Now().Add(timeout)
	for {
		rows := s.scan(t, s.deliveries)
		missing = slices.DeleteFunc(slices.Clone(missing), func(id string) bool {
			return slices.ContainsFunc(rows, func(r row) bool { return r.text("svix_id") == id })
		})
		if len(missing) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d messages had no effect within %v: %v", len(missing), len(ids), timeout, missing)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// wantOutcome waits for a message's row in the Deliveries table and compares its outcome.
func (s *stack) wantOutcome(t *testing.T, id, want string) {
	t.Helper()
	s.waitForOutcomes(t, effectTimeout, id)
	for _, r := range s.scan(t, s.deliveries) {
		if got := r.text("outcome"); r.text("svix_id") == id && got != want {
			t.Errorf("outcome of %s = %s, want %s", id, got, want)
		}
	}
}

// userRow returns the Directory row of a user, empty where there is none.
func (s *stack) userRow(t *testing.T, id string) row {
	t.Helper()
	out, err := s.tables.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &s.directory, ConsistentRead: aws.Bool(true), Key: dynamo.Key(directory.UserKey(id)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return dynamo.PlainValues(out.Item)
}

// compareDirectory compares every row of the Directory, and all of it but the time of writing, with a golden file, a
// line each, sorted by key. It returns the rows.
func (s *stack) compareDirectory(t *testing.T, file string) []row {
	t.Helper()
	rows := s.scan(t, s.directory)
	var lines []string
	for _, r := range rows {
		at, err := time.Parse(directory.TimeFormat, r.text("synced_at"))
		if err != nil || time.Since(at).Abs() > time.Hour {
			t.Errorf("%s %s has synced_at %v, want the time of writing", r.text("pk"), r.text("sk"), r["synced_at"])
		}
		rest := maps.Clone(r)
		delete(rest, "synced_at")
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(rest); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, r.text("pk")+" "+r.text("sk")+"\t"+b.String())
	}
	slices.Sort(lines)
	compareGolden(t, strings.Join(lines, ""), file)
	return rows
}

// compareGolden compares a text with a golden file, or writes the file with -update.
func compareGolden(t *testing.T, text, file string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", file, diff)
	}
}
