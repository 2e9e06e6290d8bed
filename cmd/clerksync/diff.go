package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/backfill"
)

// repairFlags bound what --repair deletes.
func repairFlags() []cli.Flag {
	notNegative := func(d time.Duration) error {
		if d < 0 {
			return terminal.Usagef("want a duration of 0 or more")
		}
		return nil
	}
	return []cli.Flag{
		toggle("repair", "write what is missing or differs, delete what Clerk denies twice"),
		&cli.DurationFlag{
			Name: "min-age", Value: backfill.DefaultMinAge, Validator: notNegative,
			Usage: "with --repair: delete only rows that were written `DURATION` ago",
		},
		&cli.DurationFlag{
			Name: "second-look", Value: backfill.DefaultSecondLook, Validator: notNegative,
			Usage: "with --repair: ask Clerk again after `DURATION` before a row is deleted",
		},
		&cli.IntFlag{
			Name:  "allow-deletions",
			Usage: "with --repair: delete up to `N` rows of a kind, where more than 50 and more than 1 % would stop it",
		},
	}
}

// diffCommand is the proof that the tables equal Clerk, and the cure where they do not.
func (p program) diffCommand() *cli.Command {
	flags := slices.Concat(tableFlags(), stackFlags(), []cli.Flag{kindFlag(), rateFlag()}, repairFlags(), []cli.Flag{
		toggle("show-values", "show the values that differ: they are personal data"),
		toggle("json", "print one JSON object a line, the last one with all counts"),
	})
	return &cli.Command{
		Name:  "diff",
		Usage: "say in what the tables differ from Clerk, and repair it",
		Description: `Reads all that Clerk lists and all rows, and prints a line for each difference:

  missing    Clerk has it, and there is no live row
  extra      a live row that Clerk, asked for it by its id, does not have
  different  a live row that says something else, with the members
  activity   only times of activity differ: no event need follow a sign-in
  deleted    Clerk lists what an event deleted here
  pending    changed less than 10 minutes ago: a webhook may be on its way

Exit status 0 says that nothing is missing, extra or different. It needs what
backfill needs, and CLERK_SECRET_KEY, CLERK_API_URL and --stack mean the same.

--repair writes what is missing or differs. A row that is extra it deletes with all
that belongs to it, if Clerk denies it twice, ten minutes apart, and the row is an
hour old. It looks a third time, and exit status 0 then says that nothing is left.
Whether a row that is gone was deleted or never there, its tombstone says:
deleted_by is "absence" where no event but a repair deleted it.`,
		Flags: flags, Action: p.diff,
		Metadata: terminal.Examples(
			"clerksync diff --stack clerksync",
			"clerksync diff --stack clerksync --repair",
			"clerksync diff --stack clerksync --kind user --json | jq -r 'select(.class == \"missing\").id'"),
	}
}

func (p program) diff(ctx context.Context, c *cli.Command) error {
	only, err := kinds(c)
	if err != nil {
		return err
	}
	for _, name := range []string{"min-age", "second-look", "allow-deletions"} {
		if c.IsSet(name) && !c.Bool("repair") {
			return terminal.Usagef("--%s is for --repair", name)
		}
	}
	d, storage, clerk, err := p.openPair(ctx, c)
	if err != nil {
		return err
	}
	p.notePair(d, storage, clerk)
	return p.runDiff(ctx, c, &backfill.Diff{
		Client: clerk.Client, Writer: d.NewWriter(storage, clerk.ID), Rows: d.Table(), Kinds: only,
		ShowValues: c.Bool("show-values"),
	})
}

