package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// text is a flag with a value, textOr one with a default, toggle one without a
// value. The name of the value stands in backquotes in the usage.
//
// A value that is empty comes from a variable of a script's that is not set. It is no
// text: the command would work on another stack, parameter or file than was meant.
func text(name, usage string) *cli.StringFlag {
	return &cli.StringFlag{Name: name, Usage: usage, Validator: func(value string) error {
		if value == "" {
			return terminal.Usagef("it is empty; is a variable not set?")
		}
		return nil
	}}
}

// textFrom is a flag that falls back on a variable, which may be empty.
func textFrom(variable, name, usage string) *cli.StringFlag {
	return &cli.StringFlag{Name: name, Usage: usage, Sources: cli.EnvVars(variable)}
}

func textOr(value, name, usage string) *cli.StringFlag {
	return &cli.StringFlag{Name: name, Usage: usage, Value: value}
}

func toggle(name, usage string) *cli.BoolFlag { return &cli.BoolFlag{Name: name, Usage: usage} }

func jsonLinesFlag() cli.Flag { return toggle("json", "print one JSON object a line") }

// The flags below say where to look. Each command has those it needs, and names
// reads them all.

func endpointFlag() cli.Flag {
	return text("endpoint-url", "talk to the AWS endpoint at `URL` instead of AWS")
}

func stackFlags() []cli.Flag {
	return []cli.Flag{text("stack", "read names and URLs from the outputs of stack `NAME`"), endpointFlag()}
}

// tableFlags fall back on the variables of the functions, so that a shell that
// is set up for one works for the other. queueFlags do, too.
func tableFlags() []cli.Flag {
	return []cli.Flag{
		textFrom("DIRECTORY_TABLE", "directory-table", "`NAME` of the Directory table"),
		textFrom("DELIVERIES_TABLE", "deliveries-table", "`NAME` of the Deliveries table"),
	}
}

func queueFlags() []cli.Flag {
	return []cli.Flag{
		textFrom("QUEUE_URL", "queue-url", "`URL` of the queue"),
		textFrom("DEAD_LETTER_QUEUE_URL", "dead-letter-queue-url", "`URL` of the dead-letter queue"),
	}
}

// placeFlags are all of them, for commands that look at a whole deployment.
func placeFlags(more ...cli.Flag) []cli.Flag {
	url := text("url", "`URL` of the webhook (default: the stack's output, or clerksync dev's)")
	return slices.Concat(tableFlags(), queueFlags(), stackFlags(), []cli.Flag{url}, more)
}

// names returns what the flags say. A flag that the command lacks is empty.
func names(c *cli.Command) deployment.Names {
	return deployment.Names{
		Stack: c.String("stack"), EndpointURL: c.String("endpoint-url"), WebhookURL: c.String("url"),
		DirectoryTable: c.String("directory-table"), DeliveriesTable: c.String("deliveries-table"),
		QueueURL: c.String("queue-url"), DeadLetterQueueURL: c.String("dead-letter-queue-url"),
	}
}

// findDeployment finds out where the flags tell to look. Without any of them it is
// a `clerksync dev` at its default addresses.
func (p program) findDeployment(ctx context.Context, c *cli.Command) (*deployment.Deployment, error) {
	return deployment.Open(ctx, p.getenv, names(c))
}
