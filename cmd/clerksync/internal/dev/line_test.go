package dev_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/dev"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
)

// steps are those of real messages, whose ids are long.
func steps() map[string]dev.Step {
	const id = "msg_2b3Ck9u0PqVbFZ1r2s3T4u5V6w7"
	const member = "membership/org_2abCdEfGhIjKlMnOpQrStUvWxYz/user_2abCdEfGhIjKlMnOpQrStUvWxYz"
	return map[string]dev.Step{
		"applied": {Stage: "applied", EventType: "user.created", Entity: "user/u1", SvixID: id},
		"membership": {
			Stage: "applied", EventType: "organizationMembership.created", Entity: member, SvixID: id,
		},
		"stale": {
			Stage: "stale", EventType: "user.updated", Entity: "user/u1", SvixID: id,
			Reason: "the row is newer: updated_at 2026-03-02 10:35:07 > 10:33:20 UTC",
		},
		"rejected": {Stage: "rejected", Reason: "invalid_signature", SvixID: id},
		"failed":   {Stage: "failed", EventType: "user.updated", Reason: strings.Repeat("long words of AWS ", 20)},
	}
}

// No live line is wider than the terminal, and none loses a word.
func TestLiveLinesFit(t *testing.T) {
	t.Parallel()
	for name, st := range steps() {
		whole := dev.FormatStep(st, 14*time.Millisecond, 2, 0)
		for _, text := range []string{st.Stage, st.EventType, st.Entity, st.SvixID, st.Reason, "14ms", "attempt 2"} {
			if !strings.Contains(whole, text) || strings.Contains(whole, "\n") {
				t.Errorf("%s: line = %q, want one with %q", name, whole, text)
			}
		}
		for width := 76 + 19; width >= 40; width-- {
			var out bytes.Buffer
			term := terminal.New(t.Context(), nil, &out, io.Discard)
			s := dev.NewScreen(term, dev.Options{Now: time.Now})
			s.SetWidth(width)
			s.ShowReady(&pipeline.Pipeline{})
			s.ShowStep(st)
			for line := range strings.Lines(out.String()) {
				line = strings.TrimRight(line, "\n")
				// A word that no line has room for is broken where it is printed.
				if w := lipgloss.Width(line); w > width && len(strings.Fields(line)) > 1 {
					t.Errorf("%s: %d wide on a terminal of %d:\n%s", name, w, width, out.String())
				}
			}
			for _, word := range strings.Fields(st.Entity + " " + st.SvixID + " " + st.Reason) {
				if !strings.Contains(out.String(), word) {
					t.Errorf("%s: no %q on a terminal of %d:\n%s", name, word, width, out.String())
				}
			}
		}
	}
	got := dev.FormatStep(steps()["stale"], 0, 1, 80)
	if _, reason, _ := strings.Cut(got, "\n"); reason != "         "+steps()["stale"].Reason {
		t.Errorf("stale on 80 columns = %q, want its reason on a line of its own", got)
	}
}

// An error of several lines is one sentence: it shows no mark where a line ended.
func TestReasonOfSeveralLines(t *testing.T) {
	t.Parallel()
	st := dev.Step{Stage: "failed", EventType: "user.updated", Reason: "request send failed\nretry quota exceeded"}
	for _, width := range []int{0, 40, 120} {
		got := dev.FormatStep(st, 0, 1, width)
		if !strings.Contains(strings.Join(strings.Fields(got), " "), "request send failed retry quota exceeded") {
			t.Errorf("line on %d columns = %q, want its reason as one sentence", width, got)
		}
	}
}

// lockedBuffer is written by timers and read by the test.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p) //nolint:wrapcheck // it never fails
}

// take returns what was written since the last time.
func (b *lockedBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.text.Reset()
	return b.text.String()
}

// Forged requests come by the thousand. They have a line a second, and one advice.
func TestRepeatedLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out lockedBuffer
		var words bytes.Buffer
		s := dev.NewScreen(terminal.New(t.Context(), nil, &out, &words), dev.Options{Now: time.Now})
		s.ShowReady(&pipeline.Pipeline{Endpoint: "http://127.0.0.1:1"})
		lines := func() (got []string) {
			synctest.Wait()
			for line := range strings.Lines(out.take()) {
				got = append(got, strings.Join(strings.Fields(line)[1:], " ")) // without its time
			}
			return got
		}
		want := func(what string, lines []string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, lines); diff != "" {
				t.Errorf("lines %s (-want +got):\n%s", what, diff)
			}
		}
		forge := func(n int) {
			for i := range n {
				s.ShowStep(dev.Step{Stage: "rejected", Reason: "missing_headers", SvixID: fmt.Sprintf("msg_%d", i)})
			}
		}

		const advice = "at: svix-id, svix-timestamp and svix-signature must all reach this URL; does a proxy drop them?"
		forge(38)
		want("at once", lines(), "rejected request missing_headers msg_0", advice)
		s.ShowStep(dev.Step{Stage: "applied", EventType: "user.created", SvixID: "msg_a"})
		s.ShowStep(dev.Step{Stage: "applied", EventType: "user.created", SvixID: "msg_b"})
		want("of other messages", lines(), "applied user.created msg_a", "applied user.created msg_b")
		time.Sleep(time.Second)
		want("after a second", lines(), "rejected request missing_headers ×37 more")
		forge(2)
		want("in the next second", lines(), "rejected request missing_headers msg_0")
		s.ShowStep(dev.Step{Stage: "duplicate", SvixID: "msg_a"})
		s.ShowStep(dev.Step{Stage: "dead", SvixID: "msg_c"})

		s.ShowCounts()
		want("at the end", lines(), "duplicate request msg_a", "dead request msg_c",
			"can never be applied, so it is a dead letter now",
			"run ./cmd/clerksync dlq show --endpoint-url http://127.0.0.1:1 msg_c",
			"rejected request missing_headers ×1 more")
		const counts = "2 applied, 0 stale, 1 duplicate, 40 rejected, 1 dead in 1 s.\n"
		if !strings.HasSuffix(words.String(), counts) {
			t.Errorf("last words = %q, want %q", words.String(), counts)
		}
		time.Sleep(time.Minute)
		want("after the end", lines())
	})
}

