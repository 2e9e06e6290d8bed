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
	h := start(t, pipeline.Options{})
	outcomes := map[string]string{}
	for _, name := range events.Names() {
		outcomes[name] = h.send(messageID(name), sample(t, name))
	}
	got := render(t, map[string]any{
		"ended":      outcomes,
		"directory":  withoutTimes(t, h.rows(h.p.DirectoryTable), "synced_at"),
		"deliveries": withoutTimes(t, h.rows(h.p.DeliveriesTable), "received_at", "processed_at"),
	})
	path := filepath.Join("testdata", "rows.golden")
	if *update {
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

// withoutTimes returns the rows in the order of their keys, without the times of
// our clock, which have to be well formed.
func withoutTimes(t *testing.T, rows map[string]map[string]any, times ...string) (list []map[string]any) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		row := rows[key]
		for _, name := range times {
			text, _ := row[name].(string)
			at, err := time.Parse(directory.TimeFormat, text)
			if err != nil || at.UTC().Format(directory.TimeFormat) != text {
				t.Errorf("%s of %s = %v, want RFC 3339 with ms", name, key, row[name])
			}
			delete(row, name)
		}
		delete(row, "expires_at")
		list = append(list, row)
	}
	return list
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
	inOrder, reversed := start(t, pipeline.Options{}), start(t, pipeline.Options{})
	for _, name := range events.Names() {
		inOrder.send(messageID(name), sample(t, name))
	}
	for _, name := range slices.Backward(events.Names()) {
		for range 2 {
			reversed.post(signed(messageID(name), sample(t, name)))
		}
	}
	for _, name := range events.Names() {
		reversed.outcome(messageID(name), 2)
	}
	want, got := settled(inOrder.rows(inOrder.p.DirectoryTable)), settled(reversed.rows(reversed.p.DirectoryTable))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-in order, once +in reverse, twice):\n%s", diff)
	}
}

// settled are the parts of rows that no order of arrival may change: live rows
// whole, and rev and deleted_at of what has an id of its own.
func settled(rows map[string]map[string]any) map[string]map[string]any {
	out := map[string]map[string]any{}
	for key, row := range rows {
		delete(row, "synced_at")
		switch {
		case row["deleted_at"] == nil:
			out[key] = row
		case slices.Contains([]any{"user", "organization", "role", "permission"}, row["kind"]):
			out[key] = map[string]any{"rev": row["rev"], "deleted_at": row["deleted_at"]}
		}
	}
	return out
}

// Rows of the Deliveries table expire after the days that were asked for.
func TestDeliveriesExpire(t *testing.T) {
	t.Parallel()
	h := start(t, pipeline.Options{})
	h.wantSent("msg_1", sample(t, "user.created"), "applied")
	row := h.rows(h.p.DeliveriesTable)["msg_1"]
	want := []string{"entity", "event_type", "expires_at", "outcome", "processed_at", "received_at", "svix_id"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(row))); diff != "" {
		t.Errorf("attributes of a delivery (-want +got):\n%s", diff)
	}
	processed, err := time.Parse(directory.TimeFormat, row["processed_at"].(string))
	if err != nil {
		t.Fatal(err)
	}
	expires := strconv.FormatInt(processed.Add(90*24*time.Hour).Unix(), 10)
	if got := fmt.Sprint(row["expires_at"]); got != expires {
		t.Errorf("expires_at = %s, want 90 days after processed_at, %s", got, expires)
	}
}
