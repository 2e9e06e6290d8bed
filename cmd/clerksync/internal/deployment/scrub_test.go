package deployment_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
	"github.com/clerksync/clerksync/pkg/settings"
)

// Clerk's data with and without what is private.
const (
	whole  = `{"id":"user_a","private_metadata":{"x":1},"n":1.50}`
	public = `{"id":"user_a","n":1.50}`
)

// liveRow and tombstone are rows as sync writes them with soft and full.
func liveRow() map[string]string {
	return map[string]string{
		"pk": "USER#user_a", "sk": "USER", "kind": "user", "rev": "1", "svix_id": "msg_a", "instance_id": "ins_a",
		"synced_at": "2026-03-02T10:31:48.000Z", "first_name": "Ada", "by_username": "ada", "object": whole,
	}
}

func tombstone() map[string]string {
	r := liveRow()
	r["pk"], r["deleted_at"], r["deleted_by"] = "USER#user_b", "2026-03-03T10:31:48.000Z", "absence"
	r["read_at"] = r["deleted_at"]
	delete(r, "by_username")
	return r
}

// with is the row with an attribute, or without it where the value is empty.
func with(row map[string]string, name, value string) map[string]string {
	if row[name] = value; value == "" {
		delete(row, name)
	}
	return row
}

// rowsOf are the rows of the Directory table by partition key.
func rowsOf(t *testing.T, d *deployment.Deployment) map[string]map[string]string {
	t.Helper()
	rows := map[string]map[string]string{}
	if _, err := d.Rows().Walk(t.Context(), d.DirectoryTable, 0, func(r deployment.Record) {
		texts := map[string]string{}
		for name := range r {
			texts[name] = r.Text(name)
		}
		rows[r.Text("pk")] = texts
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}

// storage are settings.
func storage(policy, object string) settings.Storage {
	return settings.Storage{DeletionPolicy: policy, ObjectStorage: object, Retention: time.Hour}
}

// runScrub runs one to the end and returns the keys of the rows that held too
// much.
func runScrub(t *testing.T, d *deployment.Deployment, st settings.Storage, dry bool) (changed []string) {
	t.Helper()
	s := d.NewScrub(st)
	s.DryRun = dry
	s.OnRow = func(r deployment.ScrubbedRow) { changed = append(changed, r.PK) }
	s.OnPage = func(int, string) {}
	if err := s.Run(t.Context(), ""); err != nil {
		t.Fatalf("Run = %v, want nil", err)
	}
	return changed
}

// Old rows are brought into line with stricter settings, once; with --dry-run
// they stay as they are, and so do those that are in line.
func TestScrub(t *testing.T) {
	t.Parallel()
	hard := func() map[string]string {
		return with(with(tombstone(), "object", ""), "first_name", "")
	}
	for name, tt := range map[string]struct {
		settings   settings.Storage
		changed    int
		live, dead map[string]string
	}{
		"nothing became stricter": {settings: storage("soft", "full"), live: liveRow(), dead: tombstone()},
		"full to public": {
			settings: storage("soft", "public"), changed: 2,
			live: with(liveRow(), "object", public), dead: with(tombstone(), "object", public),
		},
		"full to none": {
			settings: storage("soft", "none"), changed: 2,
			live: with(liveRow(), "object", ""), dead: with(tombstone(), "object", ""),
		},
		"soft to hard": {settings: storage("hard", "full"), changed: 1, live: liveRow(), dead: hard()},
		"both": {
			settings: storage("hard", "none"), changed: 2, live: with(liveRow(), "object", ""), dead: hard(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploymenttest.New(t)
			d := find(t, s)
			s.PutRow(d.DirectoryTable, liveRow())
			s.PutRow(d.DirectoryTable, tombstone())
			before := rowsOf(t, d)
			if got := runScrub(t, d, tt.settings, true); len(got) != tt.changed {
				t.Errorf("dry run reports %v, want %d rows", got, tt.changed)
			}
			if diff := cmp.Diff(before, rowsOf(t, d)); diff != "" {
				t.Errorf("dry run -before +after:\n%s", diff)
			}
			if got := runScrub(t, d, tt.settings, false); len(got) != tt.changed {
				t.Errorf("scrub reports %v, want %d rows", got, tt.changed)
			}
			want := map[string]map[string]string{"USER#user_a": tt.live, "USER#user_b": tt.dead}
			if diff := cmp.Diff(want, rowsOf(t, d)); diff != "" {
				t.Errorf("rows -want +got:\n%s", diff)
			}
			if got := runScrub(t, d, tt.settings, false); got != nil {
				t.Errorf("a second scrub reports %v, want nothing", got)
			}
		})
	}
}

// beforeUpdate is an HTTP client that does something before the first UpdateItem.
type beforeUpdate struct {
	aws.HTTPClient
	once sync.Once
	do   func()
}

// Do passes the request on.
func (b *beforeUpdate) Do(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".UpdateItem") {
		b.once.Do(b.do)
	}
	return b.HTTPClient.Do(r) //nolint:wrapcheck // it stands for the client
}

// A row that changes between read and write keeps its change, and is in line
// afterwards: it may have been written under the old settings.
func TestScrubOfARowThatChanges(t *testing.T) {
	t.Parallel()
	for name, newer := range map[string]map[string]string{
		"newer":                with(with(liveRow(), "rev", "2"), "first_name", "Bea"),
		"by hand":              with(with(liveRow(), "rev", ""), "first_name", "Bea"),
		"deleted":              with(with(liveRow(), "rev", "3"), "deleted_at", "2026-03-03T10:31:48.000Z"),
		"another object alone": with(liveRow(), "object", strings.Replace(whole, "1.50", "2.50", 1)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploymenttest.New(t)
			d := find(t, s)
			s.PutRow(d.DirectoryTable, liveRow())
			d.AWS.HTTPClient = &beforeUpdate{
				HTTPClient: d.AWS.HTTPClient, do: func() { s.PutRow(d.DirectoryTable, newer) },
			}
			runScrub(t, d, storage("soft", "public"), false)
			reduced := strings.Replace(newer["object"], `"private_metadata":{"x":1},`, "", 1)
			want := map[string]map[string]string{"USER#user_a": with(newer, "object", reduced)}
			if diff := cmp.Diff(want, rowsOf(t, d)); diff != "" {
				t.Errorf("rows -want +got:\n%s", diff)
			}
		})
	}
}

