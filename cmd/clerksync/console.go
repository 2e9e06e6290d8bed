package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/order"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/doctor"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/settings"
)

// consoleCommand serves the console of a deployment. It looks with the rights of
// whoever starts it, and lends them to who has the printed URL.
func (p program) consoleCommand() *cli.Command {
	return &cli.Command{
		Name:  "console",
		Usage: "serve a page to watch a stack, its rows and its dead letters",
		Description: `The page of clerksync dev, over a deployment: rows, messages by the functions'
logs, dead letters, traffic and alarms, and the checks of doctor that send
nothing. It listens on this machine alone, and only the printed URL opens it: it
holds a token, and what it leads to is personal data.

It changes nothing, unless --write is given: then dead letters can be redriven
and dropped. It signs nothing, sends nothing, and reads no parameter of SSM. Logs
are read every 5 s while a page looks at them, which CloudWatch bills; dead
letters only on request, for whoever looks at them hides them from others.`,
		Flags: slices.Concat(tableFlags(), queueFlags(), stackFlags(), []cli.Flag{
			textOr(deployment.DefaultConsoleAddr, "addr", "serve the page at `HOST:PORT` of this machine"),
			toggle("write", "let the page redrive and drop dead letters"),
			toggle("open", "open the page in a browser"),
			toggle("json", "print one JSON object: event, console_url"),
		}),
		Action: p.console,
		Metadata: terminal.Examples(
			"clerksync console --stack clerksync-prod",
			"clerksync console --stack clerksync-prod --write --open",
			"clerksync console --endpoint-url http://127.0.0.1:4566    # tables of an emulator"),
	}
}

// console serves until Ctrl-C. The URL is what the command prints, so it is on
// stdout: whoever starts it elsewhere passes it on.
func (p program) console(ctx context.Context, c *cli.Command) error {
	if n := names(c); n.Local() && n.EndpointURL+p.getenv("AWS_ENDPOINT_URL") == "" {
		return terminal.Usagef("console needs a deployment: --stack, or tables, or --endpoint-url; " +
			"clerksync dev has a console of its own")
	}
	if err := console.CheckAddr(c.String("addr")); err != nil {
		return terminal.Usagef("--addr %q: %w", c.String("addr"), err)
	}
	storage, err := settings.ReadStorage(p.getenv)
	if err != nil {
		return fmt.Errorf("the environment: %w", err)
	}
	d, err := p.findDeployment(ctx, c)
	if err != nil {
		return err
	}
	stack := &console.Stack{Token: console.NewToken(), Region: d.AWS.Region, Examine: p.examine(c)}
	stack.Account, _ = d.Account(ctx) // an emulator has none, and the bar goes without
	s, err := console.Start(ctx, console.Options{
		Addr: c.String("addr"), AnyPort: !c.IsSet("addr"), Deployment: d, Stack: stack, Write: c.Bool("write"),
		Order: order.New(storage, order.PageLimit), Now: p.now,
	})
	if err != nil {
		return fmt.Errorf("start %w\nPort 0 means any free one: --addr 127.0.0.1:0", err)
	}
	defer s.Close() //nolint:contextcheck // it ends at once
	if c.Bool("json") {
		p.term.PrintJSON(consoleLine{Event: deployment.ReadyEvent, ConsoleURL: s.LoginURL()})
	} else {
		p.term.Print("%s", s.LoginURL())
		p.term.Note("This is the console of %s. Who has the URL sees personal data. Ctrl-C stops.", d)
	}
	if c.Bool("open") {
		p.term.OpenBrowser(s.LoginURL())
	}
	<-ctx.Done()
	return terminal.ErrInterrupted
}

// consoleLine is what console --json prints.
type consoleLine struct {
	Event      string `json:"event"` // always ready
	ConsoleURL string `json:"console_url"`
}

// examine runs doctor for the page: it sends nothing and reads no secret. The key of
// Clerk in this environment is the user's own affair, not the page's.
func (p program) examine(c *cli.Command) func(context.Context, func(doctor.Verdict)) error {
	getenv := func(name string) string {
		if name == "CLERK_SECRET_KEY" {
			return ""
		}
		return p.getenv(name)
	}
	return func(ctx context.Context, report func(doctor.Verdict)) error {
		err := doctor.Examine(ctx, doctor.Options{
			Names: names(c), Getenv: getenv, Now: p.now, NoSend: true, NoParameters: true,
		}, report)
		if errors.Is(err, terminal.ErrInterrupted) {
			return errors.New("the page was left before the checks were done")
		}
		return err //nolint:wrapcheck // it has no other error
	}
}
