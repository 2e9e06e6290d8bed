// Clerksync is the command that runs, feeds and looks into clerksync: the
// whole pipeline on a laptop, sample events, and the rows in the tables.
//
// Each command has a file: its flags and help, one call, and how the result is
// printed. What the call does stands in packages below internal. Flags that
// several commands share are in flags.go.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// main and exitAtSecondSignal alone end the process. A first Ctrl-C or SIGTERM ends
// the context instead: each command stops in its own way, dev after what is in
// flight.
func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, exitAtSecondSignal)
	term := terminal.New(ctx, os.Stdin, os.Stdout, os.Stderr)
	status := term.Report(program{term, os.Getenv, time.Now}.run(ctx, os.Args))
	stop()
	os.Exit(status)
}

// exitAtSecondSignal is for whoever does not want to wait for what is in flight.
// The queue of dev ends with the process, so what is lost is what it still held.
func exitAtSecondSignal() {
	again := make(chan os.Signal, 1)
	signal.Notify(again, os.Interrupt, syscall.SIGTERM)
	<-again
	os.Exit(terminal.ExitInterrupted)
}

// program is what every command takes from the process around it. Nothing below
// reads the environment or the clock by itself.
type program struct {
	term   *terminal.Terminal
	getenv func(string) string
	now    func() time.Time
}

// run runs the command line args, whose first element is the program's name.
func (p program) run(ctx context.Context, args []string) error {
	return p.term.Run(ctx, p.commands(), args)
}

// commands returns the root of the tree of commands, in the order in which a new
// user meets them. Without a command the root prints its help.
func (p program) commands() *cli.Command {
	build, _ := debug.ReadBuildInfo()
	return &cli.Command{
		Name:    "clerksync",
		Version: newBuildVersion(build).Version,
		Usage:   "Clerk users and organizations in your own DynamoDB table",
		Commands: []*cli.Command{
			p.devCommand(), p.sendCommand(), p.getCommand(), p.dlqCommand(), p.secretCommand(), p.signCommand(),
			p.statusCommand(), p.consoleCommand(), p.doctorCommand(), p.scrubCommand(), p.connectCommand(),
			p.backfillCommand(), p.diffCommand(), p.versionCommand(),
		},
		Action: func(_ context.Context, c *cli.Command) error { return terminal.ShowHelp(c) },
		Metadata: terminal.Examples(
			"clerksync dev --demo",
			"clerksync send user.created",
			"clerksync get user ada@example.com"),
	}
}
