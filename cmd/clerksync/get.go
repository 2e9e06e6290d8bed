package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
)

// lookup is how one command of get finds rows: a method of deployment.Rows, which
// takes its receiver first.
type lookup func(r *deployment.Rows, ctx context.Context, name string) ([]deployment.Record, error)

// getCommand has a command below it for each kind of thing. They differ in how
// they find rows alone, but for delivery: a message that is not in its table may
// be a dead letter.
func (p program) getCommand() *cli.Command {
	below := func(name, usage, args, example string, find lookup) *cli.Command {
		return &cli.Command{
			Name: name, Usage: usage, ArgsUsage: args,
			Flags:  append(append(tableFlags(), stackFlags()...), jsonLinesFlag()),
			Action: func(ctx context.Context, c *cli.Command) error { return p.get(ctx, c, find) },
			Metadata: terminal.Examples(
				"clerksync get "+example,
				"clerksync get "+example+" --json | jq .",
				"clerksync get "+example+" --stack clerksync"),
		}
	}
	// What the one argument may be: it is tried as an id first.
	const user, organization = "<id | e-mail | username | external id>", "<id | slug>"
	delivery := below("delivery", "what happened to a message", "<svix id>",
		"delivery msg_2b3Ck9u0PqVbFZ1r2s3T4u5V6w7", (*deployment.Rows).Delivery)
	delivery.Flags = append(delivery.Flags, queueFlags()...)
	delivery.Action = p.getDelivery
	return &cli.Command{
		Name:  "get",
		Usage: "look up rows in the tables",
		Description: `Rows come from clerksync dev at its default address unless a stack or the tables
are named. A deleted row shows with its deleted_at. Nothing found is exit status 1.`,
		Commands: []*cli.Command{
			below("user", "a user", user, "user ada@example.com", (*deployment.Rows).User),
			below("org", "an organization", organization, "org lumen-oak", (*deployment.Rows).Organization),
			below("members", "the members of an organization", organization,
				"members lumen-oak", (*deployment.Rows).Members),
			below("memberships", "the memberships of a user", user,
				"memberships ada@example.com", (*deployment.Rows).Memberships),
			delivery,
		},
		Metadata: terminal.Examples(
			"clerksync get user ada@example.com",
			"clerksync get members lumen-oak --json",
			"clerksync get delivery msg_2b3Ck9u0PqVbFZ1r2s3T4u5V6w7 --stack clerksync"),
	}
}

// errNothingFound says that a lookup found nothing.
var errNothingFound = errors.New("not here")

// get prints the rows that the one argument stands for. A lookup that fails may
// have looked in the wrong place, so the error says how to name another; one that
// finds nothing says where it looked.
func (p program) get(ctx context.Context, c *cli.Command, find lookup) error {
	id, err := terminal.ID(c)
	if err != nil {
		return err
	}
	d, err := p.findDeployment(ctx, c)
	if err != nil {
		return err
	}
	rows, err := find(d.Rows(), ctx, id)
	if err != nil {
		return fmt.Errorf("%w\nIs it the right place? `clerksync dev` runs a pipeline here; "+
			"--stack, --directory-table and --endpoint-url name another", err)
	}
	if len(rows) == 0 {
		return fmt.Errorf("%w: %s %q (%s)", errNothingFound, c.Name, id, d)
	}
	for i, row := range rows {
		if i > 0 && !c.Bool("json") {
			p.term.Print("")
		}
		if !c.Bool("json") {
			if err := p.printFacts(ctx, d.Rows(), row); err != nil {
				return err
			}
		}
		p.printRow(row, c.Bool("json"))
	}
	return nil
}

// printFacts prints, above its attributes, what people ask first of a row: of a
// message why it came out as it did.
func (p program) printFacts(ctx context.Context, rows *deployment.Rows, row deployment.Record) error {
	facts, err := rows.Facts(ctx, row)
	if err == nil && row["outcome"] != nil {
		var why string
		if why, err = rows.WhyDelivery(ctx, row); why != "" {
			facts = []deployment.Fact{{Name: row.Text("outcome"), Text: why}}
		}
	}
	if err != nil {
		return err //nolint:wrapcheck // it names the table
	}
	for _, f := range facts {
		p.term.Print("%s  %s", terminal.Bold(fmt.Sprintf("%-11s", f.Name)), f.Text)
	}
	if len(facts) > 0 {
		p.term.Print("")
	}
	return nil
}

// getDelivery prints the entry of a message in the Deliveries table. Only where
// that has none it reads the dead-letter queue, which hides messages from others
// for a moment. A message that is in neither may be in many places: the error
// names them.
func (p program) getDelivery(ctx context.Context, c *cli.Command) error {
	err := p.get(ctx, c, (*deployment.Rows).Delivery)
	if !errors.Is(err, errNothingFound) {
		return err
	}
	id := c.Args().First()
	l, deadErr := p.findDeadLetter(ctx, c, id)
	switch {
	case deadErr != nil:
		return errors.Join(err, fmt.Errorf("and the dead letters cannot be read: %w", deadErr))
	case l == nil:
		return fmt.Errorf("%w: no row in the Deliveries table, no dead letter. It may still be on the queue, "+
			"its row may have expired, its type may not be kept, or it never came: Clerk's dashboard, Webhooks, "+
			"the endpoint, Message Attempts shows what Svix knows of it and sends it again", err)
	}
	row := deployment.Record{
		"svix_id": l.SvixID, "event_type": l.EventType, "outcome": string(consumer.Dead), "reason": l.Reason,
		"queued_at": l.QueuedAt, "expires_at": l.Expires, "received_at": l.Received,
	}
	if !c.Bool("json") {
		p.term.Print("%s  %s\n", terminal.Bold(fmt.Sprintf("%-11s", consumer.Dead)), l.Explain())
	}
	if p.printRow(row, c.Bool("json")); !c.Bool("json") {
		width, target := p.term.NoteWidth(), terminal.Quote(id)+names(c).QueueFlags()
		p.term.Note("\nThe first prints it, the second tries it again:\n%s\n%s",
			terminal.Command(width, terminal.Program()+"dlq show", target),
			terminal.Command(width, terminal.Program()+"dlq redrive", target))
	}
	return nil
}

// printRow prints a row, for people an attribute a line. The key comes first, by
// which they know the row, then what kind of row it is and whether it is deleted.
// Clerk's JSON would fill the screen, so only its size is printed.
func (p program) printRow(r deployment.Record, asJSON bool) {
	if asJSON {
		p.term.PrintJSON(r)
		return
	}
	first := []string{"id", "deleted_at", "kind", "sk", "pk"} // the last one comes first
	if r["kind"] == nil {
		first = append(first, "svix_id") // it is the key of the Deliveries table
	}
	names := slices.SortedFunc(maps.Keys(r), func(a, b string) int {
		return cmp.Or(cmp.Compare(slices.Index(first, b), slices.Index(first, a)), strings.Compare(a, b))
	})
	width := len(slices.MaxFunc(names, func(a, b string) int { return cmp.Compare(len(a), len(b)) }))
	for _, name := range names {
		text, isText := r[name].(string)
		if !isText {
			b, _ := json.Marshal(r[name]) // plain values always encode
			text = string(b)
		}
		if name == directory.AttrObject {
			text = fmt.Sprintf("%d bytes of Clerk's JSON (--json shows it)", len(text))
		}
		p.term.Print("%s  %s", terminal.Dim(fmt.Sprintf("%-*s", width, name)), text)
	}
}
