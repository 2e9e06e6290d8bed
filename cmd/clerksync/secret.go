package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/signature"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/svix"
)

// secretCommand keeps the secret where the deployed ingest function reads it. A
// secret is never an argument, and no output repeats one.
func (p program) secretCommand() *cli.Command {
	flags := func(more ...cli.Flag) []cli.Flag {
		return append([]cli.Flag{
			text("parameter", "`NAME` of the SSM parameter (default: the stack's, or "+pipeline.SecretParameter+")"),
			text("stack", "keep the secret of stack `NAME`"), endpointFlag(),
		}, more...)
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
list of processes.

A parameter that is there stays on its KMS key unless --key-id names another. A
new one gets the stack's SecretKeyArn, else the account's key aws/ssm, with which
everyone who may read the parameter may decrypt it.`,
				Flags:  flags(text("key-id", "encrypt with the KMS key `KEY`: its id, ARN or alias")),
				Action: p.setSecret,
				Metadata: terminal.Examples(
					"clerksync secret set",
					"pbpaste | clerksync secret set --stack clerksync-prod",
					"clerksync secret set --parameter /clerksync/prod/signing-secret --key-id KEY_ARN"),
			},
			{
				Name: "check", Usage: "say whether the signing secret is there, well formed, and on which key",
				Description: `With --stack it also warns where the KMS key of the parameter is not the one that
the stack's ingest function may decrypt with.`,
				Flags: flags(), Action: p.checkSecret,
				Metadata: terminal.Examples(
					"clerksync secret check --stack clerksync-prod",
					"clerksync secret check --parameter /clerksync/prod/signing-secret"),
			},
		},
		Metadata: terminal.Examples("clerksync secret set", "clerksync secret check"),
	}
}

// secretParameter is the parameter that the flags name: in AWS, for a
// `clerksync dev` has its secret already, unless an endpoint is named.
type secretParameter struct {
	*deployment.Parameter
	name  string
	stack *deployment.Stack // nil where none is named
}

// openParameter opens it. It needs neither the tables nor the queues of the
// stack, so it does not look for them: the user may have rights to the parameter
// alone.
func (p program) openParameter(ctx context.Context, c *cli.Command) (s secretParameter, err error) {
	cfg, err := deployment.LoadConfig(ctx, p.getenv, c.String("endpoint-url"))
	if err != nil {
		return s, err
	}
	s.name = c.String("parameter")
	if stack := c.String("stack"); stack != "" {
		if s.stack, err = deployment.ReadStack(ctx, cfg, stack); err != nil {
			return s, err
		}
		s.name = cmp.Or(s.name, s.stack.SecretParameter())
	}
	// The default is the template's, too, so that a first deployment needs no flag.
	s.name = cmp.Or(s.name, pipeline.SecretParameter)
	s.Parameter = deployment.NewParameter(cfg, s.name)
	return s, nil
}

// warnOfKey warns where the stack's function may not decrypt with the key, or
// others than it may.
func (p program) warnOfKey(s secretParameter, key string) {
	if s.stack == nil {
		return
	}
	if problem, mend := s.stack.CheckSecretKey(s.name, key); problem != "" {
		p.term.Note("%s %s.", terminal.Warn("warning:"), problem)
		p.term.Note("  %s", mend)
	}
}

// setSecret stores the secret in the parameter that the flags name.
func (p program) setSecret(ctx context.Context, c *cli.Command) error {
	parameter, err := p.openParameter(ctx, c)
	if err == nil {
		_, err = p.keepSecret(ctx, parameter, c.String("key-id"))
	}
	return err
}

// keepSecret takes the secret and stores the text only if it parses: what is there
// stays where a typing mistake would replace it. It returns the KMS key that
// encrypts it.
func (p program) keepSecret(ctx context.Context, parameter secretParameter, keyID string) (key string, err error) {
	text, err := p.term.ReadSecret("Signing secret (whsec_..., not shown): ")
	if err != nil {
		return "", fmt.Errorf("read the signing secret: %w", err)
	}
	plain, _ := signature.DecodeText([]byte(text)) // a file of PowerShell's is UTF-16
	text = string(plain)
	// The error of ParseSecrets names a secret by its place, never by its text.
	secrets, err := svix.ParseSecrets(text)
	if err != nil {
		return "", fmt.Errorf("the text cannot be a signing secret: %w. "+
			"Copy it from Clerk's dashboard, from whsec_ to its end", err)
	}
	newKey := ""
	if parameter.stack != nil {
		newKey = parameter.stack.SecretKey()
	}
	key, err = parameter.Write(ctx, strings.TrimSpace(text), keyID, newKey)
	if err != nil {
		return "", err //nolint:wrapcheck // it names the parameter
	}
	p.term.Note("%s %s holds %s, encrypted with %s. "+
		"A running stack reads it within 5 minutes, or at the first message signed with it.",
		terminal.Good("Done:"), parameter.name, webhook.CountSecrets(secrets), key)
	p.warnOfKey(parameter, key)
	return key, nil
}

// checkSecret says whether ingest could read the parameter: a missing or malformed
// one makes it answer 500 not_configured. A key that cannot be read is a warning,
// for it says nothing of the secret.
func (p program) checkSecret(ctx context.Context, c *cli.Command) error {
	parameter, err := p.openParameter(ctx, c)
	if err != nil {
		return err
	}
	name := parameter.name
	text, kind, err := parameter.Read(ctx)
	if errors.Is(err, deployment.ErrNotFound) {
		return fmt.Errorf("%w\nPut it there with: clerksync secret set --parameter %s%s", err, name, names(c).Flags())
	}
	if err != nil {
		return err
	}
	secrets, err := svix.ParseSecrets(text)
	if err != nil {
		return fmt.Errorf("%s is there and malformed: %w\nPut it there anew with: "+
			"clerksync secret set --parameter %s%s", name, err, name, names(c).Flags())
	}
	key, err := parameter.ReadKey(ctx)
	switch {
	case kind != deployment.SecureString:
		p.term.Note("%s %s holds %s, well formed.", terminal.Good("ok:"), name, webhook.CountSecrets(secrets))
		p.term.Note("%s it is a %s and not encrypted: delete it, then put it there with: "+
			"clerksync secret set --parameter %s%s", terminal.Warn("warning:"), kind, name, names(c).Flags())
	case err != nil:
		p.term.Note("%s %s holds %s, well formed.", terminal.Good("ok:"), name, webhook.CountSecrets(secrets))
		p.term.Note("%s cannot %s (ssm:DescribeParameters)", terminal.Warn("warning:"), err)
	default:
		p.term.Note("%s %s holds %s, well formed, encrypted with %s.",
			terminal.Good("ok:"), name, webhook.CountSecrets(secrets), key)
		p.warnOfKey(parameter, key)
	}
	return nil
}
