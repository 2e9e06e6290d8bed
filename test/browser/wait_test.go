package browser_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// testWait asks for the end of a message that a later request makes.
func (s *suite) testWait(t *testing.T) {
	d := s.start(t)
	// The end itself is a moment after the POST.
	inTime(t, 500*time.Millisecond, "the answer after the POST", func() time.Duration { return s.waitForPost(t, d) })
	const wait = 300 * time.Millisecond
	inTime(t, 2*time.Second, "the wait of 300 ms for an id that never comes", func() (took time.Duration) {
		status := 0
		took = timed(func() { status, _ = d.get(t, "/api/v1/messages/"+newID()+"/wait?timeout="+wait.String()) })
		if status != http.StatusGatewayTimeout || took < wait {
			t.Errorf("wait for an id that never comes = %d after %v, want 504 after %v", status, took, wait)
		}
		return took
	})
}

// waitForPost returns how long after its POST the wait for a message is answered.
func (s *suite) waitForPost(t *testing.T, d *dev) time.Duration {
	t.Helper()
	id := newID()
	type answer struct {
		status int
		body   []byte
		at     time.Time
	}
	answers := make(chan answer, 1)
	go func() {
		status, body := d.get(t, "/api/v1/messages/"+id+"/wait?outcome=ended&timeout=25s")
		answers <- answer{status: status, body: body, at: time.Now()}
	}()
	time.Sleep(200 * time.Millisecond)
	d.post(t, message{id: id, sample: "user.created", set: map[string]any{"data.id": "user_" + id}})
	posted := time.Now()
	got := <-answers
	if got.status != http.StatusOK || !strings.Contains(string(got.body), `"applied"`) {
		t.Errorf("wait = %d %s, want 200, applied", got.status, got.body)
	}
	return got.at.Sub(posted)
}

// testLines compares the lines of the stream with those that dev prints.
func (s *suite) testLines(t *testing.T) {
	d := s.start(t)
	var id string
	text := d.stream(t, "application/x-ndjson", func() { id = d.apply(t, message{sample: "user.created"}) },
		`"stage":"applied"`)
	printed, err := os.ReadFile(d.Output)
	if err != nil {
		t.Fatal(err)
	}
	of := func(text string) (lines []string) {
		for line := range strings.Lines(text) {
			if strings.Contains(line, id) {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
		return lines
	}
	got, want := of(text), of(string(printed))
	if len(want) < 2 || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("lines\n%s\nwant those of dev --json:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
