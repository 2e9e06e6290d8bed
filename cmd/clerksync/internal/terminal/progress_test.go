package terminal_test

import (
	"bytes"
	"strings"
	"testing"

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
