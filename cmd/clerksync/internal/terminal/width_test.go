package terminal_test

import (
	"os"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"pgregory.net/rapid"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

func TestFill(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		width, indent int
		end           string
		words         string
		want          string
	}{
		"any width":           {width: 0, words: "aaa bbb", want: "aaa bbb"},
		"just room":           {width: 7, words: "aaa bbb", want: "aaa bbb"},
		"no room":             {width: 6, indent: 2, words: "aaa bbb c", want: "aaa\n  bbb\n  c"},
		"room for no end":     {width: 8, indent: 2, end: ` \`, words: "aaa bbb", want: "aaa \\\n  bbb"},
		"room for the end":    {width: 9, end: ` \`, words: "aaa bbb c", want: "aaa bbb \\\nc"},
		"a word is too wide":  {width: 2, words: "aaa b", want: "aaa\nb"},
		"codes have no width": {width: 3, words: "\x1b[31ma\x1b[m b", want: "\x1b[31ma\x1b[m b"},
	} {
		var words []terminal.Styled
		for _, word := range strings.Fields(c.words) {
			words = append(words, terminal.Styled(word))
		}
		if got := string(terminal.Fill(c.width, c.indent, c.end, words...)); got != c.want {
			t.Errorf("%s: Fill = %q, want %q", name, got, c.want)
		}
	}
}

// Whatever is printed, no line is wider than the terminal, and nothing but white
// space is lost.
func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	t.Parallel()
	withoutSpace := func(text string) string { return strings.Join(strings.Fields(text), "") }
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(4, 100).Draw(t, "width")
		text := rapid.StringMatching(`( {0,8}([a-z×-]{1,30} {1,3}){0,8}\n?){0,3}`).Draw(t, "text")
		got := terminal.Wrap(text, width)
		for line := range strings.Lines(got) {
			if w := lipgloss.Width(strings.TrimRight(line, " \n")); w > width {
				t.Fatalf("Wrap(%q, %d) has the line %q, which is %d wide", text, width, line, w)
			}
		}
		if withoutSpace(got) != withoutSpace(text) {
			t.Fatalf("Wrap(%q, %d) = %q, want the same words", text, width, got)
		}
		if whole := terminal.Wrap(text, 0); whole != text {
			t.Fatalf("Wrap(%q, 0) = %q, want it as it is", text, whole)
		}
	})
}

// What goes on is indented as its line, so that it is seen to belong to it.
func TestWrapIndents(t *testing.T) {
	t.Parallel()
	const want = "  a bb\n    --ccc\n"
	if got := terminal.Wrap("  a bb --ccc\n", 9); got != want {
		t.Errorf("Wrap = %q, want %q", got, want)
	}
}

// A word that is too wide is broken beside the codes in it, never inside of one:
// the terminal would show the rest of it.
func TestWrapLeavesCodesWhole(t *testing.T) {
	t.Parallel()
	link := string(terminal.Link("http://127.0.0.1:4567/messages/msg_1", "abcdefghij"))
	got := terminal.Wrap(link, 8)
	if want := strings.Replace(link, "abcdefghij", "abcdef\n  ghij", 1); got != want {
		t.Errorf("Wrap(%q) = %q, want %q", link, got, want)
	}
}

// A command is the same on every width, but for the backslashes at which it goes on,
// and no flag loses its value to the next line.
func TestCommand(t *testing.T) {
	t.Parallel()
	const whole = "  clerksync dlq ls --stack mirror --queue-url https://sqs.example/1/q"
	for width := 30; width < 80; width++ {
		got := string(terminal.Command(width, "clerksync dlq ls --stack mirror", "--queue-url https://sqs.example/1/q"))
		if strings.ReplaceAll(got, " \\\n    ", " ") != whole {
			t.Errorf("Command on %d columns = %q, want %q with backslashes", width, got, whole)
		}
		for line := range strings.Lines(got) {
			words := strings.Fields(strings.TrimSuffix(strings.TrimSpace(line), `\`))
			if strings.HasPrefix(words[len(words)-1], "--") {
				t.Errorf("Command on %d columns parts a flag from its value: %q", width, got)
			}
		}
	}
}

// A word for a shell is what the shell reads.
func TestQuote(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "''", "msg_2b3C": "msg_2b3C", "http://127.0.0.1:4566": "http://127.0.0.1:4566",
		"a b": "'a b'", "$(id)": "'$(id)'", "it's": `'it'\''s'`, "a;b": "'a;b'", "é": "'é'", "~": "'~'",
	} {
		if got := terminal.Quote(in); got != want {
			t.Errorf("Quote(%q) = %s, want %s", in, got, want)
		}
	}
}

// Files and pipes have any width.
func TestWidthOfFiles(t *testing.T) {
	t.Parallel()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	term := terminal.New(t.Context(), nil, f, f)
	if term.Width() != 0 || term.NoteWidth() != 0 {
		t.Errorf("Width of a file = %d, %d, want 0: any", term.Width(), term.NoteWidth())
	}
}

// A locale in UTF-8 is found where POSIX looks for it, the strongest variable first.
func TestTakesMarks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  map[string]string
		want bool
	}{
		"none":           {},
		"LANG":           {env: map[string]string{"LANG": "en_US.UTF-8"}, want: true},
		"as macOS has":   {env: map[string]string{"LC_CTYPE": "UTF-8"}, want: true},
		"as Debian has":  {env: map[string]string{"LANG": "C.utf8"}, want: true},
		"Latin 1":        {env: map[string]string{"LANG": "de_DE.ISO-8859-1"}},
		"LC_ALL says no": {env: map[string]string{"LANG": "en_US.UTF-8", "LC_ALL": "C"}},
	} {
		if got := terminal.TakesMarks(func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%s: TakesMarks = %t, want %t", name, got, c.want)
		}
	}
}
