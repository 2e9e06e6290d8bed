package terminal_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// run runs a small tree of commands and returns what an action saw.
func run(t *testing.T, args ...string) (seen []string, out string, err error) {
	t.Helper()
	term, stdout, words := newTerminal(t, strings.NewReader(""))
	see := func(c *cli.Command, args []string, err error) error {
		seen = append(slices.Clone(args), "on="+c.String("on"))
		return err
	}
	leaf := func(name string, action cli.ActionFunc) *cli.Command {
		return &cli.Command{
			Name: name, Usage: "try it", Action: action, Flags: []cli.Flag{&cli.StringFlag{Name: "on"}},
			Metadata: terminal.Examples("root " + name),
		}
	}
	root := &cli.Command{Name: "root", Metadata: terminal.Examples("root get"), Commands: []*cli.Command{
		leaf("send", func(_ context.Context, c *cli.Command) error { return see(c, terminal.Files(c), nil) }),
		leaf("none", func(_ context.Context, c *cli.Command) error { return see(c, nil, terminal.TakeNothing(c)) }),
		{Name: "get", Usage: "more", Metadata: terminal.Examples("root get user a"), Commands: []*cli.Command{
			leaf("user", func(_ context.Context, c *cli.Command) error {
				ids, err := terminal.IDs(c)
				return see(c, ids, err)
			}),
		}},
	}}
	err = term.Run(t.Context(), root, append([]string{"root"}, args...))
	if words.Len() > 0 {
		t.Errorf("%q says %q, want nothing before its error is reported", args, words.String())
	}
	return seen, stdout.String(), err
}

// Flags may stand before and behind arguments, and - is standard input wherever
// it stands.
func TestRun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{name: "flag behind", args: []string{"send", "a", "--on", "b"}, want: []string{"a", "on=b"}},
		{name: "dash between", args: []string{"send", "-", "a", "--on", "b"}, want: []string{"-", "a", "on=b"}},
		{name: "below another", args: []string{"get", "user", "a", "--on", "b"}, want: []string{"a", "on=b"}},
		{name: "nothing", args: []string{"none", "--on", "b"}, want: []string{"on=b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, out, err := run(t, tt.args...)
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil || out != "" {
				t.Errorf("%q = %v, prints %q, -want +got:\n%s", tt.args, err, out, diff)
			}
		})
	}
}

// What cannot be meant is a usage error. It does not repeat what may be a secret
// that was typed where a command belongs.
func TestRunRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string
		says string
	}{
		{name: "unknown command", args: []string{"whsec_x"}, says: "root has no such command; see root --help"},
		{name: "unknown command below", args: []string{"get", "whsec_x"}, says: "root get has no such command"},
		{name: "help for it", args: []string{"get", "whsec_x", "--help"}, says: "there is no such command"},
		{name: "no command below", args: []string{"get"}, says: "root get needs a command"},
		{name: "unknown flag", args: []string{"send", "--off"}, says: "-off; see root send --help"},
		{name: "an argument too many", args: []string{"none", "a"}, says: `none takes no arguments, but got "a"`},
		{name: "a flag behind a dash", args: []string{"get", "user", "-", "--on", "b"}, says: `"-" cannot be an id`},
		{name: "an id that is a flag", args: []string{"get", "user", "-1", "--on", "b"}, says: `"-1" cannot be an id`},
		{name: "an empty id", args: []string{"get", "user", ""}, says: `"" cannot be an id`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, out, err := run(t, tt.args...)
			var usage terminal.UsageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), tt.says) || out != "" {
				t.Errorf("%q = %v, prints %q, want a usage error with %q", tt.args, err, out, tt.says)
			}
			if strings.Contains(err.Error(), "whsec_") {
				t.Errorf("%q = %v, want no word of the secret", tt.args, err)
			}
		})
	}
}

// Every help is by our template, which ends in examples.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"get", "--help"}, {"get", "user", "-h"}, {"send", "--help"}} {
		_, out, err := run(t, args...)
		_, examples, found := strings.Cut(out, "\nEXAMPLES\n  root ")
		if err != nil || !found || strings.Contains(examples, "\n\n") {
			t.Errorf("%q = %v, prints %s, want help that ends in examples", args, err, out)
		}
	}
}

// A misspelt name is answered with the one that was meant.
func TestSuggest(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"user.craeted": ", did you mean user.created?", "deleted": ", did you mean user.deleted?", "help": "", "": "",
	} {
		if got := terminal.Suggest([]string{"user.created", "user.deleted"}, typed); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", typed, got, want)
		}
	}
}
