package terminal

import (
	"cmp"
	"io"
	"os"
	"strings"
	"unicode"

	"charm.land/lipgloss/v2"
	"golang.org/x/term"
)

// usualWidth is that of a terminal which does not say how wide it is.
const usualWidth = 80

// Width is how many columns a line on stdout has, 0 for any number: files and
// programs take lines as they are.
func (t *Terminal) Width() int { return columns(t.out) }

// NoteWidth is Width for stderr.
func (t *Terminal) NoteWidth() int { return columns(t.err) }

func columns(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		return width // asked each time: a window may change
	}
	return usualWidth
}

// TakesMarks says whether the environment's locale is one in UTF-8: then a terminal
// shows a mark beside a word, and elsewhere it may show something else.
// https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html#tag_08_02
func TakesMarks(getenv func(string) string) bool {
	locale := strings.ToLower(cmp.Or(getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG")))
	return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
}

// Fill puts the words on lines of at most that many columns, 0 for any number.
// Where a line goes on, it ends in end, such as a backslash, and the next begins
// with the indent. A word is never broken.
func Fill(width, indent int, end string, words ...Styled) Styled {
	var b strings.Builder
	used := 0
	for i, word := range words {
		w := lipgloss.Width(string(word))
		switch {
		case i == 0:
		case width > 0 && used+1+w+lipgloss.Width(end) > width:
			b.WriteString(end + "\n" + strings.Repeat(" ", indent))
			used = indent
		default:
			b.WriteString(" ")
			used++
		}
		b.WriteString(string(word))
		used += w
	}
	return Styled(b.String())
}

// Command is a command to copy, indented by two. Where it is longer than a line it
// goes on after a backslash, so that it works as it is printed. It does so between
// the words and before a flag in them, not between a flag and its value. Nothing is
// quoted here.
func Command(width int, words ...string) Styled {
	var styled []Styled
	for _, word := range words {
		for part := range strings.SplitSeq(strings.ReplaceAll(word, " --", "\n--"), "\n") {
			styled = append(styled, Plain(part))
		}
	}
	styled[0] = "  " + styled[0]
	return Fill(width, 4, ` \`, styled...)
}

// Quote is a text as one word of a shell's command line.
func Quote(text string) string {
	plain := func(r rune) bool {
		return r < unicode.MaxASCII &&
			(unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_./:@%+=,", r))
	}
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// The characters that end our escape codes: those of colours and weights, and
// those of links, which begin with a bracket.
const (
	endOfStyle = 'm'
	endOfLink  = '\a'
)

// breakWord breaks a word that no line has room for after that many columns. The
// library's own function breaks at hyphens, too, which would split flags, and
// makes lines with hyphens too wide.
func breakWord(word string, width, indent int) string {
	var b strings.Builder
	used := 0
	var code rune // the last character of the escape code that r is in, 0 outside
	for _, r := range word {
		w := 0
		switch {
		case r == '\x1b':
			code = endOfStyle
		case code == endOfStyle && r == ']':
			code = endOfLink
		case code == 0:
			w = lipgloss.Width(string(r))
		}
		if used+w > width {
			b.WriteString("\n" + strings.Repeat(" ", indent))
			used = 0
		}
		b.WriteRune(r)
		used += w
		if r == code {
			code = 0
		}
	}
	return b.String()
}

// wrap breaks what is still wider than the terminal, between words where it can.
// What goes on is indented as the line is, and by two more.
func wrap(text string, width int) string {
	if width == 0 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if lipgloss.Width(line) <= width {
			continue
		}
		body := strings.TrimLeft(line, " ")
		indent := max(0, min(len(line)-len(body), width/2-2))
		hang := min(indent+2, width-2)
		var words []Styled
		for _, word := range strings.Split(body, " ") {
			words = append(words, Styled(breakWord(word, width-hang, hang)))
		}
		words[0] = Styled(strings.Repeat(" ", indent)) + words[0]
		lines[i] = string(Fill(width, hang, "", words...))
	}
	return strings.Join(lines, "\n")
}
