package main

import (
	"context"
	"errors"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// scrubCommand is for the day on which the settings become stricter: sync obeys
// them from then on and rewrites no row for their sake.
func (p program) scrubCommand() *cli.Command {
	flags := append(append(tableFlags(), stackFlags()...), jsonLinesFlag(),
		toggle("dry-run", "say what would be changed and change nothing"),
		text("after", "go on at `PLACE`, which an interrupted scrub printed"))
	return &cli.Command{
		Name:  "scrub",
		Usage: "remove from old rows what the settings no longer allow",
		Description: `DELETION_POLICY and OBJECT_STORAGE decide what sync writes from now on. This
brings the rows that are there into line: their object loses private_metadata, or
goes; with hard, old tombstones lose all but their key and order. With --stack the
settings are those of the deployed function, else those of the environment.

It reads the whole Directory table and writes the rows that hold too much, each
only if it has not changed since. It may run beside sync, and again. It brings
nothing back, and backups keep what they have.`,
		Flags: flags, Action: p.scrub,
		Metadata: terminal.Examples(
			"clerksync scrub --stack clerksync --dry-run",
			"clerksync scrub --stack clerksync",
			"clerksync scrub --stack clerksync --json | jq -r .pk"),
	}
}

// scrub prints a row a line and its progress a page. Where it ends early, by
// Ctrl-C, too, it prints how to go on.
func (p program) scrub(ctx context.Context, c *cli.Command) error {
	d, err := p.findDeployment(ctx, c)
	if err != nil {
		return err
	}
	storage, err := d.ReadStorage(ctx, p.getenv)
	if err != nil {
		return err
	}
	// Said before anything is written: without --stack they are this shell's, which may
	// not be those of the functions.
	p.term.Note("DELETION_POLICY=%s, OBJECT_STORAGE=%s, %s", storage.DeletionPolicy, storage.ObjectStorage, d)
	done := "scrubbed"
	if c.Bool("dry-run") {
		done = "would be scrubbed"
	}
	read, changed, next := 0, 0, c.String("after")
	s := d.NewScrub(storage)
	s.DryRun = c.Bool("dry-run")
	s.OnRow = func(row deployment.ScrubbedRow) {
		changed++
		if c.Bool("json") {
			p.term.PrintJSON(row)
			return
		}
		p.term.Print("%s  %s %s  %s", done, row.PK, row.SK,
			terminal.Dim(strings.Join(append(row.Removed, row.Reduced...), " ")))
	}
	// A page that ends is the place to go on from: all its rows are in line then.
	s.OnPage = func(n int, after string) {
		read, next = read+n, after
		if after != "" {
			p.term.Note("%d rows read, %d %s", read, changed, done)
		}
	}
	err = s.Run(ctx, next)
	if _, usage := errors.AsType[terminal.UsageError](err); usage {
		return err // nothing was read, and --after is no place to go on from
	}
	p.term.Note("%d rows read, %d %s.", read, changed, done)
	if err != nil && next != "" { // not in the error, of which Ctrl-C prints nothing
		p.term.Note("To go on: the same command with --after %s", next)
	}
	return d.Advise(err)
}
