package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/status"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// statusCommand prints numbers, as a dashboard does. They come from the metrics
// where there are some, which costs a cent per thousand series, else from the
// tables.
func (p program) statusCommand() *cli.Command {
	return &cli.Command{
		Name:  "status",
		Usage: "what goes through a stack and what its tables hold, on one screen",
		Description: `Of a stack it reads the metrics; where there are none, as of clerksync dev, it
reads the Deliveries table (the first 20 MB), which knows no rejected and no
failed message. Rows are counted by reading the Directory table where that is
small (100,000 rows), or with --count, at the price of reading it whole; else the
number is DynamoDB's own, up to six hours old. Depths of queues are approximate,
as SQS has them.

Where CLERK_SECRET_KEY is set, and is of the instance whose rows these are, the
rows stand beside Clerk's own counts; clerksync diff says which ones differ.

The exit status is 0 where all could be read: status reports, doctor judges.

With --watch it goes on until Ctrl-C: a terminal is drawn anew every 2 s, a pipe
gets a line for each change. Of a stack it looks once a minute, for CloudWatch
bills each look and has whole minutes, and counts the rows at the start alone.`,
		Flags: placeFlags(
			toggle("watch", "go on, and show what changes"),
			toggle("count", "count the rows whatever that costs"),
			toggle("json", "print one JSON object")),
		Action: p.status,
		Metadata: terminal.Examples(
			"clerksync status --stack clerksync",
			"clerksync status --json | jq .last_applied_at",
			"clerksync status --watch",
			"clerksync status                # of clerksync dev"),
	}
}

// status prints the report, and before it why the metrics of a stack were not
// used.
func (p program) status(ctx context.Context, c *cli.Command) error {
	d, err := p.findDeployment(ctx, c)
	if err != nil {
		return err
	}
	if err := d.FindAll(ctx); err != nil {
		return err
	}
	r, note, err := status.Collect(ctx, d, p.now(), c.Bool("count"))
	// The note comes first: an error below may have the same cause.
	if note != nil {
		p.term.Note("%s %v", terminal.Warn("note:"), note)
	}
	if err != nil {
		return err
	}
	// What the tables say is printed, whatever Clerk answers.
	var clerkErr error
	if p.getenv("CLERK_SECRET_KEY") != "" {
		clerkErr = p.countClerk(ctx, c, d, &r)
	}
	if c.Bool("watch") {
		if clerkErr != nil {
			return clerkErr
		}
		return p.watchStatus(ctx, d, r, c.Bool("json"))
	}
	if c.Bool("json") {
		p.term.PrintJSON(r)
		return clerkErr
	}
	r.Show(p.term, p.now(), d.Names)
	return clerkErr
}

// How often a watch looks.
const (
	watchEvery      = 2 * time.Second
	watchStackEvery = time.Minute
)

// watchStatus shows the report, and again what has changed, until Ctrl-C or until
// nobody reads it. What cannot be read for a while is said and tried again: it is
// what a watch is there for.
func (p program) watchStatus(ctx context.Context, d *deployment.Deployment, r status.Report, asJSON bool) error {
	every := watchEvery
	if d.Stack != nil {
		every = watchStackEvery
	}
	shown, failed := "", ""
	for {
		switch line := r.Line(); {
		case failed != "":
		case !asJSON && p.term.IsTerminal():
			p.term.Clear()
			r.Show(p.term, p.now(), d.Names)
			p.term.Print("\n%s", terminal.Dim("every "+terminal.FormatDuration(every)+"; Ctrl-C stops"))
		case line == shown:
		case asJSON:
			p.term.PrintJSON(r)
		default:
			p.term.Print("%s  %s", p.now().Format(time.TimeOnly), line)
		}
		if shown = r.Line(); failed != "" {
			shown = failed
		}
		select {
		case <-ctx.Done():
			return terminal.ErrInterrupted
		case <-p.term.Lost():
			return terminal.ErrReported
		case <-time.After(every):
		}
		next, _, err := status.Update(ctx, d, p.now(), r)
		switch {
		case ctx.Err() != nil:
			return terminal.ErrInterrupted
		case err == nil:
			r, failed = next, ""
		case err.Error() != failed:
			failed = err.Error()
			p.term.Note("%s %v", terminal.Warn("note:"), err)
		}
	}
}

// countClerk refuses a key of another instance: its numbers would be no match.
func (p program) countClerk(ctx context.Context, c *cli.Command, d *deployment.Deployment, r *status.Report) error {
	instance, err := p.openClerkFor(ctx, c, d)
	if err != nil {
		return err
	}
	return r.CountClerk(ctx, instance) //nolint:wrapcheck // it names the kind
}
