package terminal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// cause is a text with a name of its own, as many fields are.
type cause string

// Whoever chooses a name cannot play with the terminal of who looks at it. What
// is styled, in a format, or advice in an error of ours stays.
func TestPrintReplacesControlCharacters(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		arg  any
		want string
	}{
		{name: "plain text", arg: "Zoé 🚒", want: "Zoé 🚒"},
		{name: "escape codes", arg: "\x1b[31mEve\x07", want: "\ufffd[31mEve\ufffd"},
		{name: "escape codes of one character", arg: "\u009b31m\u0085", want: "\ufffd31m\ufffd"},
		{name: "escape codes of one byte", arg: "\x9b31m", want: "\ufffd31m"},
		{name: "delete", arg: "a\x7f", want: "a\ufffd"},
		{name: "another direction", arg: "a\u202eb\u2066c\u200f", want: "a\ufffdb\ufffdc\ufffd"},
		{name: "a line of its own", arg: "a\nok: all is well", want: "a\ufffdok: all is well"},
		{name: "a line of Unicode's", arg: "a\u2028ok:", want: "a\ufffdok:"},
		{name: "a text of another type", arg: cause("\x1b[2J"), want: "\ufffd[2J"},
		{name: "texts", arg: []string{"\x1b[2J"}, want: "[\ufffd[2J]"},
		{name: "an error with advice", arg: errors.New("no \x1b[2J\nwhy?"), want: "no \ufffd[2J\nwhy?"},
		{
			name: "an answer of a service, with advice",
			arg:  fmt.Errorf("read: %w\nwhy?", &smithy.GenericAPIError{Code: "X", Message: "a\nok: all is well"}),
			want: "read: api error X: a\ufffdok: all is well\nwhy?",
		},
		{
			name: "an answer that is a page",
			arg:  &smithy.GenericAPIError{Code: "X", Message: strings.Repeat("é", 700)},
			want: "api error X: " + strings.Repeat("é", 600) + "... (200 bytes more)",
		},
		{name: "an answer that says nothing", arg: &smithy.GenericAPIError{Code: "X"}, want: "api error X: "},
		{name: "styled text", arg: terminal.Good("\x1b[2J\u202e"), want: "\ufffd[2J\ufffd"},
		{name: "a number", arg: 7, want: "7"},
		{name: "a page", arg: strings.Repeat("é", 700), want: strings.Repeat("é", 600) + "... (200 bytes more)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			term, out, words := newTerminal(t, nil)
			term.Print("<%v>\n%v", tt.arg, 1)
			term.Note("<%v>", tt.arg)
			if want := "<" + tt.want + ">\n1\n"; out.String() != want {
				t.Errorf("Print(%q) = %q, want %q", tt.arg, out.String(), want)
			}
			if want := "<" + tt.want + ">\n"; words.String() != want {
				t.Errorf("Note(%q) = %q, want %q", tt.arg, words.String(), want)
			}
		})
	}
}

// A line of JSON holds what the value holds, and nothing that a terminal obeys.
func TestPrintJSONEscapesControlCharacters(t *testing.T) {
	t.Parallel()
	term, out, _ := newTerminal(t, nil)
	in := "é\x1b\u009b\x7f\u202e\u2028"
	term.PrintJSON(in)
	if want := `"é\u001b\u009b\u007f\u202e\u2028"` + "\n"; out.String() != want {
		t.Errorf("PrintJSON(%q) = %q, want %q", in, out.String(), want)
	}
	var got string
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got != in {
		t.Errorf("PrintJSON(%q) means %q, %v", in, got, err)
	}
}

// A body goes to a program as it is, and to a terminal in lines without controls.
func TestPrintText(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		terminal bool
		want     string
	}{
		"program":  {want: "a\x1b[2J\n\u202eb\x9b\n"},
		"terminal": {terminal: true, want: "a\ufffd[2J\n\ufffdb\ufffd\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			term, out, _ := newTerminal(t, nil)
			term.SetTerminal(tt.terminal)
			if term.PrintText("a\x1b[2J\n\u202eb\x9b"); out.String() != tt.want {
				t.Errorf("PrintText = %q, want %q", out.String(), tt.want)
			}
		})
	}
}

// fullDisk takes nothing.
type fullDisk struct{}

// Write fails as on a full disk.
func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// Output that is not written is a failure, and said where words are read.
func TestReportFailedWrites(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*terminal.Terminal){
		"a line":  func(term *terminal.Terminal) { term.Print("x") },
		"JSON":    func(term *terminal.Terminal) { term.PrintJSON(1) },
		"a text":  func(term *terminal.Terminal) { term.PrintText("x") },
		"a table": func(term *terminal.Terminal) { term.PrintTable([]string{"x"}, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var words strings.Builder
			term := terminal.New(t.Context(), strings.NewReader(""), fullDisk{}, &words)
			write(term)
			for _, tt := range []struct {
				err  error
				want int
			}{
				{err: nil, want: 1},
				{err: terminal.ErrReported, want: 1},
				{err: terminal.ErrInterrupted, want: 1},
				{err: terminal.Usagef("x"), want: 2},
			} {
				if got := term.Report(tt.err); got != tt.want {
					t.Errorf("Report(%v) = %d, want %d", tt.err, got, tt.want)
				}
			}
			const want = "clerksync: the output is not whole: no space left on device\n"
			if !strings.HasPrefix(words.String(), want) {
				t.Errorf("Report says %q, want %q", words.String(), want)
			}
		})
	}
	term := terminal.New(t.Context(), strings.NewReader(""), io.Discard, fullDisk{})
	term.Note("x")
	if got := term.Report(nil); got != 1 {
		t.Errorf("Report after words that were lost = %d, want 1", got)
	}
}
