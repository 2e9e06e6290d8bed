package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
)

// The flags that say where to look. Each command has those it needs.

func tableFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{
			Name: "directory-table", Usage: "`NAME` of the Directory table", Sources: cli.EnvVars("DIRECTORY_TABLE"),
		},
		&cli.StringFlag{
			Name: "deliveries-table", Usage: "`NAME` of the Deliveries table", Sources: cli.EnvVars("DELIVERIES_TABLE"),
		},
	}
}

func queueFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "queue-url", Usage: "`URL` of the queue", Sources: cli.EnvVars("QUEUE_URL")},
		&cli.StringFlag{
			Name: "dead-letter-queue-url", Usage: "`URL` of the dead-letter queue",
			Sources: cli.EnvVars("DEAD_LETTER_QUEUE_URL"),
		},
	}
}

func stackFlag() cli.Flag {
	return &cli.StringFlag{Name: "stack", Usage: "read names and URLs from the outputs of stack `NAME`"}
}

func endpointFlag() cli.Flag {
	return &cli.StringFlag{Name: "endpoint-url", Usage: "talk to the AWS endpoint at `URL` instead of AWS"}
}

func urlFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "url", Usage: "`URL` of the webhook (default: the stack's output, or clerksync dev's)",
	}
}

func jsonLinesFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print one JSON object a line"}
}

// names returns what the flags say. A flag that the command lacks is empty.
func names(c *cli.Command) deployment.Names {
	return deployment.Names{
		Stack:              c.String("stack"),
		EndpointURL:        c.String("endpoint-url"),
		DirectoryTable:     c.String("directory-table"),
		DeliveriesTable:    c.String("deliveries-table"),
		QueueURL:           c.String("queue-url"),
		DeadLetterQueueURL: c.String("dead-letter-queue-url"),
		WebhookURL:         c.String("url"),
	}
}

// findDeployment finds out where the flags tell to look.
func (p program) findDeployment(ctx context.Context, c *cli.Command) (*deployment.Deployment, error) {
	n := names(c)
	cfg, err := n.LoadConfig(ctx, p.getenv)
	if err != nil {
		return nil, err
	}
	return deployment.Find(ctx, cfg, n)
}
