package pipeline_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/directory"
)

var update = flag.Bool("update", false, "write testdata/rows.golden anew")

// TestGolden sends every sample in the order of the names and shows what is in
// the tables then: less synced_at, received_at, processed_at and expires_at,
// which are of our clock.
func TestGolden(t *testing.T) {
	t.Parallel()
	w := start(t, pipeline.Options{})
	ended := map[string]string{}
	for _, name := range events.Names() {
		ended[name] = w.accepted(t, messageID(name), sample(t, name))
	}
	got := render(t, map[string]any{
		"ended":      ended,
		"directory":  ageless(t, w.rows(t, w.DirectoryTable), "synced_at"),
		"deliveries": ageless(t, w.rows(t, w.DeliveriesTable), "received_at", "processed_at"),
	})
	path := filepath.Join("testdata", "rows.golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the tables are not as in %s (-want +got; -update writes it anew):\n%s", path, diff)
	}
}

// ageless are rows without times of ours, which have to be well formed.
func ageless(t *testing.T, rows []map[string]any, times ...string) []map[string]any {
	t.Helper()
	for _, r := range rows {
		for _, name := range times {
			if text, _ := r[name].(string); !formed(text) {
				t.Errorf("%s of %s = %v, want RFC 3339 with ms", name, key(r), r[name])
			}
			delete(r, name)
		}
		delete(r, "expires_at")
	}
	return rows
}

func formed(text string) bool {
	at, err := time.Parse(directory.TimeFormat, text)
	return err == nil && at.UTC().Format(directory.TimeFormat) == text
}

func render(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "\t")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestAnyOrder sends every sample at once, each twice, the last name first,
// and finds the same live rows as one by one in the order of the names.
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	tidy, wild := start(t, pipeline.Options{}), start(t, pipeline.Options{})
	for _, name := range events.Names() {
		tidy.accepted(t, messageID(name), sample(t, name))
	}
	for _, name := range slices.Backward(events.Names()) {
		for range 2 {
			if status, body, _ := wild.do(t, signed(messageID(name), sample(t, name))); status != 200 {
				t.Fatalf("POST of %s = %d %s, want 200", name, status, body)
			}
		}
	}
	for _, name := range events.Names() {
		wild.ended(t, messageID(name), 2)
	}
	if diff := cmp.Diff(settled(tidy.rows(t, tidy.DirectoryTable)), settled(wild.rows(t, wild.DirectoryTable))); diff != "" {
		t.Errorf("rows (-in order, once +in reverse, twice):\n%s", diff)
	}
}

// settled are the parts of rows that no order of arrival may change: live rows
// whole, and key, rev and deleted_at of what has an id of its own.
func settled(rows []map[string]any) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, r := range rows {
		delete(r, "synced_at")
		switch {
		case r["deleted_at"] == nil:
			out[key(r)] = r
		case slices.Contains([]any{"user", "organization", "role", "permission"}, r["kind"]):
			out[key(r)] = map[string]any{"rev": r["rev"], "deleted_at": r["deleted_at"]}
		}
	}
	return out
}

// Rows of the Deliveries table expire after the days that were asked for.
func TestDeliveriesExpire(t *testing.T) {
	t.Parallel()
	w := start(t, pipeline.Options{})
	w.accepted(t, "msg_1", sample(t, "user.created"))
	row := w.rows(t, w.DeliveriesTable)[0]
	want := []string{"entity", "event_type", "expires_at", "outcome", "processed_at", "received_at", "svix_id"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(row))); diff != "" {
		t.Errorf("attributes of a delivery (-want +got):\n%s", diff)
	}
	processed, err := time.Parse(directory.TimeFormat, row["processed_at"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(row["expires_at"]), strconv.FormatInt(processed.Add(90*24*time.Hour).Unix(), 10); got != want {
		t.Errorf("expires_at = %s, want 90 days after processed_at, %s", got, want)
	}
}