// What somebody added to a live row by hand stays; of a tombstone it goes with
// hard. An interrupted scrub goes on from where it was.
func TestScrubGoesOn(t *testing.T) {
	t.Parallel()
	s := deploymenttest.New(t)
	d := find(t, s)
	for _, id := range []string{"a", "b", "c", "d"} {
		row := map[string]types.AttributeValue{"padding": &types.AttributeValueMemberM{
			Value: map[string]types.AttributeValue{"x": &types.AttributeValueMemberB{Value: make([]byte, 390_000)}},
		}}
		for name, text := range with(liveRow(), "pk", "USER#user_"+id) {
			row[name] = &types.AttributeValueMemberS{Value: text}
		}
		if _, err := s.Pipeline.DynamoDB.PutItem(t.Context(),
			&dynamodb.PutItemInput{TableName: &d.DirectoryTable, Item: row}); err != nil {
			t.Fatal(err)
		}
	}
	places, read := []string{}, 0
	scrub := d.NewScrub(storage("hard", "none"))
	scrub.OnRow = func(deployment.ScrubbedRow) {}
	scrub.OnPage = func(n int, next string) { places, read = append(places, next), read+n }
	if err := scrub.Run(t.Context(), ""); err != nil || read != 4 || len(places) < 2 {
		t.Fatalf("Run = %v after %d rows and %d pages, want 4 rows on 2 pages", err, read, len(places))
	}
	for pk, row := range rowsOf(t, d) {
		_, padded := row["padding"]
		if _, whole := row["object"]; whole || !padded {
			t.Errorf("%s has object %t, padding %t, want the padding alone", pk, whole, padded)
		}
	}
	first := places[0]
	places, read = nil, 0
	if err := scrub.Run(t.Context(), first); err != nil || read == 0 || read >= 4 {
		t.Errorf("Run from %s = %v after %d rows, want the rest alone", first, err, read)
	}
	if err := scrub.Run(t.Context(), "x"); err == nil {
		t.Error("Run from nowhere = nil, want an error")
	}
}

// A tombstone to whose `object` and `rev` somebody gave other types is scrubbed,
// too.
func TestScrubOfOddTypes(t *testing.T) {
	t.Parallel()
	s := deploymenttest.New(t)
	d := find(t, s)
	row := map[string]types.AttributeValue{
		"object": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{}},
		"rev":    &types.AttributeValueMemberN{Value: "1"},
	}
	for name, text := range with(with(tombstone(), "object", ""), "rev", "") {
		row[name] = &types.AttributeValueMemberS{Value: text}
	}
	if _, err := s.Pipeline.DynamoDB.PutItem(t.Context(),
		&dynamodb.PutItemInput{TableName: &d.DirectoryTable, Item: row}); err != nil {
		t.Fatal(err)
	}
	runScrub(t, d, storage("hard", "none"), false)
	for pk, row := range rowsOf(t, d) {
		_, object := row["object"]
		if _, name := row["first_name"]; object || name {
			t.Errorf("%s = %v, want neither object nor first_name", pk, row)
		}
	}
}

// With a stack the settings are the deployed function's, and no other will do.
func TestReadStorage(t *testing.T) {
	s := deploymenttest.New(t)
	s.UseAsAWS()
	d, err := deployment.Open(t.Context(), func(string) string { return "" }, s.Names())
	if err != nil {
		t.Fatal(err)
	}
	mine := func(string) string { return "" }
	s.Account.Environment = map[string]string{"DELETION_POLICY": "hard", "OBJECT_STORAGE": "public"}
	if got, err := d.ReadStorage(t.Context(), mine); err != nil || got.DeletionPolicy != "hard" ||
		got.ObjectStorage != "public" {
		t.Errorf("ReadStorage = %+v, %v, want the function's", got, err)
	}
	s.Account.Environment["OBJECT_STORAGE"] = "some"
	if got, err := d.ReadStorage(t.Context(), mine); err == nil {
		t.Errorf("ReadStorage = %+v, want an error", got)
	}
	s.Account.Environment = nil
	if got, err := d.ReadStorage(t.Context(), mine); err == nil {
		t.Errorf("ReadStorage without an answer = %+v, want an error", got)
	}
	s.Account.Denied["GetFunctionConfiguration"] = true
	if got, err := d.ReadStorage(t.Context(), mine); err == nil {
		t.Errorf("ReadStorage without the right = %+v, want an error", got)
	}
}
