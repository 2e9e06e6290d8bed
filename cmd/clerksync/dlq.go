package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// dlqCommand has four commands below it: two look at dead letters, two remove
// them from their queue.
func (p program) dlqCommand() *cli.Command {
	flags := func(more ...cli.Flag) []cli.Flag { return slices.Concat(queueFlags(), stackFlags(), more) }
	all := toggle("all", "every dead letter")
	dry := toggle("dry-run", "say what would be done and do nothing")
	yes := toggle("yes", "do not ask")
	const ids, example = "<svix id | message id>...", "msg_2b3Ck9u0PqVbFZ1r2s3T4u5V6w7"
	return &cli.Command{
		Name:  "dlq",
		Usage: "look at dead letters, put them back, or drop them",
		Description: `A dead letter is a message that could never be applied, with the reason, or one
that failed 60 times over half a day. Mend what the reason says, then redrive: an
old message cannot harm newer state, it is then stale. SQS keeps a dead letter for
14 days after sync sent it here. Where SQS moved it itself, the 14 days begin when
ingest first queued it. Where some cannot be read, an error says how many.`,
		Commands: []*cli.Command{
			{
				Name: "ls", Usage: "list them with their reasons",
				Flags: flags(jsonLinesFlag()), Action: p.listDeadLetters,
				Metadata: terminal.Examples(
					"clerksync dlq ls --stack clerksync",
					"clerksync dlq ls --json | jq -r .reason | sort | uniq -c"),
			},
			{
				Name: "show", Usage: "print one whole, its body included", ArgsUsage: "<svix id | message id>",
				Flags: flags(), Action: p.showDeadLetter,
				Metadata: terminal.Examples("clerksync dlq show " + example + " --stack clerksync"),
			},
			{
				Name: "redrive", Usage: "put some or all back on the queue", ArgsUsage: ids,
				Flags: flags(all, dry, jsonLinesFlag()), Action: p.redriveDeadLetters,
				Metadata: terminal.Examples(
					"clerksync dlq redrive --all --dry-run --stack clerksync",
					"clerksync dlq redrive "+example+" --stack clerksync"),
			},
			{
				Name: "drop", Usage: "delete some or all for good", ArgsUsage: ids,
				Flags: flags(all, dry, jsonLinesFlag(), yes), Action: p.dropDeadLetters,
				Metadata: terminal.Examples(
					"clerksync dlq drop "+example+" --stack clerksync",
					"clerksync dlq drop --all --yes --stack clerksync"),
			},
		},
		Metadata: terminal.Examples(
			"clerksync dlq ls --stack clerksync",
			"clerksync dlq redrive --all --stack clerksync"),
	}
}

// openDeadLetters opens the dead-letter queue that the flags name.
func (p program) openDeadLetters(ctx context.Context, c *cli.Command) (*deployment.DeadLetters, error) {
	d, err := p.findDeployment(ctx, c)
	if err != nil {
		return nil, err
	}
	return d.DeadLetters(ctx)
}

// listDeadLetters prints a line a dead letter: as JSON at once, for a queue may be
// long, and for people at the end, sorted by when it was queued.
func (p program) listDeadLetters(ctx context.Context, c *cli.Command) error {
	dead, err := p.openDeadLetters(ctx, c)
	if err != nil {
		return err
	}
	var found []deployment.DeadLetter
	err = dead.Walk(ctx, func(l deployment.DeadLetter) (bool, error) {
		found = append(found, l)
		if c.Bool("json") {
			p.term.PrintJSON(l)
		}
		return false, nil
	})
	if err == nil && len(found) == 0 {
		p.term.Note("%s no dead letters.", terminal.Good("ok:"))
	}
	if len(found) == 0 || c.Bool("json") {
		return err
	}
	slices.SortFunc(found, func(a, b deployment.DeadLetter) int {
		return strings.Compare(a.QueuedAt+a.SvixID, b.QueuedAt+b.SvixID)
	})
	var rows [][]any
	for _, l := range found {
		rows = append(rows, []any{l.QueuedAt, l.Expires, l.SvixID, l.EventType, l.Explain()})
	}
	p.term.PrintTable([]string{"queued at", "expires", "svix id", "event", "reason"}, rows)
	return err
}

// findDeadLetter returns the dead letter with that id, nil where there is none.
func (p program) findDeadLetter(
	ctx context.Context, c *cli.Command, id string,
) (found *deployment.DeadLetter, err error) {
	dead, err := p.openDeadLetters(ctx, c)
	if err != nil {
		return nil, err
	}
	err = dead.Walk(ctx, func(l deployment.DeadLetter) (bool, error) {
		if l.HasID(id) {
			found = &l
			return false, deployment.ErrStop
		}
		return false, nil
	})
	return found, err
}

