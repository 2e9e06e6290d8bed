package deployed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
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

func (s *stack) scan(ctx context.Context, table string) (rows []row, err error) {
	pages := dynamodb.NewScanPaginator(s.tables, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("scan table %s: %w", table, err)
		}
		for _, item := range page.Items {
			rows = append(rows, dynamo.PlainValues(item))
		}
	}
	return rows, nil
}

// outcomes waits until every one of these messages is in the Deliveries table
// and returns what became of each.
func (s *stack) outcomes(t *testing.T, long time.Duration, ids ...string) map[string]string {
	t.Helper()
	var got map[string]string
	end := time.Now().Add(long)
	for {
		rows, err := s.scan(t.Context(), s.deliveries)
		if err != nil {
			t.Fatal(err)
		}
		got = map[string]string{}
		for _, r := range rows {
			if slices.Contains(ids, r.text("svix_id")) {
				got[r.text("svix_id")] = r.text("outcome")
			}
		}
		if len(got) == len(ids) {
			return got
		}
		if time.Now().After(end) {
			missing := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return got[id] != "" })
			t.Fatalf("%d of %d messages had no effect within %v: %v", len(missing), len(ids), long, missing)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// find returns the Directory row of that key, nil where there is none.
func (s *stack) find(t *testing.T, pk, sk string) row {
	t.Helper()
	out, err := s.tables.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &s.directory, ConsistentRead: aws.Bool(true),
		Key: dynamo.Key(directory.Key{PK: pk, SK: sk}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Item) == 0 {
		return nil
	}
	return dynamo.PlainValues(out.Item)
}

// whole compares every row of the Directory, and all of it but the time of
// writing, with a golden file, a line each, sorted by key. It returns the rows.
func (s *stack) whole(t *testing.T, file string) []row {
	t.Helper()
	rows, err := s.scan(t.Context(), s.directory)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range rows {
		if at, err := time.Parse(directory.TimeFormat, r.text("synced_at")); err != nil || time.Since(at).Abs() > time.Hour {
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
	compare(t, strings.Join(lines, ""), file)
	return rows
}

// compare holds text against a golden file.
func compare(t *testing.T, text, file string) {
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
