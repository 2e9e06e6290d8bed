package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

func (e program) dlqCommand() *cli.Command {
	json := &cli.BoolFlag{Name: "json", Usage: "print one JSON object a line"}
	all := &cli.BoolFlag{Name: "all", Usage: "every dead letter"}
	dry := &cli.BoolFlag{Name: "dry-run", Usage: "say what would be done and do nothing"}
	ids := "<svix id | message id>..."
	return &cli.Command{
		Name:  "dlq",
		Usage: "look at dead letters, put them back, or drop them",
		Description: `A dead letter is a message that could never be applied, with the reason, or one
that failed 60 times over half a day. Mend what the reason says, then redrive: an
old message cannot harm newer state, it is then stale. SQS keeps them 14 days.`,
		Commands: []*cli.Command{
			{
				Name: "ls", Usage: "list them with their reasons", Flags: append(queueFlags(), json), Action: e.dlqList,
				Metadata: terminal.Examples("clerksync dlq ls --stack clerksync", "clerksync dlq ls --json | jq -r .reason | sort | uniq -c"),
			},
			{
				Name: "show", Usage: "print one whole, its body included", ArgsUsage: "<svix id | message id>", Flags: queueFlags(), Action: e.dlqShow,
				Metadata: terminal.Examples("clerksync dlq show msg_2b3Ck9u0PqVbFZ1r2s3T4u5V6w7 --stack clerksync"),
			},
			{
				Name: "redrive", Usage: "put some or all back on the queue", ArgsUsage: ids, Flags: append(queueFlags(), all, dry, json), Action: e.dlqRedrive,
				Metadata: terminal.Examples("clerksync dlq redrive --all --dry-run --stack clerksync", "clerksync dlq redrive msg_2b3Ck9u0PqVbFZ1r2s3T4u5V6w7 --stack clerksync"),
			},
			{
				Name: "drop", Usage: "delete some or all for good", ArgsUsage: ids,
				Flags:  append(queueFlags(), all, dry, json, &cli.BoolFlag{Name: "yes", Usage: "do not ask"}),
				Action: e.dlqDrop, Metadata: terminal.Examples("clerksync dlq drop msg_2b3Ck9u0PqVbFZ1r2s3T4u5V6w7 --stack clerksync", "clerksync dlq drop --all --yes --stack clerksync"),
			},
		},
		Metadata: terminal.Examples("clerksync dlq ls --stack clerksync", "clerksync dlq redrive --all --stack clerksync"),
	}
}

// letters are the dead letters that the flags name. Where write is set they
// can be put back: a stack's queue takes messages from ingest and from the
// role of its output RedriveRoleArn alone, so that one is assumed.
func (e program) letters(ctx context.Context, c *cli.Command, write bool) (*deadLetters, error) {
	t, err := e.target(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := t.findQueues(ctx); err != nil {
		return nil, err
	}
	cfg := t.aws
	if write && t.redriveRole != "" {
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(t.aws), t.redriveRole))
	}
	return newDeadLetters(sqs.NewFromConfig(cfg), t.DeadLetterQueueURL, t.QueueURL), nil
}

func (e program) dlqList(ctx context.Context, c *cli.Command) error {
	d, err := e.letters(ctx, c, false)
	if err != nil {
		return err
	}
	n := 0
	var rows [][]any
	err = d.walk(ctx, func(l letter) (bool, error) {
		n++
		if c.Bool("json") {
			e.term.PrintJSON(l)
		} else {
			rows = append(rows, []any{l.DeadSince, l.SvixID, l.EventType, l.Reason})
		}
		return false, nil
	})
	if len(rows) > 0 {
		slices.SortFunc(rows, func(a, b []any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		e.term.PrintTable([]string{"dead since", "svix id", "event", "reason"}, rows)
	}
	if err == nil && n == 0 {
		e.term.Note("%s no dead letters.", terminal.Good("ok:"))
	}
	return err
}

func (e program) dlqShow(ctx context.Context, c *cli.Command) error {
	if c.NArg() != 1 || strings.HasPrefix(c.Args().First(), "-") {
		return terminal.Usagef("dlq show needs one svix id or message id")
	}
	d, err := e.letters(ctx, c, false)
	if err != nil {
		return err
	}
	id, found := c.Args().First(), false
	err = d.walk(ctx, func(l letter) (bool, error) {
		if l.is(id) {
			found = true
			e.term.Note("%s\n%s  %s  dead since %s\n", terminal.Bad(l.Reason), l.EventType, terminal.Dim(l.SvixID), l.DeadSince)
			e.term.PrintText(aws.ToString(l.message.Body))
		}
		return false, nil
	})
	if err == nil && !found {
		err = fmt.Errorf("no dead letter %q here", id)
	}
	return err
}

func (e program) dlqRedrive(ctx context.Context, c *cli.Command) error {
	return e.each(ctx, c, "redriven", nil, func(d *deadLetters, l letter) error { return d.redrive(ctx, l) })
}

func (e program) dlqDrop(ctx context.Context, c *cli.Command) error {
	sure := func() error {
		if c.Bool("yes") || c.Bool("dry-run") {
			return nil
		}
		what := strings.Join(c.Args().Slice(), " ")
		if c.Bool("all") {
			what = "ALL dead letters"
		}
		if !e.term.Confirm(fmt.Sprintf("Drop %s for good? Nothing brings them back but a replay from Svix.", what)) {
			return errors.New("nothing was dropped")
		}
		return nil
	}
	return e.each(ctx, c, "dropped", sure, func(*deadLetters, letter) error { return nil })
}

// named wants either ids or --all.
func named(c *cli.Command) error {
	if c.Bool("all") == c.Args().Present() {
		return terminal.Usagef("%s needs either ids or --all", c.FullName())
	}
	_, err := terminal.IDs(c)
	return err
}

// each does the deed to the letters that the arguments name, each of which is
// then deleted, and says how it goes on. sure, unless
// it is nil, is asked once the queues are found.
func (e program) each(ctx context.Context, c *cli.Command, deed string, sure func() error, do func(*deadLetters, letter) error) error {
	if err := named(c); err != nil {
		return err
	}
	ids, all := c.Args().Slice(), c.Bool("all")
	d, err := e.letters(ctx, c, deed == "redriven")
	if err != nil {
		return err
	}
	if sure != nil {
		if err := sure(); err != nil {
			return err
		}
	}
	dry, n := c.Bool("dry-run"), 0
	done := deed
	if dry {
		done = "would be " + deed
	}
	missing := slices.Clone(ids)
	did := map[string]bool{} // what dies again while we walk is not put back again
	err = d.walk(ctx, func(l letter) (bool, error) {
		if did[l.content()] || !all && !slices.ContainsFunc(ids, l.is) {
			return false, nil
		}
		did[l.content()] = true
		if !dry {
			if err := do(d, l); err != nil {
				return false, err
			}
		}
		n++
		missing = slices.DeleteFunc(missing, l.is)
		if c.Bool("json") {
			e.term.PrintJSON(l)
		} else {
			e.term.Print("%s  %-30s  %s", done, l.EventType, terminal.Dim(l.SvixID))
		}
		return !dry, nil
	})
	e.term.Note("%d %s.", n, done)
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("no dead letter %s here", strings.Join(missing, ", "))
	}
	return err
}
