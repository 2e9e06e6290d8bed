package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/directory"
)

func (e program) getCommand() *cli.Command {
	sub := func(name, usage, args, example string, find func(*reader, context.Context, string) ([]record, error)) *cli.Command {
		return &cli.Command{
			Name: name, Usage: usage, ArgsUsage: args,
			Flags:    append(targetFlags(), &cli.BoolFlag{Name: "json", Usage: "print one JSON object a line"}),
			Action:   func(ctx context.Context, c *cli.Command) error { return e.getRows(ctx, c, find) },
			Metadata: terminal.Examples("clerksync get "+example, "clerksync get "+example+" --json | jq .", "clerksync get "+example+" --stack clerksync"),
		}
	}
	delivery := sub("delivery", "what became of a message", "<svix id>", "delivery msg_2b3Ck9u0PqVbFZ1r2s3T4u5V6w7", (*reader).delivery)
	delivery.Flags = append(delivery.Flags, queueURLFlags()...)
	delivery.Action = e.getDelivery
	return &cli.Command{
		Name:  "get",
		Usage: "look up rows in the tables",
		Description: `Rows come from clerksync dev at its default address unless a stack or the tables
are named. A deleted row shows with its deleted_at. Nothing found is exit status 1.`,
		Commands: []*cli.Command{
			sub("user", "a user", "<id | e-mail | username | external id>", "user ada@example.com", (*reader).user),
			sub("org", "an organization", "<id | slug>", "org lumen-oak", (*reader).org),
			sub("members", "the members of an organization", "<id | slug>", "members lumen-oak", (*reader).members),
			sub("memberships", "the memberships of a user", "<id | e-mail | username | external id>", "memberships ada@example.com", (*reader).memberships),
			delivery,
		},
		Metadata: terminal.Examples("clerksync get user ada@example.com", "clerksync get members lumen-oak --json", "clerksync get delivery msg_2b3Ck9u0PqVbFZ1r2s3T4u5V6w7 --stack clerksync"),
	}
}

// errNothing says that nothing was found.
var errNothing = errors.New("not here")

func (e program) getRows(ctx context.Context, c *cli.Command, find func(*reader, context.Context, string) ([]record, error)) error {
	// The library takes no flags behind an argument that begins with a dash.
	if c.NArg() != 1 || c.Args().First() == "" || strings.HasPrefix(c.Args().First(), "-") {
		return terminal.Usagef("get %s needs one argument: %s", c.Name, c.ArgsUsage)
	}
	t, err := e.target(ctx, c)
	if err != nil {
		return err
	}
	r := &reader{dynamodb.NewFromConfig(t.aws), t.DirectoryTable, t.DeliveriesTable}
	rows, err := find(r, ctx, c.Args().First())
	if err != nil {
		return fmt.Errorf("%w\nIs it the right place? `clerksync dev` runs a pipeline here; --stack, --directory-table and --endpoint-url name another", err)
	}
	if len(rows) == 0 {
		return fmt.Errorf("%w: %s %q (%s)", errNothing, c.Name, c.Args().First(), t.place())
	}
	for i, row := range rows {
		if c.Bool("json") {
			e.term.PrintJSON(row)
			continue
		}
		if i > 0 {
			e.term.Print("")
		}
		e.print(row)
	}
	return nil
}

// getDelivery says what became of a message: its row, or its dead letter, or
// where else to look.
func (e program) getDelivery(ctx context.Context, c *cli.Command) error {
	err := e.getRows(ctx, c, (*reader).delivery)
	if !errors.Is(err, errNothing) {
		return err
	}
	d, lettersErr := e.letters(ctx, c, false)
	if lettersErr != nil {
		return errors.Join(err, fmt.Errorf("and the dead letters cannot be read: %w", lettersErr))
	}
	id, found := c.Args().First(), false
	lettersErr = d.walk(ctx, func(l letter) (bool, error) {
		if l.is(id) && !found {
			found = true
			r := record{"svix_id": l.SvixID, "event_type": l.EventType, "outcome": "dead", "reason": l.Reason, "dead_since": l.DeadSince, "received_at": l.Received}
			if c.Bool("json") {
				e.term.PrintJSON(r)
			} else {
				e.print(r)
				e.term.Note("\n`clerksync dlq show %s` prints it; `clerksync dlq redrive %s` tries it again.", id, id)
			}
		}
		return false, nil
	})
	if found || lettersErr != nil {
		return lettersErr
	}
	return fmt.Errorf("%w: no row in the Deliveries table, no dead letter. It may still be on the queue, its row may have expired, its type may not be kept, or it never came: "+
		"Clerk's dashboard, Webhooks, the endpoint, Message Attempts shows what Svix knows of it and sends it again", err)
}

