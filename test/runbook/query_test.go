package runbook_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/lambdafn/syncfn"
	"github.com/clerksync/clerksync/test/program"
)

// The query that says from when on to replay takes the time of the change at Clerk from every line about a message,
// whatever its outcome: the time of the line less lag_ms. A field that sync does not write would give no time at all.
func TestReplayQuery(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(program.Repository(t), "docs/operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	query := regexp.MustCompile(`(?m)^ *fields toMillis\(@timestamp\) - (\w+) as sent
 *\| filter (\w+) = "(\w+)"
 *\| stats min\(sent\)`).FindSubmatch(text)
	if query == nil {
		t.Fatal("docs/operations.md has no query for the time of the oldest message")
	}
	changed, ended := time.UnixMilli(1772447400000), time.UnixMilli(1772447412345)
	for _, outcome := range []consumer.Outcome{
		consumer.Applied, consumer.Stale, consumer.Duplicate, consumer.Failed, consumer.Dead,
	} {
		var out bytes.Buffer
		observer := syncfn.Observer{Log: lambdafn.NewLogger(&out, slog.LevelInfo)}
		observer.Message(t.Context(), consumer.Report{Outcome: outcome, ChangedAt: changed, EndedAt: ended})
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		lag, _ := line[string(query[1])].(float64)
		got, found := ended.UnixMilli()-int64(lag), line[string(query[2])] == string(query[3])
		if !found || got != changed.UnixMilli() {
			t.Errorf("the query takes %d of a message that is %s: %v, want %d", got, outcome, line, changed.UnixMilli())
		}
	}
}
