package console_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/events"
)

// Five changes are five stops; ?at=2 shows the row as the second left it, and the
// one that lost is marked and says why.
func TestHistoryOfARow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_1", "user.created", "applied",
		"data.id=user_h", "data.first_name=One", "data.updated_at=1772530000000")
	for i, name := range []string{"Two", "Three", "Late", "Five"} {
		outcome, at := "applied", 1772530000000+int64(i+1)*60_000
		if name == "Late" {
			outcome, at = "stale", 1772530030000
		}
		w.send(fmt.Sprintf("msg_%d", i+2), "user.updated", outcome, "data.id=user_h", "data.first_name="+name,
			fmt.Sprintf("data.updated_at=%d", at))
	}
	const row = "/rows/USER%23user_h/USER"
	page := w.page(row)
	history := inside(page, "history", "section")
	if diff := cmp.Diff([]string{"1", "2", "3", "4", "5"}, attributes(history, "data-at")); diff != "" {
		t.Errorf("stops (-want +got):\n%s", diff)
	}
	want := []string{"applied", "applied", "applied", "stale", "applied"}
	if diff := cmp.Diff(want, attributes(history, "data-outcome")); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if got := attributes(history, "max"); !cmp.Equal(got, []string{"5"}) {
		t.Errorf("the slider's max is %q, want 5", got)
	}
	if !strings.Contains(history, "the row is newer: updated_at") {
		t.Errorf("the history does not say why the fourth lost:\n%s", history)
	}
	// As Clerk did it: the late one belongs between the first two.
	_, ordered, _ := strings.Cut(history, `aria-labelledby="happened"`)
	if got := attributes(ordered, "href"); !strings.HasSuffix(got[1], "at=4") {
		t.Errorf("by rev the stops are %q, want the fourth second", got)
	}
	for at, first := range map[int]string{1: "One", 2: "Two", 3: "Three", 4: "Three", 5: "Five"} {
		page := w.page(fmt.Sprintf("%s?at=%d", row, at))
		_, cell, _ := strings.Cut(page, `data-attribute="first_name"`)
		_, cell, _ = strings.Cut(cell, `<td class="person">`)
		if cell, _, _ = strings.Cut(cell, "<"); strings.TrimSpace(cell) != first {
			t.Errorf("?at=%d: first_name is %q, want %q", at, cell, first)
		}
		if late := strings.Contains(page, "Late"); late != (at == 4) {
			t.Errorf("?at=%d shows what the late one wanted: %t", at, late)
		}
	}
	_, answer := ask(t, w.Console, request{method: http.MethodGet, path: "/api/v1" + row + "/history"})
	var api struct {
		History []struct {
			Outcome string
			SvixID  string `json:"svix_id"`
		}
	}
	err := json.Unmarshal([]byte(answer), &api)
	if err != nil || len(api.History) != 5 || api.History[3].Outcome != "stale" {
		t.Errorf("the API's history = %+v, %v, want five, the fourth stale", api, err)
	}
}

// A deleted row is struck and dated, and says what lost to its deletion and why.
func TestDeletedRowSaysWhatBeatWhat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_1", "user.created", "applied", "data.id=user_d", "data.updated_at=1772530000000")
	w.send("msg_2", "user.deleted", "applied", "data.id=user_d", "timestamp=1772884809118")
	w.send("msg_3", "user.updated", "stale", "data.id=user_d", "data.updated_at=1772530060000")
	page := w.page("/rows/USER%23user_d/USER")
	box := inside(page, "deleted", "div")
	for _, want := range []string{"2026-03-07T12:00:09.118Z", "msg_2", "/messages/msg_3", "lost to it", "deleted at"} {
		if !strings.Contains(box, want) {
			t.Errorf("the page of a deleted row does not say %q:\n%s", want, box)
		}
	}
	if !strings.Contains(page, `class="person gone"`) {
		t.Error("the name of a deleted row is not struck")
	}
}

// The object is a tree whose numbers are as Clerk wrote them. One that is too large
// for a tree is text.
func TestObjectAsTree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const number = "12345678901234567890.10"
	w.send("msg_1", "user.created", "applied", "data.id=user_t", "data.public_metadata={\"n\":"+number+"}")
	page := w.page("/rows/USER%23user_t/USER?tab=object")
	if !strings.Contains(page, "<details") || !strings.Contains(page, "n: "+number+"<") {
		t.Errorf("the object is no tree with the number %s:\n%s", number, page)
	}
	large := strings.Repeat("x", 201<<10)
	w.send("msg_2", "user.created", "applied", "data.id=user_l", "data.public_metadata={\"x\":\""+large+"\"}")
	page = w.page("/rows/USER%23user_l/USER?tab=object")
	if strings.Contains(inside(page, "rowview", "section"), "<details") || !strings.Contains(page, large) {
		t.Error("an object of 201 KB is not shown as text")
	}
}

// A row that is written in a loop has a page all the same: the lists have the newest
// writes, and the slider goes to the others.
func TestLongHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_first", "user.created", "applied")
	body := string(must(events.Body("user.created")))
	const writes = 230
	for i := range writes - 1 {
		w.post(fmt.Sprintf("msg_%d", i), body) // under other ids, so that each is a write
	}
	path := view.RowLink(jonahKey())
	w.until("all are written", func() bool {
		return len(w.Recorder.History(jonahKey())) == writes
	})
	page := w.page(path)
	history := inside(page, "history", "section")
	if n := len(attributes(history, "data-at")); n != 200 || strings.Count(history, "<li") != 400 ||
		!strings.Contains(history, fmt.Sprintf(`max="%d"`, writes)) || !strings.Contains(history, "oldest 30 of 230") {
		t.Errorf("the history lists %d stops of %d", n, writes)
	}
	if page := w.page(path + "?at=3"); !strings.Contains(page, "after write 3 of 230") {
		t.Error("a write that is in no list is not shown")
	}
}
