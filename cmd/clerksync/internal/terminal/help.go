package terminal

import (
	"regexp"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/urfave/cli/v3"
)

const (
	helpWidth  = 80 // at most, and where no terminal says its own
	flagIndent = 27 // column at which it says what a flag does
)

// helpTemplate leaves all to help: the library's templates cannot break lines.
const helpTemplate = `{{index .Metadata "help"}}`

// help is the help of a command. It is made when it is printed, for then the library
// has added its own flags, and the terminal has its width.
type help struct {
	t *Terminal
	c *cli.Command
}

// String ends in examples.
func (h help) String() string {
	width := helpWidth
	if w := h.t.Width(); w > 0 {
		width = min(w, helpWidth)
	}
	c := h.c
	var b strings.Builder
	b.WriteString(wrap(c.FullName()+" - "+c.Usage, width) + "\n")
	b.WriteString("\nUSAGE\n")
	for usage := range strings.SplitSeq(usageOf(c), "\n") {
		b.WriteString(wrap("  "+strings.TrimSpace(usage), width) + "\n")
	}
	b.WriteString("\n")
	if c.Description != "" {
		b.WriteString(paragraphs(width, c.Description) + "\n\n")
	}
	if len(c.Commands) > 0 {
		b.WriteString("COMMANDS\n")
		for _, below := range c.Commands {
			const column = 15
			b.WriteString(hang(width, column, pad("  "+below.Name, column)+below.Usage) + "\n")
		}
		b.WriteString("\n")
	}
	if flags := c.VisibleFlags(); len(flags) > 0 {
		b.WriteString("FLAGS\n")
		for _, f := range flags {
			b.WriteString(flagHelp(width, f) + "\n")
		}
		b.WriteString("\n")
	}
	b.WriteString("EXAMPLES\n")
	lines, _ := c.Metadata["examples"].([]string)
	for _, example := range lines {
		b.WriteString(exampleHelp(width, example) + "\n")
	}
	return b.String()
}

func usageOf(c *cli.Command) string {
	if c.UsageText != "" {
		return c.UsageText
	}
	usage := c.FullName()
	if len(c.Commands) > 0 {
		usage += " COMMAND"
	}
	if c.ArgsUsage != "" {
		usage += " " + c.ArgsUsage
	}
	if len(c.VisibleFlags()) > 0 {
		usage += " [flags]"
	}
	return usage
}

// flagHelp is a flag beside what it does, or above that where its name is long.
func flagHelp(width int, f cli.Flag) string {
	name, usage, _ := strings.Cut(f.String(), "\t")
	name, _, _ = strings.Cut(strings.TrimSpace(name), " [ ") // of one that can be repeated, which its usage says
	if name = "  " + name; len(name)+2 > flagIndent {
		return name + "\n" + hang(width, flagIndent, pad("", flagIndent)+usage)
	}
	return hang(width, flagIndent, pad(name, flagIndent)+usage)
}

// exampleHelp is a line to copy, with what is said of it behind it or, where there is
// no room, above it. A command that is longer than a line goes on after a backslash.
func exampleHelp(width int, example string) string {
	if lipgloss.Width(example)+2 <= width {
		return "  " + example
	}
	command, comment, _ := strings.Cut(example, "  #")
	lines := string(Command(width, strings.TrimRight(command, " ")))
	if comment == "" {
		return lines
	}
	words := []Styled{"  #"}
	for word := range strings.FieldsSeq(comment) {
		words = append(words, Styled(word))
	}
	return strings.ReplaceAll(string(Fill(width, 2, "", words...)), "\n  ", "\n  # ") + "\n" + lines
}

// inColumns is the beginning of a line of a list: a name and a gap.
var inColumns = regexp.MustCompile(`^ +\S+ {2,}`)

// paragraphs breaks a description anew, whose lines are broken for 80 columns.
// Indented lines are lists and stay lines.
func paragraphs(width int, text string) string {
	var lines []string
	inParagraph := false
	for line := range strings.SplitSeq(text, "\n") {
		isText := line != "" && line[0] != ' '
		if isText && inParagraph {
			lines[len(lines)-1] += " " + line
		} else {
			lines = append(lines, line)
		}
		inParagraph = isText
	}
	for i, line := range lines {
		lines[i] = hang(width, len(inColumns.FindString(line)), line)
	}
	return strings.Join(lines, "\n")
}

// hang breaks a line that is too wide, and lets what goes on begin at the column, at
// which the line's own words begin.
func hang(width, column int, line string) string {
	if lipgloss.Width(line) <= width || column > width/2 {
		return wrap(line, width)
	}
	var words []Styled
	for word := range strings.FieldsSeq(line[column:]) {
		words = append(words, Styled(breakWord(word, width-column, column)))
	}
	words[0] = Styled(line[:column]) + words[0]
	return string(Fill(width, column, "", words...))
}

func pad(text string, width int) string { return text + strings.Repeat(" ", max(0, width-len(text))) }
