package main_test

import (
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// On a terminal each part has a line with its name, counts, rate and time left,
// words stand above it, and no line is wider than 80 columns.
func TestProgress(t *testing.T) {
	t.Parallel()
	person, process := openTerminal(t, 80)
	var screen screenOf
	read := make(chan struct{})
	go func() {
		_, _ = io.Copy(&screen, person) // ends with an error where the other side closes
		close(read)
	}()
	term := terminal.New(t.Context(), strings.NewReader(""), io.Discard, process)
	p := term.NewProgress(t.Context())
	p.Show("organization", 0, 3)
	p.Show("organization", 3, 3)
	term.Note("a word")
	p.Show("user", 2, 0) // Clerk's count is smaller than what it lists
	p.Show("user", 500, 1200)
	// It is drawn several times a second, where the machine is not busy.
	for end := time.Now().Add(patience); !strings.Contains(screen.String(), "500/1200"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the screen has no 500/1200 within %v:\n%s", patience, screen.String())
		}
	}
	p.Stop()
	term.Note("the end")
	_ = process.Close()
	<-read
	text := regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`).ReplaceAllString(screen.String(), "")
	for _, want := range []string{
		`organization +3/3 .* [0-9]+/s`, `user +500/1200 .* [0-9]+/s, [0-9]+s left`, `a word\r\n`, `the end\r\n$`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("the screen has no %q:\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if n := len([]rune(strings.TrimSpace(line))); n > 80 {
			t.Errorf("%d wide: %s", n, line)
		}
	}
	if strings.LastIndex(text, "a word") > strings.LastIndex(text, "500/1200") {
		t.Errorf("the word does not stand above the progress:\n%s", text)
	}
}
