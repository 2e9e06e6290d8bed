package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/pkg/awsclient"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/settings"
)

// Where `dev` listens unless told otherwise, and `send` and `get` look.
const (
	defaultAddr    = "127.0.0.1:3000"
	defaultAWSAddr = "127.0.0.1:4566"
	defaultURL     = "http://" + defaultAddr + ingest.Path
)

func (e program) devCommand() *cli.Command {
	return &cli.Command{
		Name:  "dev",
		Usage: "run the whole pipeline in this process: webhook, queue, sync, tables",
		Description: `Ingest and sync are the code that runs in Lambda. Queue and tables are embedded,
in memory, and served at the AWS endpoint to the AWS CLI, any SDK and sam local
(any credentials, region us-east-1). CLERK_INSTANCE_ID, DELETION_POLICY and
OBJECT_STORAGE are obeyed as by the functions. Ctrl-C finishes what is in flight.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "addr", Value: defaultAddr, Usage: "listen for webhooks at `HOST:PORT`; port 0 means any free one"},
			&cli.StringFlag{Name: "aws-addr", Value: defaultAWSAddr, Usage: "serve DynamoDB, SQS and SSM at `HOST:PORT`"},
			&cli.StringFlag{Name: "secret", Usage: "signing secret `whsec_...`, several by comma (default: one that is made once and kept)"},
			&cli.StringFlag{Name: "endpoint-url", Usage: "use the DynamoDB and SQS at `URL`, creating tables and queues that are missing"},
			&cli.BoolFlag{Name: "demo", Usage: "send sample events through at the start and show what became of them"},
			&cli.BoolFlag{Name: "once", Usage: "with --demo: exit after it, 0 if all came out as it should"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object a line"},
			&cli.BoolFlag{Name: "print-secret", Usage: "print the kept signing secret and exit"},
		},
		Action: e.dev,
		Metadata: terminal.Examples(
			"clerksync dev --demo",
			"clerksync dev --secret whsec_...      # Clerk's, with: clerk webhooks listen --forward-to http://127.0.0.1:3000/webhooks/clerk",
			"clerksync dev --addr 127.0.0.1:0 --aws-addr 127.0.0.1:0 --json",
			"aws --endpoint-url http://127.0.0.1:4566 dynamodb scan --table-name clerksync-directory"),
	}
}

func (e program) dev(ctx context.Context, c *cli.Command) error {
	switch {
	case c.Args().Present():
		return terminal.TakeNothing(c)
	case c.Bool("once") && !c.Bool("demo"):
		return terminal.Usagef("--once goes with --demo")
	case c.Bool("print-secret"):
		secret, err := e.keptSecret()
		if err == nil {
			e.term.PrintText(secret)
		}
		return err
	}
	o, secret, err := e.devOptions(ctx, c)
	if err != nil {
		return err
	}
	screen := newScreen(e, c.Bool("json"))
	demo := newDemo(screen)
	o.OnRequest, o.OnMessage, o.Warn = demo.request, demo.message, screen.warn
	p, err := pipeline.Start(ctx, o)
	if err != nil {
		return fmt.Errorf("start %w%s", err, hint(c, err))
	}
	screen.ready(p, secret, c.Bool("demo"))
	if c.Bool("demo") {
		if err := demo.run(ctx, p, o.Secrets); err != nil || c.Bool("once") {
			p.Stop(ctx)
			return err
		}
		screen.next(p, secret)
	}
	<-ctx.Done()
	screen.note("Finishing what is in flight.")
	p.Stop(ctx)
	return terminal.ErrInterrupted
}

func hint(c *cli.Command, err error) string {
	var addr *net.AddrError
	switch {
	case errors.As(err, &addr):
		return "\n--addr and --aws-addr are HOST:PORT, such as 127.0.0.1:3000; port 0 means any free one."
	case c.String("endpoint-url") != "":
		return "\nIs it running, and are --endpoint-url and the AWS credentials right?"
	}
	return "\nIs another clerksync dev running? Choose other ports with --addr and --aws-addr; port 0 means any free one."
}

func (e program) devOptions(ctx context.Context, c *cli.Command) (o pipeline.Options, secret devSecret, err error) {
	o = pipeline.Options{Addr: c.String("addr"), AWSAddr: c.String("aws-addr")}
	if o.Instances, err = settings.ReadInstances(e.getenv); err != nil {
		return o, secret, terminal.Usagef("%w", err)
	}
	if secret, err = e.secret(c.String("secret")); err != nil {
		return o, secret, err
	}
	o.Secret = secret.text
	if o.Secrets, err = secret.parse(); err != nil {
		return o, secret, err
	}
	if o.Storage, err = settings.ReadStorage(e.getenv); err != nil {
		return o, secret, fmt.Errorf("the environment: %w", err)
	}
	if endpoint := c.String("endpoint-url"); endpoint != "" {
		o.AWS, err = outside(ctx, e, endpoint)
	}
	return o, secret, err
}

// outside is the configuration for an AWS endpoint that the user names, with
// the user's own credentials, or any where there are none.
func outside(ctx context.Context, e program, endpoint string) (*aws.Config, error) {
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, terminal.Usagef("--endpoint-url %q is no http or https URL", endpoint)
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithBaseEndpoint(endpoint))
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		cfg.Region = emulator.Region
	}
	if e.getenv("AWS_ACCESS_KEY_ID") == "" && e.getenv("AWS_PROFILE") == "" {
		cfg.Credentials = credentials.NewStaticCredentialsProvider("local", "local", "")
	}
	if cfg.Credentials == nil {
		return nil, errors.New("no AWS credentials")
	}
	cfg.HTTPClient = awsclient.NewHTTPClient(cfg.HTTPClient)
	return &cfg, nil
}
