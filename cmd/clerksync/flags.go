package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
)

// text is a flag with a value, textOr one with a default, toggle one without a
// value. The name of the value stands in backquotes in the usage.
func text(name, usage string) *cli.StringFlag { return &cli.StringFlag{Name: name, Usage: usage} }

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
	directory := text("directory-table", "`NAME` of the Directory table")
	deliveries := text("deliveries-table", "`NAME` of the Deliveries table")
	directory.Sources, deliveries.Sources = cli.EnvVars("DIRECTORY_TABLE"), cli.EnvVars("DELIVERIES_TABLE")
	return []cli.Flag{directory, deliveries}
}

func queueFlags() []cli.Flag {
	queue := text("queue-url", "`URL` of the queue")
	dead := text("dead-letter-queue-url", "`URL` of the dead-letter queue")
	queue.Sources, dead.Sources = cli.EnvVars("QUEUE_URL"), cli.EnvVars("DEAD_LETTER_QUEUE_URL")
	return []cli.Flag{queue, dead}
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
