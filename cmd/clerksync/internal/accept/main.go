// Command accept tries on a deployed stack what only AWS can prove: what emulators leave out, or do in their own way.
// It says pass, fail or "not tried" with the reason for each, and puts back what it changed.
//
//	go run ./cmd/clerksync/internal/accept --stack clerksync-dev    # make accept STACK=clerksync-dev
//
// What it tries is listed in checks (trial.go). The queues are in queue.go, the functions in function.go, metrics, logs
// and alarms in watch.go, and the backup in restore.go. It is no command of clerksync, because it is needed once in an
// account, and has rights that nobody who operates the stack needs.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	term := terminal.New(ctx, os.Stdin, os.Stdout, os.Stderr)
	status := term.Report(term.Run(ctx, command(term, os.Getenv), os.Args))
	stop()
	os.Exit(status)
}

// command is the command line. The stack is all that must be said: the rest is read from its outputs.
func command(term *terminal.Terminal, getenv func(string) string) *cli.Command {
	return &cli.Command{
		Name:  "accept",
		Usage: "try on a stack in AWS what only AWS can prove",
		Description: `It takes about half an hour and some cents, and needs the rights of an
administrator. The stack should have no traffic: for some minutes its queue gives
up a message after one receive, its functions are traced, and an alarm is set off.
All that is put back at the end, after Ctrl-C too. The exit status is 1 if
something failed; what was not tried does not count.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "stack", Required: true, Usage: "`NAME` of the stack"},
			&cli.DurationFlag{
				Name: "wait", Value: 10 * time.Minute,
				Usage: "wait `DURATION` at most for each thing that AWS does later",
			},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			names := deployment.Names{Stack: c.String("stack")}
			return run(ctx, term, getenv, names, c.Duration("wait"))
		},
		Metadata: terminal.Examples("accept --stack clerksync-dev"),
	}
}

// run tries everything and prints each verdict as soon as it is known.
func run(
	ctx context.Context, term *terminal.Terminal, getenv func(string) string,
	names deployment.Names, wait time.Duration,
) error {
	t, err := newTrial(ctx, getenv, names, wait)
	if err != nil {
		return err
	}
	term.Note("Trying stack %s, %s.", names.Stack, t.deployment)
	styles := map[result]terminal.Style{passes: terminal.Good, fails: terminal.Bad, untried: terminal.Dim}
	tally := t.runAll(ctx, t.checks(), func(name string, v verdict) {
		term.Print("%s  %-15s  %s", styles[v.result](pad(v.result)), name, v.detail)
	})
	term.Note("%d passed, %d failed, %d not tried, in %s.",
		tally[passes], tally[fails], tally[untried], time.Since(t.began).Round(time.Second))
	switch {
	case ctx.Err() != nil: // what failed then failed because of it
		return terminal.ErrInterrupted
	case tally[fails] > 0:
		return terminal.ErrReported
	}
	return nil
}
