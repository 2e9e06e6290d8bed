package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/dev"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/settings"
)

// devCommand runs the pipeline. Its defaults are the addresses at which the other
// commands look for it.
func (p program) devCommand() *cli.Command {
	return &cli.Command{
		Name:  "dev",
		Usage: "run the whole pipeline in this process: webhook, queue, sync, tables",
		Description: `Ingest and sync are the code that runs in Lambda. Queue and tables are embedded,
in memory, and served at the AWS endpoint to the AWS CLI, any SDK and sam local
(any credentials, region us-east-1). CLERK_INSTANCE_ID, DELETION_POLICY and
OBJECT_STORAGE are obeyed as by the functions. Ctrl-C finishes what is in flight.`,
		Flags: []cli.Flag{
			textOr(deployment.DefaultAddr, "addr", "listen for webhooks at `HOST:PORT`; port 0 means any free one"),
			textOr(deployment.DefaultAWSAddr, "aws-addr", "serve DynamoDB, SQS and SSM at `HOST:PORT`"),
			textOr(deployment.DefaultConsoleAddr, "console-addr",
				"serve the console, a page to watch, at `HOST:PORT` of this machine, or off"),
			toggle("open", "open the console in a browser"),
			text("secret", "signing secret `whsec_...`, several by comma (default: one that is made once and kept)"),
			text("endpoint-url", "use the DynamoDB and SQS at `URL`, creating tables and queues that are missing"),
			toggle("clerk-api", "emulate Clerk's API, too, with a sample company, for backfill and diff"),
			toggle("demo", "send sample events through at the start and show what happened to them"),
			toggle("once", "with --demo: exit after it, 0 if all came out as it should"),
			jsonLinesFlag(),
			text("record", "append what the webhook takes to `FILE`, for send FILE; it will hold personal data"),
			toggle("print-secret", "print the kept signing secret and exit"),
		},
		Action: p.dev,
		Metadata: terminal.Examples(
			"clerksync dev --demo",
			"clerksync dev --clerk-api             # prints how to try backfill and diff, without an account at Clerk",
			"clerksync dev --secret whsec_...      "+
				"# Clerk's, with: clerk webhooks listen --forward-to http://127.0.0.1:3000/webhooks/clerk",
			"clerksync dev --record week.ndjson    # and later: clerksync send week.ndjson",
			"clerksync dev --addr 127.0.0.1:0 --aws-addr 127.0.0.1:0 --json",
			"aws --endpoint-url http://127.0.0.1:4566 dynamodb scan --table-name clerksync-directory"),
	}
}

// dev turns flags and variables into options and runs the pipeline with them. An
// endpoint that is named takes the place of the emulators.
func (p program) dev(ctx context.Context, c *cli.Command) error {
	// Else a pipe whose reader is gone would end the process at the next line, with
	// what the queue still holds. So that write fails, and dev ends as at Ctrl-C.
	signal.Ignore(syscall.SIGPIPE)
	if c.Bool("once") && !c.Bool("demo") {
		return terminal.Usagef("--once goes with --demo")
	}
	// The kept secret alone is printed, whatever other secret is given: a script that
	// asks for it wants the one that send finds by itself.
	if c.Bool("print-secret") {
		secret, err := webhook.KeptSecret()
		if err == nil {
			p.term.PrintText(secret)
		}
		return err
	}
	o := dev.Options{
		Pipeline: pipeline.Options{Addr: c.String("addr"), AWSAddr: c.String("aws-addr")},
		Demo:     c.Bool("demo"), Once: c.Bool("once"), JSON: c.Bool("json"), Now: p.now,
		Marks:  terminal.TakesMarks(p.getenv),
		Record: c.String("record"),
	}
	if err := readConsole(c, &o); err != nil {
		return err
	}
	if c.Bool("clerk-api") {
		o.Pipeline.ClerkAddr = deployment.DefaultClerkAddr
	}
	if err := p.readSettings(&o); err != nil {
		return err
	}
	var err error
	o.Secret, err = webhook.FindSecret(c.String("secret"), p.getenv)
	if errors.Is(err, webhook.ErrNotKept) { // dev needs none that lasts
		p.term.Note("%s %s", terminal.Warn("note: the signing secret is not kept, the next start has another:"), err)
		o.Secret, err = webhook.Secret{Text: webhook.NewSecret(), Fresh: true}, nil
	}
	if err != nil {
		return err
	}
	// Without one the pipeline makes its own, and no AWS configuration is read.
	if endpoint := c.String("endpoint-url"); endpoint != "" {
		cfg, err := deployment.LoadConfig(ctx, p.getenv, endpoint)
		if err != nil {
			return err
		}
		o.Pipeline.AWS = &cfg
	}
	return dev.Run(ctx, p.term, o)
}

// readConsole reads where the console listens. Only the default address gives way
// to another port: one that was asked for is written down elsewhere.
func readConsole(c *cli.Command, o *dev.Options) error {
	const off = "off"
	addr := c.String("console-addr")
	switch o.Open = c.Bool("open"); {
	case addr == "":
		return terminal.Usagef(`--console-addr "" names no address: want HOST:PORT of this machine, or off`)
	case addr == off && o.Open:
		return terminal.Usagef("--open opens the console, which --console-addr off switches off")
	case addr != off:
		o.ConsoleAddr, o.ConsoleAnyPort = addr, !c.IsSet("console-addr")
	}
	return nil
}

// readSettings reads the variables that the functions read, so that dev treats
// events as a deployed stack with the same settings does.
func (p program) readSettings(o *dev.Options) (err error) {
	if o.Pipeline.Instances, err = settings.ReadInstances(p.getenv); err != nil {
		return terminal.Usagef("%w", err)
	}
	if o.Demo && len(o.Pipeline.Instances) > 0 { // else the week would be ignored
		instance, err := sampleInstance()
		if err != nil {
			return err
		}
		p.term.Note("CLERK_INSTANCE_ID keeps out other instances than %s; that of the demo, %s, is let in, too.",
			strings.Join(o.Pipeline.Instances, ", "), instance)
		o.Pipeline.Instances = append(o.Pipeline.Instances, instance)
	}
	if o.Pipeline.Storage, err = settings.ReadStorage(p.getenv); err != nil {
		return fmt.Errorf("the environment: %w", err)
	}
	return nil
}

// sampleInstance is the Clerk instance of the sample events.
func sampleInstance() (string, error) {
	body, err := events.Body("user.created")
	if err != nil {
		return "", fmt.Errorf("read the samples: %w", err)
	}
	var envelope struct {
		Instance string `json:"instance_id"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return "", fmt.Errorf("read the samples: %w", err)
	}
	return envelope.Instance, nil
}
