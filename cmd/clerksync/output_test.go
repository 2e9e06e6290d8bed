package main_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	main "github.com/clerksync/clerksync/cmd/clerksync"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// fullDisk takes nothing.
type fullDisk struct{}

// Write fails as on a full disk.
func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestLostOutput wants a failure and a word where output cannot be written, of
// the help of every command, too.
func TestLostOutput(t *testing.T) {
	t.Parallel()
	lines := [][]string{
		{"clerksync"},
		{"clerksync", "--version"},
		{"clerksync", "version"},
		{"clerksync", "version", "--json"},
		{"clerksync", "sign", "--secret", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", "user.created"},
	}
	for _, path := range commands(main.Commands(), []string{"clerksync"}) {
		lines = append(lines, append(path, "--help"))
	}
	for _, line := range lines {
		t.Run(strings.Join(line, " "), func(t *testing.T) {
			t.Parallel()
			var words bytes.Buffer
			if got := main.Run(t.Context(), fullDisk{}, &words, line); got != terminal.ExitFailed {
				t.Errorf("%s exits %d, want %d", line, got, terminal.ExitFailed)
			}
			if want := "clerksync: the output is not whole: no space left on device\n"; words.String() != want {
				t.Errorf("%s says %q, want %q", line, words.String(), want)
			}
		})
	}
}
