// Clerksync is the command that runs, feeds and looks into clerksync: the
// whole pipeline on a laptop, sample events, and the rows in the tables.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/aws/smithy-go"
	"github.com/urfave/cli/v3"
)

// Exit statuses.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	useTemplate()
	e := env{in: os.Stdin, out: os.Stdout, err: os.Stderr, get: os.Getenv, now: time.Now}
	os.Exit(e.run(os.Args))
}

// env is what a command takes from and gives to the world.
type env struct {
	in       io.Reader
	out, err io.Writer // data; words for people
	get      func(string) string
	now      func() time.Time
}

// usageError is a call that cannot be meant.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, a ...any) error { return usageError{fmt.Errorf(format, a...)} }

// errSaid says that a command failed and has said why.
var errSaid = errors.New("failed")

// errInterrupted says that Ctrl-C ended the command.
var errInterrupted = errors.New("interrupted")

func (e env) run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e.in = input{e.in, ctx.Done()}
	err := e.app().Run(ctx, withDashes(args))
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		fmt.Fprintf(e.err, "clerksync: %v\n", err)
		return exitUsage
	case strings.HasPrefix(err.Error(), "No help topic for "): // the library's own, and it repeats what may be a secret
		fmt.Fprintln(e.err, "clerksync: there is no such command; see clerksync --help")
		return exitUsage
	case errors.Is(err, errInterrupted), ctx.Err() != nil:
		return exitInterrupted
	case errors.Is(err, errSaid):
		return exitFailed
	}
	fmt.Fprintf(e.err, "clerksync: %s\n", inShort(err))
	return exitFailed
}

// inShort is an error's text. Where nobody could be reached the SDK's words about
// attempts and statuses are left out.
func inShort(err error) string {
	var call *smithy.OperationError
	var unreached *net.OpError
	if errors.As(err, &call) && errors.As(call, &unreached) {
		return strings.Replace(err.Error(), call.Error(), unreached.Error(), 1)
	}
	return err.Error()
}

func (e env) app() *cli.Command {
	build, _ := debug.ReadBuildInfo()
	root := &cli.Command{
		Name: "clerksync", Version: newBuildVersion(build).Version,
		Usage: "Clerk users and organizations in your own DynamoDB table",
		Commands: []*cli.Command{
			e.devCommand(), e.sendCommand(), e.getCommand(), e.dlqCommand(), e.secretCommand(), e.signCommand(),
			e.statusCommand(), e.doctorCommand(), e.versionCommand(),
		},
		Suggest: true,
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return usagef("unknown command %q; see clerksync --help", c.Args().First())
			}
			return cli.ShowRootCommandHelp(c)
		},
		Metadata: examples("clerksync dev --demo", "clerksync send user.created", "clerksync get user ada@example.com"),
	}
	e.prepare(root)
	return root
}

// prepare gives every command the same streams, help and usage errors.
func (e env) prepare(c *cli.Command) {
	c.Reader, c.Writer, c.ErrWriter = e.in, e.out, e.err
	c.ExitErrHandler = func(context.Context, *cli.Command, error) {}
	c.OnUsageError = func(_ context.Context, c *cli.Command, err error, _ bool) error {
		return usagef("%w; see %s --help", err, c.FullName())
	}
	c.CustomHelpTemplate = helpTemplate
	c.CustomRootCommandHelpTemplate = helpTemplate
	c.HideHelpCommand = true
	if len(c.Commands) > 0 && c.Action == nil {
		c.Action = func(_ context.Context, c *cli.Command) error {
			if c.Args().Present() { // not repeated: it may be a secret
				return usagef("%s has no such command; see %s --help", c.FullName(), c.FullName())
			}
			return usagef("%s needs a command; see %s --help", c.FullName(), c.FullName())
		}
	}
	for _, sub := range c.Commands {
		e.prepare(sub)
	}
}

// useTemplate is for commands that have commands below them: the library takes
// their template from its own variable alone.
func useTemplate() { cli.SubcommandHelpTemplate = helpTemplate }

// helpTemplate ends in examples.
const helpTemplate = `{{.FullName}} - {{.Usage}}

USAGE
  {{if .UsageText}}{{.UsageText}}{{else}}{{.FullName}}{{if .VisibleCommands}} COMMAND{{end}}{{if .ArgsUsage}} {{.ArgsUsage}}{{end}}{{if .VisibleFlags}} [flags]{{end}}{{end}}
{{if .Description}}
{{.Description}}
{{end}}{{if .VisibleCommands}}
COMMANDS{{range .VisibleCommands}}
  {{printf "%-12s" .Name}} {{.Usage}}{{end}}
{{end}}{{if .VisibleFlags}}
FLAGS{{range .VisibleFlags}}
  {{.}}{{end}}
{{end}}
EXAMPLES{{range index .Metadata "examples"}}
  {{.}}{{end}}
`

func examples(lines ...string) map[string]any { return map[string]any{"examples": lines} }
