package main_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	main "github.com/clerksync/clerksync/cmd/clerksync"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

// diffed is a pipeline with users' rows that are older than Clerk's are asked for.
type diffed struct {
	*deploymenttest.Stack
	t     *testing.T
	clerk *clerk.Instance
	env   map[string]string
	said  func(words string) // after each write to stderr
}

// heard is stderr whose words are heard as they are said. It has no other method of the buffer's, through which they
// would come unheard.
type heard struct {
	words bytes.Buffer
	said  func(words string)
}

func (h *heard) Write(p []byte) (int, error) {
	n, err := h.words.Write(p)
	if h.said != nil {
		h.said(h.words.String())
	}
	return n, err //nolint:wrapcheck // it never fails
}

func newDiffed(t *testing.T) *diffed {
	t.Helper()
	d := &diffed{t: t, Stack: deploymenttest.New(t)}
	d.clerk = clerk.New(clerk.Options{ID: "ins_1", Key: clerkKey, Limit: -1})
	api := httptest.NewServer(d.clerk)
	t.Cleanup(api.Close)
	d.env = map[string]string{"CLERK_API_URL": api.URL + "/v1", "CLERK_SECRET_KEY": clerkKey}
	return d
}

// putRow puts a user's row that was written two hours ago.
func (d *diffed) putRow(id string) {
	d.t.Helper()
	row := directory.NewRow(directory.UserKey(id), directory.KindUser)
	row[directory.AttrRev] = "000000000000000-0-0-001772000000000-1-001772000000000-msg_1"
	row[directory.AttrSyncedAt] = time.Now().Add(-2 * time.Hour).UTC().Format(directory.TimeFormat)
	row["id"] = id
	table := dynamo.New(d.Pipeline.DynamoDB, pipeline.DirectoryTable, pipeline.DeliveriesTable)
	if _, err := table.Write(d.t.Context(), directory.Write{Row: row}); err != nil {
		d.t.Fatal(err)
	}
}

func (d *diffed) attribute(id, name string) string {
	d.t.Helper()
	table := pipeline.DirectoryTable
	out, err := d.Pipeline.DynamoDB.GetItem(d.t.Context(), &dynamodb.GetItemInput{
		TableName: &table, Key: dynamo.Key(directory.UserKey(id)),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	value, _ := out.Item[name].(*types.AttributeValueMemberS)
	if value == nil {
		return ""
	}
	return value.Value
}

// run runs diff and checks its exit status.
func (d *diffed) run(ctx context.Context, want int, args ...string) (out, words string) {
	d.t.Helper()
	var stdout bytes.Buffer
	stderr := heard{said: d.said}
	line := append([]string{"clerksync", "diff", "--endpoint-url", d.Pipeline.Endpoint, "--rate", "10000"}, args...)
	if got := main.RunWith(ctx, d.env, &stdout, &stderr, line); got != want {
		d.t.Errorf("%q = %d, want %d:\n%s%s", line, got, want, stdout.String(), stderr.words.String())
	}
	return stdout.String(), stderr.words.String()
}

// Rows that Clerk denies are said, and --repair deletes them, after a second look.
func TestDiffRepairsWhatIsExtra(t *testing.T) {
	t.Parallel()
	d := newDiffed(t)
	d.putRow("u1")
	out, _ := d.run(t.Context(), terminal.ExitFailed, "--json")
	want := `{"class":"extra","kind":"user","id":"u1"}` + "\n" + `{"event":"counts",`
	if !strings.HasPrefix(out, want) {
		t.Errorf("printed %s, want it to begin with %s", out, want)
	}
	out, _ = d.run(t.Context(), terminal.ExitFailed, "--repair", "--min-age", "3h")
	if !strings.Contains(out, "extra      user          u1  left  (the row was written less than 3h0m0s ago)\n") {
		t.Errorf("printed %s, want why u1 is left", out)
	}
	start := time.Now()
	out, words := d.run(t.Context(), terminal.ExitDone, "--repair", "--second-look", "1s")
	if !strings.Contains(out, "extra      user          u1  deleted\n") ||
		!strings.HasSuffix(out, "1 repaired, 0 left\n") ||
		!strings.Contains(words, "Clerk is asked again for 1 rows") || time.Since(start) < time.Second {
		t.Errorf("after %v printed %s%s, want u1 deleted after a second look", time.Since(start), out, words)
	}
	if by := d.attribute("u1", directory.AttrDeletedBy); by != directory.Absence {
		t.Errorf("deleted_by = %q, want absence", by)
	}
	if out, _ = d.run(t.Context(), terminal.ExitDone); !strings.Contains(out, " 0 missing, 0 extra, 0 different;") {
		t.Errorf("printed %s, want no difference", out)
	}
}

// The brake is an error that says which number to allow.
func TestDiffStopsAtTheBrake(t *testing.T) {
	t.Parallel()
	d := newDiffed(t)
	for n := range 51 {
		d.putRow(fmt.Sprint("u", n))
	}
	out, words := d.run(t.Context(), terminal.ExitFailed, "--repair", "--second-look", "0s", "--json")
	if !strings.Contains(words, "--allow-deletions 51") || strings.Count(out, "too many rows would be deleted") != 51 ||
		!strings.Contains(out, `{"event":"counts","finished":false,`) {
		t.Errorf("printed %s%s, want the brake", out, words)
	}
	if by := d.attribute("u1", directory.AttrDeletedBy); by != "" {
		t.Errorf("deleted_by = %q, want a live row", by)
	}
	d.run(t.Context(), terminal.ExitDone, "--repair", "--second-look", "0s", "--allow-deletions", "51")
}

// Ctrl-C, here while it waits for the second look, ends it with what was found.
func TestDiffInterrupted(t *testing.T) {
	t.Parallel()
	d := newDiffed(t)
	d.putRow("u1")
	ctx, interrupt := context.WithCancel(t.Context())
	d.said = func(words string) {
		if strings.Contains(words, "Clerk is asked again") {
			interrupt()
		}
	}
	out, _ := d.run(ctx, terminal.ExitInterrupted, "--repair")
	if !strings.Contains(out, "extra      user          u1  left\n") {
		t.Errorf("printed %s, want what was found", out)
	}
	if by := d.attribute("u1", directory.AttrDeletedBy); by != "" {
		t.Errorf("deleted_by = %q, want a live row", by)
	}
}
