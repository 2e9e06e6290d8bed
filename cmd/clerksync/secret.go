package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/svix"
)

// secretCommand keeps the secret where the deployed ingest function reads it. A
// secret is never an argument, and no output repeats one.
func (p program) secretCommand() *cli.Command {
	// The default is the stack's, too, so that a first deployment needs no flag.
	flags := func() []cli.Flag {
		return []cli.Flag{textOr(pipeline.SecretParameter, "parameter", "`NAME` of the SSM parameter"), endpointFlag()}
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
				Flags: flags(), Action: p.setSecret,
				Metadata: terminal.Examples(
					"clerksync secret set",
					"pbpaste | clerksync secret set --parameter /clerksync/prod/signing-secret"),
			},
			{
				Name: "check", Usage: "say whether the signing secret is there and well formed",
				Flags: flags(), Action: p.checkSecret,
				Metadata: terminal.Examples(
					"clerksync secret check",
					"clerksync secret check --parameter /clerksync/prod/signing-secret"),
			},
		},
		Metadata: terminal.Examples("clerksync secret set", "clerksync secret check"),
	}
}

// openParameter opens the parameter that the flags name: in AWS, for a
// `clerksync dev` has its secret already, unless an endpoint is named.
func (p program) openParameter(ctx context.Context, c *cli.Command) (*deployment.Parameter, error) {
	cfg, err := deployment.LoadConfig(ctx, p.getenv, c.String("endpoint-url"))
	if err != nil {
		return nil, err
	}
	return deployment.NewParameter(cfg, c.String("parameter")), nil
}

// setSecret stores the text only if it parses: what is there stays where a typing
// mistake would replace it.
func (p program) setSecret(ctx context.Context, c *cli.Command) error {
	parameter, err := p.openParameter(ctx, c)
	if err != nil {
		return err
	}
	text, err := p.term.ReadSecret("Signing secret (whsec_..., not shown): ")
	if err != nil {
		return fmt.Errorf("read the signing secret: %w", err)
	}
	// The error of ParseSecrets names a secret by its place, never by its text.
	secrets, err := svix.ParseSecrets(text)
	if err != nil {
		return fmt.Errorf("the text cannot be a signing secret: %w. "+
			"Copy it from Clerk's dashboard, from whsec_ to its end", err)
	}
	if err := parameter.Write(ctx, strings.TrimSpace(text)); err != nil {
		return err
	}
	p.term.Note("%s %s holds %s. A running stack reads it within 5 minutes, or at the first message signed with it.",
		terminal.Good("Done:"), c.String("parameter"), webhook.CountSecrets(secrets))
	return nil
}

// checkSecret says whether ingest could read the parameter: a missing or malformed
// one makes it answer 500 not_configured.
func (p program) checkSecret(ctx context.Context, c *cli.Command) error {
	parameter, err := p.openParameter(ctx, c)
	if err != nil {
		return err
	}
	name := c.String("parameter")
	text, _, err := parameter.Read(ctx)
	if errors.Is(err, deployment.ErrNotFound) {
		return fmt.Errorf("%w\nPut it there with: clerksync secret set --parameter %s", err, name)
	}
	if err != nil {
		return err
	}
	secrets, err := svix.ParseSecrets(text)
	if err != nil {
		return fmt.Errorf("%s is there and malformed: %w\nPut it there anew with: clerksync secret set --parameter %s",
			name, err, name)
	}
	p.term.Note("%s %s holds %s, well formed.", terminal.Good("ok:"), name, webhook.CountSecrets(secrets))
	return nil
}
