package console_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
)

// Messages are made of the functions' own lines: stages, outcome, attempts. The first
// outcome stays, and a rejected request claims no id.
func TestStackMessagesAreThoseOfTheLog(t *testing.T) {
	const ingest, sync = deploymenttest.IngestFunction, deploymenttest.SyncFunction
	w := newStackWorld(t, false)
	queued := func(id string, ago time.Duration) {
		w.log(ingest, ago, `"message":"request","stage":"queued","svix_id":%q,"event_type":"user.updated"`, id)
	}
	ended := func(id, outcome string, attempt int, ago time.Duration) {
		w.log(sync, ago, `"level":"INFO","message":"message","svix_id":%q,"event_type":"user.updated",`+
			`"entity":"user/user_a","outcome":%q,"attempt":%d`, id, outcome, attempt)
	}
	w.log(ingest, time.Minute, `"message":"request","stage":"rejected","reason":"invalid_signature","svix_id":"msg_a"`)
	queued("msg_a", 50*time.Second)
	ended("msg_a", "failed", 1, 49*time.Second)
	ended("msg_a", "applied", 2, 20*time.Second)
	queued("msg_a", 10*time.Second)
	ended("msg_a", "duplicate", 1, 9*time.Second)
	queued("msg_b", 8*time.Second)
	ended("msg_b", "stale", 1, 7*time.Second)
	queued("msg_c", 6*time.Second)
	w.log(sync, 5*time.Second, `"level":"WARN","message":"a call failed","operation":"x"`)
	waitForLog(w)
	page := w.get("/")
	got := map[string]string{}
	ids, outcomes := attributes(inside(page, "messages", "ul"), "data-svix-id"), attributes(page, "data-outcome")
	for i, id := range ids {
		got[id] = outcomes[i]
	}
	for id, want := range map[string]string{"msg_a": "applied", "msg_b": "stale", "msg_c": "queued"} {
		if got[id] != want {
			t.Errorf("%s is %q, want %q; all: %v", id, got[id], want, got)
		}
	}
	if len(got) != 4 || ids[0] != "msg_c" {
		t.Errorf("messages = %v, want these three and the rejected request, the newest first", ids)
	}
	steps := strings.Join(attributes(inside(w.get("/messages/msg_a"), "path", "ol"), "data-stage"), " ")
	const want = "received verified queued attempt failed attempt applied " +
		"received verified queued attempt duplicate"
	if steps != want {
		t.Errorf("path of msg_a = %s, want %s", steps, want)
	}
	if !strings.Contains(inside(w.get("/messages/msg_a"), "detail", "section"), `href="/rows/USER%23user_a/USER"`) {
		t.Error("a message does not lead to its row")
	}
	if page := w.get("/?outcome=stale"); strings.Contains(page, "msg_a") || !strings.Contains(page, "msg_b") {
		t.Error("the filter by outcome does not filter")
	}
	if body := w.get("/api/v1/messages/msg_b"); !strings.Contains(body, `"outcome":"stale"`) {
		t.Errorf("msg_b for scripts = %s", body)
	}
	if status, body := w.ask(http.MethodGet, "/messages/msg_never"); status != http.StatusNotFound ||
		!strings.Contains(body, "Deliveries table") {
		t.Errorf("an unknown message = %d, want 404 that says where was looked", status)
	}
	w.PutRow(w.Pipeline.DeliveriesTable, map[string]string{
		"svix_id": "msg_old", "event_type": "user.created", "entity": "user/user_z", "outcome": "applied",
		"received_at": "2026-01-01T00:00:00.000Z", "processed_at": "2026-01-01T00:00:01.000Z",
	})
	if page := w.get("/messages/msg_old"); !strings.Contains(inside(page, "why", "p"), "no row of user/user_z") {
		t.Errorf("a message that only the Deliveries table has: why = %q", inside(page, "why", "p"))
	}
}

// waitForLog opens the page until the log is read, which is no sooner than logEvery after the
// last time.
func waitForLog(w *stackWorld) {
	w.t.Helper()
	before := w.Account.Filtered.Load()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(logEvery / 3) {
		if w.get("/"); w.Account.Filtered.Load() > before {
			return
		}
	}
	w.t.Fatalf("the log is not read within %v", patience)
}

// The log is read while a page looks, and not without one: CloudWatch bills it. A
// line that comes meanwhile reaches the page.
func TestStackReadsTheLogWhileAPageLooks(t *testing.T) {
	w := newStackWorld(t, false)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.console.URL+"/api/v1/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := w.client.Do(r) //nolint:bodyclose // it is, below: the stream ends with it
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan string, 100)
	go func() {
		defer close(events)
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if kind, is := strings.CutPrefix(lines.Text(), "event: "); is {
				events <- kind
			}
		}
	}()
	if got := <-events; got != "hello" {
		t.Errorf("the stream begins with %q, want hello", got)
	}
	w.log(deploymenttest.IngestFunction, 0, `"message":"request","stage":"queued","svix_id":"msg_live"`)
	select {
	case got := <-events:
		if got != "message" {
			t.Errorf("the stream says %q, want message", got)
		}
	case <-time.After(patience):
		t.Errorf("the stream says nothing of a new line within %v", patience)
	}
	if !strings.Contains(w.get("/"), "msg_live") {
		t.Error("the page does not show the message of the new line")
	}
	_ = resp.Body.Close()
	// When the server sees the end of the stream depends on the machine.
	for end := time.Now().Add(patience); ; {
		read := w.Account.Filtered.Load()
		time.Sleep(5 * logEvery)
		more := w.Account.Filtered.Load() - read
		if more == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the log is read %d times in %v, %v after the last page looked", more, 5*logEvery, patience)
		}
	}
}
