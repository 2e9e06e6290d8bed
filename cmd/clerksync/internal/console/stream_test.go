package console_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
)

// event is an event of a stream as a browser sees it.
type event struct{ id, kind, data string }

// listen opens a stream and returns its events until it ends.
func (w *world) listen(path string, header ...string) <-chan event {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	w.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.Console.URL+path, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r) //nolint:bodyclose // the reader of the stream does
	if err != nil {
		w.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		w.t.Fatalf("GET %s = %d %s", path, resp.StatusCode, body)
	}
	events := make(chan event, 1000)
	go func() {
		defer func() { _ = resp.Body.Close() }()
		defer close(events)
		var e event
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch {
			case strings.HasPrefix(lines.Text(), "{"):
				events <- event{data: lines.Text()}
			case name == "id":
				e.id = value
			case name == "event":
				e.kind = value
			case name == "data":
				e.data = value
			case name == "" && e.kind != "":
				events <- e
				e = event{}
			}
		}
	}()
	return events
}

// take returns the next events that are not counts.
func take(t *testing.T, events <-chan event, n int) (list []event) {
	t.Helper()
	for len(list) < n {
		e, ok := <-events
		if !ok {
			t.Fatalf("the stream has ended after %v", list)
		}
		if e.kind != "counts" {
			list = append(list, e)
		}
	}
	return list
}

// A browser hears of messages, rows and counts, and goes on where it was.
func TestEventsForPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	events := w.listen("/api/v1/events")
	hello := take(t, events, 1)[0]
	if hello.kind != "hello" || !strings.Contains(hello.data, `"run":`) {
		t.Fatalf("the first event is %+v", hello)
	}
	w.send("msg_a", "user.created", "applied")
	list := take(t, events, 3)
	var kinds []string
	for _, e := range list {
		var fields map[string]string
		if err := json.Unmarshal([]byte(e.data), &fields); err != nil {
			t.Fatalf("%s: %v", e.data, err)
		}
		kinds = append(kinds, e.kind+" "+fields["stage"]+" "+fields["svix_id"])
	}
	slices.Sort(kinds) // the row may come before ingest has heard that the queue has it
	if diff := cmp.Diff([]string{"message applied msg_a", "message queued msg_a", "row  msg_a"}, kinds); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for e := range events {
		if e.kind == "counts" {
			if strings.Contains(e.data, `"applied":1`) {
				break
			}
		}
	}
	// It comes back, and misses nothing of what happened meanwhile.
	w.send("msg_b", "user.updated", "applied")
	again := w.listen("/api/v1/events", "Last-Event-ID", list[2].id)
	for _, e := range take(t, again, 4)[1:] {
		if !strings.Contains(e.data, "msg_b") {
			t.Errorf("after coming back: %+v, want what it has missed", e)
		}
	}
	// Of another run it knows nothing.
	other := w.listen("/api/v1/events", "Last-Event-ID", "otherrun-1")
	take(t, other, 1)
	w.send("msg_c", "organization.created", "applied")
	for _, e := range take(t, other, 3) {
		if !strings.Contains(e.data, "msg_c") {
			t.Errorf("with another run's id: %+v", e)
		}
	}
}

// curl -N gets the lines of dev --json, filtered.
func TestLinesForScripts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lines := w.listen("/api/v1/events?type=user", "Accept", "application/x-ndjson")
	w.send("msg_org", "organization.created", "applied")
	w.send("msg_a", "user.created", "applied")
	var got []recorder.Step
	for len(got) < 2 {
		var s recorder.Step
		if err := json.Unmarshal([]byte((<-lines).data), &s); err != nil {
			t.Fatal(err)
		}
		got = append(got, s)
	}
	want := []recorder.Step{
		{Event: "message", Stage: "queued", SvixID: "msg_a", EventType: "user.created"},
		{
			Event: "message", Stage: "applied", SvixID: "msg_a", EventType: "user.created",
			Entity: "user/user_2exampleJonahAdeyemi0000000",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// Where many tabs are open streams take turns, so that none waits for ever; lines
// for scripts, which do not come back by themselves, stay.
func TestStreamsTakeTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lines := w.listen("/api/v1/events", "Accept", "application/x-ndjson")
	var tabs []<-chan event
	for range 6 {
		tabs = append(tabs, w.listen("/api/v1/events"))
	}
	ended := func() (n int) {
		for _, tab := range tabs {
			for open := true; open; {
				select {
				case _, ok := <-tab:
					if open = ok; !ok {
						n++
					}
				default:
					open = false
				}
			}
		}
		return n
	}
	w.until("two of six tabs have had their turn", func() bool { return ended() == 2 })
	time.Sleep(600 * time.Millisecond)
	if n := ended(); n != 2 {
		t.Errorf("%d of six tabs have ended, want four open", n)
	}
	select {
	case e, ok := <-lines:
		t.Errorf("the lines: %+v, %v, want them open", e, ok)
	default:
	}
}

// There are never more than 32 streams.
func TestTooManyStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 32 {
		w.listen("/api/v1/events", "Accept", "application/x-ndjson")
	}
	w.wantError("/api/v1/events", http.StatusServiceUnavailable, "too_many_streams")
	w.wantError("/api/v1/events?before=x", http.StatusBadRequest, "bad_query")
}

// A page hears that the process ends.
func TestEndOfTheConsole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	events := w.listen("/api/v1/events")
	take(t, events, 1)
	w.Console.Close()
	if e := take(t, events, 1)[0]; e.kind != "end" {
		t.Errorf("at the end: %+v, want it said", e)
	}
}
