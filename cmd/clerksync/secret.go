package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/svix"
)

func (e program) secretCommand() *cli.Command {
	flags := func() []cli.Flag {
		return []cli.Flag{
			&cli.StringFlag{Name: "parameter", Value: pipeline.SecretParameter, Usage: "`NAME` of the SSM parameter"},
			endpointFlag(),
		}
	}
	return &cli.Command{
		Name:  "secret",
		Usage: "keep the signing secret in SSM's Parameter Store",
		Commands: []*cli.Command{
			{
				Name: "set", Usage: "put the signing secret there, from a prompt or standard input",
				Description: `The secret is Clerk's: dashboard, Webhooks, the endpoint, Signing Secret. Several,
separated by commas, are all accepted: so it goes while one replaces another.
It is stored as a SecureString and never an argument, for arguments show in the
list of processes.`,
				Flags: flags(), Action: e.secretSet,
				Metadata: terminal.Examples("clerksync secret set", "pbpaste | clerksync secret set --parameter /clerksync/prod/signing-secret"),
			},
			{
				Name: "check", Usage: "say whether the signing secret is there and well formed",
				Flags: flags(), Action: e.secretCheck,
				Metadata: terminal.Examples("clerksync secret check", "clerksync secret check --parameter /clerksync/prod/signing-secret"),
			},
		},
		Metadata: terminal.Examples("clerksync secret set", "clerksync secret check"),
	}
}

func (e program) parameter(ctx context.Context, c *cli.Command) (*deployment.Parameter, error) {
	if c.Args().Present() {
		return nil, terminal.Usagef("%s takes no arguments: a secret never stands on the command line", c.FullName())
	}
	cfg, err := e.awsConfig(ctx, c.String("endpoint-url"), false)
	if err != nil {
		return nil, err
	}
	return deployment.NewParameter(ssm.NewFromConfig(cfg), c.String("parameter")), nil
}

func (e program) secretSet(ctx context.Context, c *cli.Command) error {
	p, err := e.parameter(ctx, c)
	if err != nil {
		return err
	}
	text, err := e.term.ReadSecret("Signing secret (whsec_..., not shown): ")
	if err != nil {
		return fmt.Errorf("read the signing secret: %w", err)
	}
	secrets, err := svix.ParseSecrets(text)
	if err != nil {
		return fmt.Errorf("that is no signing secret: %w. Copy it from Clerk's dashboard, from whsec_ to its end", err)
	}
	if err := p.Write(ctx, strings.TrimSpace(text)); err != nil {
		return err
	}
	e.term.Note("%s %s holds %s. A running stack reads it within 5 minutes, or at the first message signed with it.",
		terminal.Good("Done:"), c.String("parameter"), count(secrets.Len()))
	return nil
}

func (e program) secretCheck(ctx context.Context, c *cli.Command) error {
	p, err := e.parameter(ctx, c)
	if err != nil {
		return err
	}
	text, err := p.Read(ctx)
	if errors.Is(err, deployment.ErrNotFound) {
		return fmt.Errorf("%w\nPut it there with: clerksync secret set --parameter %s", err, c.String("parameter"))
	}
	if err != nil {
		return err
	}
	secrets, err := svix.ParseSecrets(text)
	if err != nil {
		return fmt.Errorf("%s is there and malformed: %w\nPut it there anew with: clerksync secret set --parameter %s", c.String("parameter"), err, c.String("parameter"))
	}
	e.term.Note("%s %s holds %s, well formed.", terminal.Good("ok:"), c.String("parameter"), count(secrets.Len()))
	return nil
}

func count(n int) string {
	if n == 1 {
		return "one signing secret"
	}
	return fmt.Sprintf("%d signing secrets", n)
}
