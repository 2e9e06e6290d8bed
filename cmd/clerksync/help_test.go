package main_test

import (
	"bytes"
	"strings"
	"testing"

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

// TestExamples runs no example, but takes each apart: its commands are there,
// and so are its flags.
func TestExamples(t *testing.T) {
	t.Parallel()
	app := main.Commands()
	for name, path := range commands(app, []string{"clerksync"}) {
		c := find(app, path[1:])
		lines, _ := c.Metadata["examples"].([]string)
		for _, line := range lines {
			line, _, _ = strings.Cut(line, "  #")
			for part := range strings.SplitSeq(line, "|") {
				for call := range strings.SplitSeq(part, "&&") {
					words := strings.Fields(call)
					if len(words) == 0 || words[0] != "clerksync" {
						continue
					}
					if bad := unknown(app, words[1:]); bad != "" {
						t.Errorf("example of %s: %q: there is no %s", name, line, bad)
					}
				}
			}
		}
	}
}

func find(c *cli.Command, path []string) *cli.Command {
	for _, name := range path {
		c = c.Command(name)
	}
	return c
}

// unknown is the first command or flag of a call that is not there.
func unknown(c *cli.Command, words []string) string {
	for len(words) > 0 && c.Command(words[0]) != nil {
		c, words = c.Command(words[0]), words[1:]
	}
	if len(c.Commands) > 0 && len(words) > 0 && !strings.HasPrefix(words[0], "-") {
		return "command " + words[0]
	}
	for _, w := range words {
		if name, ok := strings.CutPrefix(w, "--"); ok && !has(c, name) {
			return "flag " + w
		}
	}
	return ""
}

func has(c *cli.Command, flag string) bool {
	for _, f := range c.Flags {
		for _, name := range f.Names() {
			if name == flag {
				return true
			}
		}
	}
	return false
}
