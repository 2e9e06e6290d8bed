package terminal

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// This file holds all that we do because of how urfave/cli works: its ways with
// help, with unknown commands, and with arguments that begin with a dash.

// Run runs the command line args, whose first element is the program's name, on
// the tree of commands below root.
func (t *Terminal) Run(ctx context.Context, root *cli.Command, args []string) error {
	t.prepare(root)
	err := root.Run(ctx, replaceDashes(args))
	// The library's one error with an exit status is that of `NAME --help` for a
	// name that is no command. Its text repeats the name, which may be a secret.
	var unknown cli.ExitCoder
	switch {
	case errors.As(err, &unknown):
		return Usagef("there is no such command; see %s --help", root.Name)
	case err != nil && ctx.Err() != nil:
		return ErrInterrupted
	}
	return err
}

// prepare gives a command and all below it the same streams, help and usage
// errors.
func (t *Terminal) prepare(c *cli.Command) {
	c.Reader, c.Writer, c.ErrWriter = t.input(), writer{t, t.out}, writer{t, t.err}
	c.ExitErrHandler = func(context.Context, *cli.Command, error) {} // the library would end the process
	c.OnUsageError = func(_ context.Context, c *cli.Command, err error, _ bool) error {
		text := describeFlagError(err)
		if len(c.Commands) > 0 && len(c.Flags) <= 2 { // --help and --version are all that it has
			text += " here: flags stand after the command"
		}
		return Usagef("%s; see %s --help", text, c.FullName())
	}
	c.CustomHelpTemplate, c.CustomRootCommandHelpTemplate, c.HideHelpCommand = helpTemplate, helpTemplate, true
	if c.Metadata == nil {
		c.Metadata = map[string]any{}
	}
	c.Metadata["help"] = help{t, c}
	run := c.Action
	c.Action = func(ctx context.Context, c *cli.Command) error {
		var problem string
		switch {
		case c.Args().Present() && len(c.Commands) > 0:
			problem = "has no such command"
		case c.Args().Present() && c.ArgsUsage == "":
			problem = "takes no arguments"
		case run == nil:
			problem = "needs a command"
		default:
			return run(ctx, c)
		}
		return Usagef("%s %s; see %s --help", c.FullName(), problem, c.FullName()) // an argument may be a secret
	}
	for _, below := range c.Commands {
		// A command whose commands are all hidden gets our template. For others the
		// library uses one that is set for the whole process.
		below.Hidden = true
		t.prepare(below)
	}
}

// describeFlagError says what is wrong with a flag as people write it, and in words
// that do not come from Go's packages: the library writes one dash, and passes on
// what strconv and time say.
func describeFlagError(err error) string {
	text := strings.Replace(err.Error(), "flag provided but not defined: -", "there is no flag --", 1)
	text = strings.Replace(text, "flag needs an argument: --", "a value is missing after --", 1)
	text = strings.Replace(text, " for flag -", " for --", 1)
	for begin, want := range map[string]string{
		": strconv.ParseInt":   "a whole number",
		": strconv.ParseFloat": "a number",
		": time: ":             "a duration such as 90s, 10m or 2h",
		": parsing time":       "a time such as 2026-03-07T11:40:00Z",
	} {
		if before, _, found := strings.Cut(text, begin); found {
			return before + ": want " + want
		}
	}
	return text
}

// ShowHelp prints the help of the command.
func ShowHelp(c *cli.Command) error { return cli.ShowRootCommandHelp(c) } //nolint:wrapcheck // it never fails

// Examples is the metadata of a command whose help ends in these lines.
func Examples(lines ...string) map[string]any { return map[string]any{"examples": lines} }

// ID returns the argument of a command that takes one id.
func ID(c *cli.Command) (string, error) {
	ids, err := IDs(c)
	if err == nil && len(ids) != 1 {
		err = Usagef("%s needs one argument: %s", c.FullName(), c.ArgsUsage)
	}
	return strings.Join(ids, ""), err
}

// IDs returns the arguments of a command that takes the names of things. None
// begins with a dash: after such an argument the library reads no flags, so
// that a flag would count as an id.
func IDs(c *cli.Command) ([]string, error) {
	for _, id := range c.Args().Slice() {
		if id == "" || strings.HasPrefix(id, "-") {
			return nil, Usagef("%s: %q cannot be an id; flags stand before it", c.FullName(), id)
		}
	}
	return c.Args().Slice(), nil
}

// dash stands for - among the arguments of send and sign: the library drops all
// that follows a -. No argument of a process can hold a NUL.
const dash = "\x00"

func replaceDashes(args []string) []string {
	if len(args) < 2 || args[1] != "send" && args[1] != "sign" {
		return args
	}
	args = slices.Clone(args)
	for i, a := range args {
		if a == "-" {
			args[i] = dash
		}
	}
	return args
}

// Files returns the arguments of send and sign: names, or - for standard input.
func Files(c *cli.Command) []string {
	files := c.Args().Slice()
	for i, name := range files {
		if name == dash {
			files[i] = "-"
		}
	}
	return files
}

// Suggest returns ", did you mean NAME?" for the name that comes closest to one
// that was typed, or nothing.
func Suggest(names []string, typed string) string {
	commands := make([]*cli.Command, len(names))
	for i, name := range names {
		commands[i] = &cli.Command{Name: name}
	}
	nearest := cli.SuggestCommand(commands, typed)
	// The library adds help, and finds something close to anything. A slip is hardly
	// ever in the first letter.
	if !slices.Contains(names, nearest) || typed == "" || !strings.EqualFold(nearest[:1], typed[:1]) {
		return ""
	}
	return ", did you mean " + nearest + "?"
}