// print shows a row to people: what says what it is first.
func (e program) print(r record) {
	width := 0
	for name := range r {
		width = max(width, len(name))
	}
	first := []string{"svix_id", "pk", "sk", "kind", "deleted_at", "id"}
	names := slices.SortedFunc(maps.Keys(r), func(a, b string) int {
		i, j := slices.Index(first, a), slices.Index(first, b)
		if r["kind"] != nil && a == "svix_id" {
			i = -1
		}
		if r["kind"] != nil && b == "svix_id" {
			j = -1
		}
		switch {
		case i >= 0 && j >= 0:
			return i - j
		case i >= 0:
			return -1
		case j >= 0:
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		text, ok := r[name].(string)
		if !ok {
			b, _ := json.Marshal(r[name]) // plain values
			text = string(b)
		}
		if name == directory.AttrObject {
			text = fmt.Sprintf("%d bytes of Clerk's JSON (--json shows it)", len(text))
		}
		e.term.Print("%s  %s", terminal.Dim(fmt.Sprintf("%-*s", width, name)), text)
	}
}

// reader looks rows up.
type reader struct {
	client                *dynamodb.Client
	directory, deliveries string
}

func (r *reader) item(ctx context.Context, table string, key map[string]types.AttributeValue) ([]record, error) {
	out, err := r.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("read table %s: %w", table, err)
	}
	if len(out.Item) == 0 {
		return nil, nil
	}
	return []record{toRecord(out.Item)}, nil
}

func (r *reader) row(ctx context.Context, k directory.Key) ([]record, error) {
	return r.item(ctx, r.directory, map[string]types.AttributeValue{"pk": stringValue(k.PK), "sk": stringValue(k.SK)})
}

func stringValue(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// indexed finds the rows that an index has under a value.
func (r *reader) indexed(ctx context.Context, index, value string) (rows []record, err error) {
	out, err := r.client.Query(ctx, &dynamodb.QueryInput{
		TableName: &r.directory, IndexName: &index, KeyConditionExpression: aws.String(index + " = :v"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":v": stringValue(value)},
	})
	if err != nil {
		return nil, fmt.Errorf("read index %s: %w", index, err)
	}
	for _, item := range out.Items {
		k := toRecord(item)
		found, err := r.row(ctx, directory.Key{PK: k.text("pk"), SK: k.text("sk")})
		if err != nil {
			return nil, err
		}
		rows = append(rows, found...)
	}
	return rows, nil
}

// find tries the key, then one index after the other.
func (r *reader) find(ctx context.Context, k directory.Key, value string, indexes ...string) ([]record, error) {
	rows, err := r.row(ctx, k)
	for _, index := range indexes {
		if err != nil || len(rows) > 0 {
			break
		}
		v := value
		if index == "by_email" {
			v = strings.ToLower(v)
		}
		rows, err = r.indexed(ctx, index, v)
	}
	return rows, err
}

func (r *reader) user(ctx context.Context, v string) ([]record, error) {
	return r.find(ctx, directory.UserKey(v), v, "by_email", "by_username", "by_external_id")
}

func (r *reader) org(ctx context.Context, v string) ([]record, error) {
	return r.find(ctx, directory.OrganizationKey(v), v, "by_slug")
}

func (r *reader) members(ctx context.Context, v string) ([]record, error) {
	return r.below(ctx, r.org, v, directory.OrganizationKey, directory.PrefixMember)
}

func (r *reader) memberships(ctx context.Context, v string) ([]record, error) {
	return r.below(ctx, r.user, v, directory.UserKey, directory.PrefixMembership)
}

// below lists the live rows of that prefix under what v names; where nothing
// is found v is taken as an id, for children may come before their parent.
func (r *reader) below(ctx context.Context, find func(context.Context, string) ([]record, error), v string, key func(string) directory.Key, prefix string) (rows []record, err error) {
	parents, err := find(ctx, v)
	if err != nil {
		return nil, err
	}
	pk := key(v).PK
	if len(parents) > 0 {
		pk = parents[0].text("pk")
	}
	pages := dynamodb.NewQueryPaginator(r.client, &dynamodb.QueryInput{
		TableName: &r.directory, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk AND begins_with(sk, :sk)"),
		FilterExpression:          aws.String("attribute_not_exists(deleted_at)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": stringValue(pk), ":sk": stringValue(prefix)},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read table %s: %w", r.directory, err)
		}
		for _, item := range out.Items {
			rows = append(rows, toRecord(item))
		}
	}
	return rows, nil
}

func (r *reader) delivery(ctx context.Context, id string) ([]record, error) {
	return r.item(ctx, r.deliveries, map[string]types.AttributeValue{"svix_id": stringValue(id)})
}