// On a narrow terminal a command goes on after a backslash: the same command.
func TestNextOnNarrowTerminals(t *testing.T) {
	t.Parallel()
	show := func(width int) string {
		var words bytes.Buffer
		s := dev.NewScreen(terminal.New(t.Context(), nil, io.Discard, &words), dev.Options{Demo: true})
		s.SetWidth(width)
		s.ShowNext(&pipeline.Pipeline{
			WebhookURL: "http://127.0.0.1:30001/webhooks/clerk", Endpoint: "http://127.0.0.1:45661",
			DirectoryTable: pipeline.DirectoryTable,
		})
		return words.String()
	}
	narrow := show(80)
	for line := range strings.Lines(narrow) {
		if w := len(strings.TrimRight(line, "\n")); w > 80 {
			t.Errorf("%d wide: %s", w, line)
		}
	}
	if joined := strings.ReplaceAll(narrow, " \\\n    ", " "); joined != show(0) || joined == narrow {
		t.Errorf("commands on 80 columns =\n%s\nwant the same with backslashes as without:\n%s", narrow, show(0))
	}
}

// Where ports are taken, the advice is the command that was given on free ones.
func TestDevOnFreePorts(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	addr := taken.Addr().String()
	got := dev.DevOnFreePorts(t.Context(), dev.Options{
		Pipeline: pipeline.Options{Addr: addr, AWSAddr: addr}, Secret: webhook.Secret{Text: "whsec_x"}, Demo: true,
		ConsoleAddr: addr, Open: true,
	})
	var first, second, third string
	n, err := fmt.Sscanf(got, "go run ./cmd/clerksync dev --addr %s --aws-addr %s --console-addr %s "+
		"--secret whsec_... --open --demo", &first, &second, &third)
	if n != 3 || err != nil || slices.Contains([]string{first, second, third}, addr) ||
		first == second || first == third || second == third {
		t.Errorf("command = %q for three ports that are taken (%s), want three others: %v", got, addr, err)
	}
	got = dev.DevOnFreePorts(t.Context(), dev.Options{
		Pipeline: pipeline.Options{Addr: "127.0.0.1:0", AWSAddr: "127.0.0.1:0"}, Secret: webhook.Secret{Kept: true},
		ConsoleAddr: addr, ConsoleAnyPort: true, // any port takes its place by itself
	})
	if want := "go run ./cmd/clerksync dev --addr 127.0.0.1:0 --aws-addr 127.0.0.1:0"; got != want {
		t.Errorf("command = %q for ports that are any, want %q", got, want)
	}
}

// On a terminal that takes them, the mark of a stage stands before its word, as on the
// console's pages; files and programs get the words alone, in the same order.
func TestMarksOfStages(t *testing.T) {
	t.Parallel()
	colour := regexp.MustCompile(`\x1b\[[0-9;]*m`)
	for stage, mark := range map[string]string{
		"applied": "●", "stale": "◐", "duplicate": "◌", "ignored": "○", "rejected": "✕", "failed": "↻", "dead": "■",
	} {
		for name, c := range map[string]struct {
			marks bool
			width int
			want  string
		}{
			"a terminal":           {marks: true, width: 100, want: mark + " " + stage},
			"one without UTF-8":    {width: 100, want: stage},
			"a pipe":               {marks: true, want: stage},
			"a terminal, narrower": {marks: true, width: 40, want: mark + " " + stage},
		} {
			s := dev.NewScreen(terminal.New(t.Context(), nil, io.Discard, io.Discard), dev.Options{
				Now: time.Now, Marks: c.marks,
			})
			s.SetWidth(c.width)
			line := s.Format(dev.Step{Stage: stage, EventType: "user.updated", Entity: "user/u1"})
			line = colour.ReplaceAllString(line, "")
			if got := strings.Join(strings.Fields(line)[1:], " "); got != c.want+" user.updated user/u1" {
				t.Errorf("%s: %q after the time, want %q, then type and entity", name, got, c.want)
			}
			for part := range strings.Lines(line) {
				if w := lipgloss.Width(strings.TrimRight(part, "\n")); c.width > 0 && w > c.width {
					t.Errorf("%s: %d wide on a terminal of %d: %q", name, w, c.width, part)
				}
			}
		}
	}
}
