package console_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
)

// wantError asks for an error of the API.
func (w *world) wantError(path string, status int, name string) {
	w.t.Helper()
	resp, body := ask(w.t, w.Console, request{method: get, path: path})
	var e struct{ Error, Detail string }
	err := json.Unmarshal([]byte(body), &e)
	if err != nil || resp.StatusCode != status || e.Error != name || e.Detail == "" {
		w.t.Errorf("GET %s = %d %s, want %d %s with a detail", path, resp.StatusCode, body, status, name)
	}
}

// The list for scripts: pages, filters, limits.
func TestMessagesForScripts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_a", "user.created", "applied")
	w.send("msg_b", "organization.created", "applied")
	w.send("msg_c", "user.updated", "applied")
	list := func(query string) (ids []string, next string) {
		t.Helper()
		var answer struct {
			Messages []view.Message
			Next     string
		}
		if err := json.Unmarshal([]byte(w.page("/api/v1/messages"+query)), &answer); err != nil {
			t.Fatal(err)
		}
		for _, m := range answer.Messages {
			ids = append(ids, m.SvixID)
		}
		return ids, answer.Next
	}
	ids, next := list("?limit=2")
	if !slices.Equal(ids, []string{"msg_c", "msg_b"}) || next == "" {
		t.Errorf("first page = %v, next %q", ids, next)
	}
	if ids, next = list("?limit=2&before=" + next); !slices.Equal(ids, []string{"msg_a"}) || next != "" {
		t.Errorf("last page = %v, next %q", ids, next)
	}
	ids, _ = list("?type=user.updated&outcome=applied&entity=user_2example&q=jonah")
	if !slices.Equal(ids, []string{"msg_c"}) {
		t.Errorf("filtered = %v", ids)
	}
	m := w.message("msg_c")
	if m.EventType != "user.updated" || !strings.HasPrefix(m.Entity, "user/") || len(m.Path) != 5 ||
		len(m.Requests) != 1 || len(m.Attempts) != 1 || len(m.Writes) != 1 || m.Links.Page != "/messages/msg_c" {
		t.Errorf("message = %+v", m)
	}
	w.wantError("/api/v1/messages?limit=0", http.StatusBadRequest, "bad_query")
	w.wantError("/api/v1/messages?limit=251", http.StatusBadRequest, "bad_query")
	w.wantError("/api/v1/messages?before=msg_c", http.StatusBadRequest, "bad_query")
	w.wantError("/api/v1/messages/msg_none", http.StatusNotFound, "not_found")
	w.wantError("/api/v1/messages/msg_none/body", http.StatusNotFound, "not_found")
}

// A body is saved as text under a name that is ours.
func TestBodyForScripts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_a", "user.created", "applied")
	resp, body := ask(t, w.Console, request{method: get, path: "/api/v1/messages/msg_a/body"})
	if resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" ||
		resp.Header.Get("Content-Disposition") != `attachment; filename="msg_a.json"` ||
		!strings.Contains(body, `"Jonah"`) {
		t.Errorf("body: headers %v", resp.Header)
	}
	w.post(`a/"b\c`, `{"type":"user.created","data":{"id":"u"},"timestamp":1}`)
	resp, _ = ask(t, w.Console, request{method: get, path: `/api/v1/messages/a%2F%22b%5Cc/body`})
	if got := resp.Header.Get("Content-Disposition"); got != `attachment; filename="a__b_c.json"` {
		t.Errorf("file name = %s", got)
	}
	w.send("msg_inv", "organizationInvitation.created", "applied")
	if body := w.page("/api/v1/messages/msg_inv/body"); !strings.Contains(body, "masked") {
		t.Errorf("an invitation's body = %s", body)
	}
	w.post("msg_s", `{"type":"session.created","data":{}}`)
	w.wantError("/api/v1/messages/msg_s/body", http.StatusNotFound, "not_kept")
}

// A script waits for a message without looking again and again.
func TestWaitForScripts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked sync.WaitGroup
	asked.Go(func() {
		const path = "/api/v1/messages/msg_a/wait?timeout=60s" // it fails if it answers at the timeout alone
		resp, body := ask(t, w.Console, request{method: get, path: path})
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, `"outcome":"applied"`) {
			t.Errorf("wait = %d %s", resp.StatusCode, body)
		}
	})
	w.send("msg_a", "user.created", "applied")
	asked.Wait()
	w.page("/api/v1/messages/msg_a/wait?outcome=applied&timeout=0s")
	w.wantError("/api/v1/messages/msg_a/wait?outcome=dead&timeout=10ms", http.StatusGatewayTimeout, "timeout")
	w.wantError("/api/v1/messages/msg_none/wait?timeout=10ms", http.StatusGatewayTimeout, "timeout")
	w.wantError("/api/v1/messages/msg_a/wait?outcome=done", http.StatusBadRequest, "bad_query")
	w.wantError("/api/v1/messages/msg_a/wait?timeout=soon", http.StatusBadRequest, "bad_query")
	w.wantError("/api/v1/messages/msg_a/wait?timeout=1h", http.StatusBadRequest, "bad_query")
}

// A test suite begins each test with nothing.
func TestResetForScripts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_a", "user.created", "applied")
	resp, body := ask(t, w.Console, request{method: post, path: "/api/v1/reset"})
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, `"requests":0`) {
		t.Errorf("reset = %d %s", resp.StatusCode, body)
	}
	if rows := w.page("/api/v1/rows"); rows != `{"rows":[]}`+"\n" {
		t.Errorf("rows after a reset = %s", rows)
	}
	w.send("msg_a", "user.created", "applied")
	if n := w.page("/api/v1/counts"); !strings.Contains(n, `"applied":1`) {
		t.Errorf("counts = %s, want one applied", n)
	}
}
