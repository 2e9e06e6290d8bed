package terminal_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// Where no terminal reads stderr there is no progress, and words are as ever.
func TestNoProgressWithoutATerminal(t *testing.T) {
	t.Parallel()
	var out, words bytes.Buffer
	term := terminal.New(t.Context(), strings.NewReader(""), &out, &words)
	p := term.NewProgress(t.Context())
	p.Show("user", 1, 2)
	term.Note("a word")
	p.Stop()
	p.Stop()
	if out.Len() > 0 || words.String() != "a word\n" {
		t.Errorf("stdout %q, stderr %q, want the word alone", out.String(), words.String())
	}
}

// The rate is that since the part was shown first, and over a second at least: the first page would promise too much.
func TestPace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, done, total int64
		took               time.Duration
		want               string
	}{
		"at first":            {first: 2, done: 2, total: 1200, want: " 0/s"},
		"within a second":     {first: 2, done: 500, total: 1200, took: time.Second / 10, want: " 498/s, 1s left"},
		"later":               {first: 200, done: 500, total: 1200, took: 3 * time.Second, want: " 100/s, 7s left"},
		"nothing is left":     {done: 3, total: 3, took: time.Second, want: " 3/s"},
		"more than was meant": {done: 4, total: 3, took: time.Second, want: " 4/s"},
	} {
		if got := terminal.PaceWords(c.first, c.done, c.total, c.took); got != c.want {
			t.Errorf("%s: PaceWords(%d, %d, %d, %s) = %q, want %q", name, c.first, c.done, c.total, c.took, got, c.want)
		}
	}
}
