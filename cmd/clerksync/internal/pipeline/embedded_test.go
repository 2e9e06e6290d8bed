package pipeline_test

import (
	"strings"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/pkg/directory"
)

// After a reset tables and queues are empty, as often as one likes, and the same
// messages are applied anew.
func TestReset(t *testing.T) {
	t.Parallel()
	h := start(t, pipeline.Options{})
	for round := 1; round <= 2; round++ {
		h.send("msg_a", sample(t, "user.created"))
		if got := h.outcomes("msg_a"); len(got) != round || got[round-1] != "applied" {
			t.Errorf("round %d: outcomes %v, want applied in each", round, got)
		}
		h.enqueue(h.p.DeadLetterQueueURL, queued("msg_dead", "user.created", "x"))
		if err := h.p.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		if dead, err := h.p.BrowseDeadLetters(); err != nil || len(dead) > 0 {
			t.Errorf("after a reset: %d dead letters, %v", len(dead), err)
		}
		for _, table := range []string{h.p.DirectoryTable, h.p.DeliveriesTable} {
			if rows := h.rows(table); len(rows) > 0 {
				t.Errorf("after a reset: %d rows in %s", len(rows), table)
			}
		}
	}
}

// Tables of somebody else are never emptied.
func TestResetOfAnotherEndpoint(t *testing.T) {
	t.Parallel()
	h := newEndpoint(t).start(t)
	h.wantSent("msg_a", sample(t, "user.created"), "applied")
	if err := h.p.Reset(t.Context()); err == nil || !strings.Contains(err.Error(), "not in this process") {
		t.Errorf("Reset = %v, want an error", err)
	}
	if len(h.rows(h.p.DirectoryTable)) == 0 {
		t.Error("the rows are gone")
	}
	if h.p.LocalTable() != nil {
		t.Error("a table of another endpoint is looked at as if it were in this process")
	}
}

// What the functions write is there without a connection, too.
func TestLocalTable(t *testing.T) {
	t.Parallel()
	h := start(t, pipeline.Options{})
	h.wantSent("msg_a", sample(t, "user.created"), "applied")
	rows, err := h.p.LocalTable().Read(t.Context(), directory.UserKey("user_2exampleJonahAdeyemi0000000"))
	if err != nil || rows[0].Text("first_name") != "Jonah" {
		t.Errorf("Read = %v, %v, want Jonah", rows, err)
	}
}
