package main

import (
	"context"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/settings"
)

// backfillCommand is for users that were there before the first webhook, and for
// what webhooks have lost.
func (p program) backfillCommand() *cli.Command {
	flags := append(append(tableFlags(), stackFlags()...), kindFlag(), rateFlag(),
		text("state", "keep in `FILE` what is done, so that the same command goes on from there"),
		toggle("dry-run", "say what would be written and write nothing"),
		toggle("json", "print one JSON object a line, the last one with all counts"))
	return &cli.Command{
		Name:  "backfill",
		Usage: "bring the users and organizations that Clerk has into the tables",
		Description: `Events tell of changes alone. This reads all that Clerk's API lists and writes the
rows that are missing or differ, in one order with the events: it may run while
they come in, and again. What is there already is read and not written.

Clerk's secret key is asked for, or in CLERK_SECRET_KEY; it must be of the instance
whose events the tables hold. CLERK_API_URL is another address of Clerk's API. With
--stack the settings are those of the deployed functions, else those of the
environment.

It deletes nothing: what Clerk no longer has stays.`,
		Flags: flags, Action: p.backfill,
		Metadata: terminal.Examples(
			"clerksync backfill --stack clerksync --state backfill.json",
			"clerksync backfill --stack clerksync --dry-run",
			"clerksync backfill --stack clerksync --kind role"),
	}
}

// kindFlag is for commands that read Clerk kind by kind.
func kindFlag() cli.Flag {
	return text("kind", "read these `KINDS` alone, with commas between them: "+strings.Join(backfill.Kinds(), ", "))
}

// kinds are those that the flag names, nil for all.
func kinds(c *cli.Command) ([]string, error) {
	if !c.IsSet("kind") {
		return nil, nil
	}
	list := strings.FieldsFunc(c.String("kind"), func(r rune) bool { return r == ',' || r == ' ' })
	for _, kind := range list {
		if !slices.Contains(backfill.Kinds(), kind) {
			return nil, terminal.Usagef("--kind: there are %s", strings.Join(backfill.Kinds(), ", "))
		}
	}
	if len(list) == 0 {
		return nil, terminal.Usagef("--kind names no kind")
	}
	return list, nil
}

func (p program) backfill(ctx context.Context, c *cli.Command) error {
	only, err := kinds(c)
	if err != nil {
		return err
	}
	if c.Bool("dry-run") && c.String("state") != "" {
		return terminal.Usagef("--dry-run does nothing that --state could keep")
	}
	d, storage, clerk, err := p.openPair(ctx, c)
	if err != nil {
		return err
	}
	return p.backfillFrom(ctx, c, d, clerk, storage, only)
}

// backfillFrom reads these kinds of the instance, all for nil, into the tables.
func (p program) backfillFrom(
	ctx context.Context, c *cli.Command, d *deployment.Deployment, clerk clerkInstance, storage settings.Storage,
	only []string,
) (err error) {
	state := backfill.NewState()
	if path := c.String("state"); path != "" {
		if state, err = backfill.OpenState(path, clerk.ID, d.DirectoryTable); err != nil {
			return err //nolint:wrapcheck // it names the file
		}
	}
	p.notePair(d, storage, clerk)
	b := &backfill.Backfill{Client: clerk.Client, Writer: d.NewWriter(storage, clerk.ID), Kinds: only, State: state}
	b.Writer.DryRun = c.Bool("dry-run")
	return p.runBackfill(ctx, c, b)
}

// runBackfill shows how far it is, and at the end what became of each kind.
// Where it ends early it says how to go on.
func (p program) runBackfill(ctx context.Context, c *cli.Command, b *backfill.Backfill) error {
	progress := p.term.NewProgress(ctx)
	b.OnPage = func(kind string, n backfill.Counts, total int64) { progress.Show(kind, int64(n.Read), total) }
	b.OnFailure = func(f backfill.Failure) {
		p.term.Note("%s %s of kind %s can have no row: %s", terminal.Bad("failed:"), f.ID, f.Kind, f.Err)
		if c.Bool("json") {
			p.term.PrintJSON(failureLine{Event: "failed", Kind: f.Kind, ID: f.ID, Reason: f.Err.Error()})
		}
	}
	counts, err := b.Run(ctx)
	progress.Stop()
	if err != nil {
		p.printCounts(counts, p.term.Note)
		p.sayHowToGoOn(c)
		return err //nolint:wrapcheck // it names what it did
	}
	if c.Bool("json") {
		p.term.PrintJSON(doneLine{Event: "done", Kinds: counts})
	} else {
		p.printCounts(counts, p.term.Print)
	}
	for _, n := range counts {
		if n.Failed > 0 {
			return terminal.ErrReported
		}
	}
	return nil
}

// failureLine and doneLine are the lines of --json.
type failureLine struct {
	Event  string `json:"event"`
	Kind   string `json:"kind"`
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

type doneLine struct {
	Event string                     `json:"event"`
	Kinds map[string]backfill.Counts `json:"kinds"`
}

// printCounts prints a line for each kind that was begun.
func (p program) printCounts(counts map[string]backfill.Counts, say func(format string, args ...any)) {
	for _, kind := range backfill.Kinds() {
		n, ok := counts[kind]
		switch {
		case !ok:
		case n.Skipped != "":
			say("%-13s skipped: Clerk answered %s", kind, n.Skipped)
		default:
			say("%-13s %d read: %d written, %d equal, %d differ in activity alone, %d older than the row, "+
				"%d deleted, %d failed", kind, n.Read, n.Written, n.Equal, n.Activity, n.Older, n.Deleted, n.Failed)
		}
	}
}

func (p program) sayHowToGoOn(c *cli.Command) {
	switch {
	case c.Bool("dry-run"):
	case c.String("state") != "":
		p.term.Note("To go on: the same command, with --state %s.", c.String("state"))
	default:
		p.term.Note("The same command begins anew, and writes only what is not there yet; with --state FILE, " +
			"one that ends early goes on from where it was.")
	}
}
