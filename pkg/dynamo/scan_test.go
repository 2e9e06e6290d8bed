package dynamo_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
)

// A listing of a table of several pages has every row once, tombstones and
// pointers too, as it is.
func TestScanHasEveryRowOnce(t *testing.T) {
	t.Parallel()
	requests := &dynamotest.Requests{}
	client, names := dynamotest.Open(t, func(o *dynamodb.Options) { o.HTTPClient = requests })
	table := dynamo.New(client, names.Directory, names.Deliveries)
	want := map[directory.Key]directory.Row{}
	for i := range 12 { // 3.6 MB, of which a page has 1 MB
		row := user(fmt.Sprint("u", i), "1")
		row[directory.AttrObject] = strings.Repeat("x", 300_000)
		pointer := directory.NewRow(directory.MembershipOfKey("o1", fmt.Sprint("u", i)), directory.KindMembershipOf)
		if i%2 == 0 {
			row[directory.AttrDeletedAt] = "2026-02-25T06:13:20.009Z"
		}
		if _, err := table.Write(t.Context(), directory.Write{Row: row, Put: []directory.Row{pointer}}); err != nil {
			t.Fatal(err)
		}
		want[row.Key()], want[pointer.Key()] = row, pointer
	}
	requests.Take()
	got := map[directory.Key]directory.Row{}
	for after := (directory.Key{}); ; {
		rows, next, err := table.Scan(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if got[r.Key()] != nil {
				t.Errorf("row %v is listed twice", r.Key())
			}
			got[r.Key()] = r
		}
		if after = next; next == (directory.Key{}) {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows differ (-want +got):\n%s", diff)
	}
	if n := len(requests.Take()); n < 4 {
		t.Errorf("%d requests, want one for each 1 MB", n)
	}
}