// showDeadLetter prints the body to stdout, so that it can be piped elsewhere, and
// the reason, with what to do, to stderr.
func (p program) showDeadLetter(ctx context.Context, c *cli.Command) error {
	id, err := terminal.ID(c)
	if err != nil {
		return err
	}
	l, err := p.findDeadLetter(ctx, c, id)
	if err != nil {
		return err
	}
	if l == nil {
		return fmt.Errorf("no dead letter %q here", id)
	}
	p.term.Note("%s\n%s\n%s  %s  queued at %s, expires %s\n",
		terminal.Bad(l.Explain()), l.Mend(), l.EventType, terminal.Dim(l.SvixID), l.QueuedAt, l.Expires)
	p.term.PrintText(l.Body())
	return nil
}

// redriveDeadLetters puts each selected dead letter back on the queue and deletes
// it after that. An old message cannot harm newer state: sync finds it stale.
func (p program) redriveDeadLetters(ctx context.Context, c *cli.Command) error {
	selected, err := selectDeadLetters(c)
	if err != nil {
		return err
	}
	d, err := p.findDeployment(ctx, c)
	if err != nil {
		return err
	}
	dead, err := d.RedrivableDeadLetters(ctx)
	if err != nil {
		return err
	}
	return p.removeDeadLetters(ctx, c, dead, selected, "redriven", dead.Redrive)
}

// dropDeadLetters deletes the selected dead letters, which only a replay from Svix
// brings back, so it asks first.
func (p program) dropDeadLetters(ctx context.Context, c *cli.Command) error {
	selected, err := selectDeadLetters(c)
	if err != nil {
		return err
	}
	dead, err := p.openDeadLetters(ctx, c)
	if err != nil {
		return err
	}
	// The question comes after the queue is found: one that is not there needs no
	// answer.
	if !c.Bool("yes") && !c.Bool("dry-run") && !p.term.Confirm(
		fmt.Sprintf("Drop %s for good? Nothing brings them back but a replay from Svix.", selected)) {
		return errors.New("nothing was dropped")
	}
	drop := func(context.Context, deployment.DeadLetter) error { return nil } // each is removed afterwards
	return p.removeDeadLetters(ctx, c, dead, selected, "dropped", drop)
}

// selection is which dead letters the arguments name: all, or those with an id.
type selection struct {
	all bool
	ids []string
}

// selectDeadLetters wants either ids or --all: neither is taken for all, and both
// contradict each other.
func selectDeadLetters(c *cli.Command) (s selection, err error) {
	if s.ids, err = terminal.IDs(c); err != nil {
		return s, err
	}
	if s.all = c.Bool("all"); s.all == (len(s.ids) > 0) {
		return s, terminal.Usagef("%s needs either ids or --all", c.FullName())
	}
	return s, nil
}

func (s selection) String() string {
	if s.all {
		return "ALL dead letters"
	}
	return strings.Join(s.ids, " ")
}

// removeDeadLetters applies f to the selected dead letters, deletes each from
// the queue after that, and prints progress. With --dry-run it prints alone. done
// is a past participle that says to people what happened. Ids that no dead letter
// has are an error at the end: the others are removed all the same.
func (p program) removeDeadLetters(
	ctx context.Context, c *cli.Command, dead *deployment.DeadLetters, s selection, done string,
	f func(context.Context, deployment.DeadLetter) error,
) error {
	dry, n := c.Bool("dry-run"), 0
	if dry {
		done = "would be " + done
	}
	missing := slices.Clone(s.ids)
	// A message that is put back and dies again during the walk has a new id. It
	// stays a dead letter, else the walk would not end.
	err := dead.Walk(ctx, func(l deployment.DeadLetter) (remove bool, err error) {
		if dead.CameBack(l) || !s.all && !slices.ContainsFunc(s.ids, l.HasID) {
			return false, nil
		}
		if !dry {
			if err := f(ctx, l); err != nil {
				return false, err
			}
		}
		n++
		missing = slices.DeleteFunc(missing, l.HasID)
		if c.Bool("json") {
			p.term.PrintJSON(l)
		} else {
			p.term.Print("%s  %-30s  %s", done, l.EventType, terminal.Dim(l.SvixID))
		}
		return !dry, nil
	})
	p.term.Note("%d %s.", n, done)
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("no dead letter %s here", strings.Join(missing, ", "))
	}
	return err
}