// runDiff shows how far it is, then the findings with what was repaired of them,
// also where it ends early.
func (p program) runDiff(ctx context.Context, c *cli.Command, d *backfill.Diff) error {
	progress := p.term.NewProgress(ctx)
	d.OnPage = progress.Show
	d.OnFailure = func(f backfill.Failure) {
		p.term.Note("%s %s", terminal.Bad("not compared:"), describeFailure(f))
		if c.Bool("json") {
			p.term.PrintJSON(failureLine{Event: "failed", Kind: f.Kind, ID: f.ID, Reason: f.Err.Error()})
		}
	}
	r, err := d.Run(ctx)
	repaired := err == nil && c.Bool("repair")
	if repaired {
		err = d.Repair(ctx, r, backfill.RepairOptions{
			MinAge: c.Duration("min-age"), SecondLook: c.Duration("second-look"),
			AllowDeletions: c.Int("allow-deletions"),
			OnWait: func(until time.Time) {
				p.term.Note("Clerk is asked again for %d rows that it denies, until %s. "+
					"Ctrl-C ends it, and none of them is deleted.", r.Total().Extra, until.Format(time.TimeOnly))
			},
		})
	}
	progress.Stop()
	p.printFindings(r, c.Bool("json"), repaired)
	total := r.Total()
	if c.Bool("json") {
		p.term.PrintJSON(countsLine{Event: "counts", Finished: err == nil, DiffCounts: total, Kinds: r.Counts})
	} else {
		p.printTotal(total, repaired)
	}
	left := total.Missing + total.Extra + total.Different
	if repaired {
		left = total.Left
	}
	if err == nil && left+total.Failed > 0 {
		return terminal.ErrReported
	}
	return err //nolint:wrapcheck // it names what it did
}

// countsLine is the last line of --json. Its own counts are the sums over all kinds.
type countsLine struct {
	Event    string `json:"event"`
	Finished bool   `json:"finished"`
	backfill.DiffCounts
	Kinds map[string]*backfill.DiffCounts `json:"kinds"`
}

// printFindings prints a line for each finding; members of --show-values below it.
func (p program) printFindings(r *backfill.Report, asJSON, repaired bool) {
	for _, f := range r.Findings {
		if asJSON {
			p.term.PrintJSON(f)
			continue
		}
		words := append([]string{f.ID}, describe(f, repaired)...)
		p.term.Print("%-9s  %-12s  %s", string(f.Class), f.Kind, strings.Join(words, "  "))
		for _, member := range f.Members {
			if v, ok := f.Values[member]; ok {
				p.term.Print("    %s: %s at Clerk, %s in the row", member, orNothing(v.Clerk), orNothing(v.Row))
			}
		}
	}
	for _, kind := range backfill.Kinds() { // always in the same order
		if n, ok := r.Counts[kind]; ok && n.Skipped != "" {
			p.term.Note("%s skipped: Clerk answered %s", kind, n.Skipped)
		}
	}
}

// describe says in what a finding's row differs, and what a repair did with it.
func describe(f *backfill.Finding, repaired bool) (words []string) {
	if len(f.Members) > 0 {
		words = append(words, strings.Join(f.Members, " "))
	}
	switch {
	case f.Repair != "" && f.Left:
		words = append(words, f.Repair+", and left")
	case f.Repair != "":
		words = append(words, f.Repair)
	case f.Left && repaired:
		words = append(words, "left")
	}
	if f.Reason != "" {
		words = append(words, "("+f.Reason+")")
	}
	return words
}

// describeFailure names the object once: what read it has named it already.
func describeFailure(f backfill.Failure) string {
	if text := f.Err.Error(); strings.Contains(text, f.Kind+" "+f.ID) {
		return text
	}
	return fmt.Sprintf("%s of kind %s: %v", f.ID, f.Kind, f.Err)
}

func orNothing(value []byte) string {
	if value == nil {
		return "nothing"
	}
	return string(value)
}

func (p program) printTotal(t backfill.DiffCounts, repaired bool) {
	p.term.Print("%d objects, %d rows: %d missing, %d extra, %d different; %d differ in activity alone, "+
		"%d deleted here, %d pending, %d not compared",
		t.Read, t.Rows, t.Missing, t.Extra, t.Different, t.Activity, t.Deleted, t.Pending, t.Failed)
	if repaired {
		p.term.Print("%d repaired, %d left", t.Repaired, t.Left)
	}
}
