package main_test

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/urfave/cli/v3"

	main "github.com/clerksync/clerksync/cmd/clerksync"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// commands are all, with the words that lead to each.
func commands(c *cli.Command, path []string) map[string][]string {
	all := map[string][]string{strings.Join(path, " "): path}
	for _, sub := range c.Commands {
		for name, p := range commands(sub, append(path[:len(path):len(path)], sub.Name)) {
			all[name] = p
		}
	}
	return all
}

// TestHelp walks every command: its help says how it is used and ends in
// examples, which begin with the command itself or feed it.
func TestHelp(t *testing.T) {
	t.Parallel()
	for name, path := range commands(main.Commands(), []string{"clerksync"}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, words bytes.Buffer
			if got := main.Run(t.Context(), &out, &words, append(path, "--help")); got != terminal.ExitDone {
				t.Errorf("%s --help exits %d, want 0", name, got)
			}
			if words.Len() > 0 {
				t.Errorf("%s --help says %q on stderr, want nothing", name, words.String())
			}
			if !strings.HasPrefix(out.String(), name+" - ") || !strings.Contains(out.String(), "\nUSAGE\n  "+name) {
				t.Errorf("%s --help = %s, want name and usage first", name, out.String())
			}
			_, examples, ok := strings.Cut(out.String(), "\nEXAMPLES\n")
			if lines := strings.Split(strings.TrimSpace(examples), "\n"); !ok || lines[0] == "" {
				t.Fatalf("%s --help = %s, want it to end in examples", name, out.String())
			}
			if !strings.Contains(examples, name) {
				t.Errorf("examples of %s = %s, want one of the command", name, examples)
			}
			for line := range strings.Lines(examples) {
				if !strings.HasPrefix(line, "  ") {
					t.Errorf("%s --help goes on after its examples: %q", name, line)
				}
			}
		})
	}
}

// TestHelpFits wants no line of any help to be wider than 80 columns, and an example
// that goes on after a backslash to be the example that was written.
func TestHelpFits(t *testing.T) {
	t.Parallel()
	root := main.Commands()
	for name, path := range commands(root, []string{"clerksync"}) {
		var out bytes.Buffer
		main.Run(t.Context(), &out, io.Discard, append(path, "--help"))
		for line := range strings.Lines(out.String()) {
			if w := lipgloss.Width(strings.TrimRight(line, "\n")); w > 80 {
				t.Errorf("%s --help has a line of %d columns: %s", name, w, line)
			}
		}
		_, examples, _ := strings.Cut(strings.ReplaceAll(out.String(), " \\\n    ", " "), "\nEXAMPLES\n")
		c, _ := find(root, path[1:])
		lines, _ := c.Metadata["examples"].([]string)
		for _, line := range lines {
			command, comment, _ := strings.Cut(line, "  #")
			if !strings.Contains(examples, "  "+strings.TrimRight(command, " ")) {
				t.Errorf("%s --help = %s, want the example %q whole", name, examples, command)
			}
			spoken := strings.ReplaceAll(examples, "\n  # ", " ")
			if !strings.Contains(spoken, strings.TrimSpace(comment)) {
				t.Errorf("%s --help = %s, want what is said of the example: %q", name, examples, comment)
			}
		}
	}
}

// A flag that says its default in words does not say the library's, too.
func TestHelpSaysDefaultsOnce(t *testing.T) {
	t.Parallel()
	for name, path := range commands(main.Commands(), []string{"clerksync"}) {
		var out bytes.Buffer
		main.Run(t.Context(), &out, io.Discard, append(path, "--help"))
		words := strings.Join(strings.Fields(out.String()), " ")
		if twice := regexp.MustCompile(`\(default: [^)]*\) \(default: [^)]*\)`).FindString(words); twice != "" {
			t.Errorf("%s --help says %q", name, twice)
		}
	}
}

// TestExamples runs no example, but takes each apart: its commands are there,
// and so are its flags.
func TestExamples(t *testing.T) {
	t.Parallel()
	root := main.Commands()
	for name, path := range commands(root, []string{"clerksync"}) {
		c, _ := find(root, path[1:])
		lines, _ := c.Metadata["examples"].([]string)
		for _, line := range lines {
			line, _, _ := strings.Cut(line, "  #")
			for _, call := range regexp.MustCompile(`\||&&`).Split(line, -1) {
				words := strings.Fields(call)
				if len(words) == 0 || words[0] != "clerksync" {
					continue
				}
				c, rest := find(root, words[1:])
				if len(c.Commands) > 0 && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
					t.Errorf("example of %s: %q: there is no command %s", name, line, rest[0])
				}
				for _, w := range rest {
					if flag, isFlag := strings.CutPrefix(w, "--"); isFlag && !has(c, flag) {
						t.Errorf("example of %s: %q: there is no flag %s", name, line, w)
					}
				}
			}
		}
	}
}

// find follows the words down as long as they are commands.
func find(c *cli.Command, words []string) (_ *cli.Command, rest []string) {
	for len(words) > 0 && c.Command(words[0]) != nil {
		c, words = c.Command(words[0]), words[1:]
	}
	return c, words
}

func has(c *cli.Command, flag string) bool {
	return slices.ContainsFunc(c.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), flag) })
}
