package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/signature"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/settings"
)

func (e program) doctorSignatureCommand() *cli.Command {
	return &cli.Command{
		Name:      "signature",
		Usage:     "say why a request's signature does not match",
		UsageText: "clerksync doctor signature --headers FILE [--body FILE] [--secret whsec_...]... [flags]",
		Description: `It tries what usually happens to secrets, headers and bodies until the signature
matches, and says which it was: another secret of those at hand, one pasted with
something around it, a body that was parsed and printed again, line ends, base64,
headers of another attempt, a clock.

The headers are lines (name: value), as of curl -v or a log, with the body behind
a blank line or in a file of its own; or a JSON object; or an event of API
Gateway, which holds the body too. More --headers lend ids, timestamps and
signatures that may have been mixed up. The first --secret is what the endpoint
verifies with. Without one it is the stack's, the environment's, or clerksync
dev's; all of these are tried. No secret is ever printed.

The exit status is 0 if the endpoint would accept the request, else 1.`,
		DisableSliceFlagSeparator: true,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "headers", Usage: "`FILE` with the request's headers, - for standard input; repeatable"},
			&cli.StringFlag{Name: "body", Usage: "`FILE` with the body, byte for byte"},
			&cli.StringSliceFlag{Name: "secret", Usage: "a secret to try, `whsec_...`; repeatable"},
			&cli.StringFlag{Name: "parameter", Usage: "`NAME` of an SSM parameter with secrets to try"},
			&cli.StringFlag{Name: "stack", Usage: "try the secret of stack `NAME`"},
			&cli.TimestampFlag{Name: "at", Usage: "check the clock as at `TIME` (RFC 3339; default: the event's, or now)", Config: cli.TimestampConfig{Layouts: []string{time.RFC3339Nano}}},
			endpointFlag(),
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object: good, secret (where it is from), findings"},
		},
		Action: e.doctorSignature,
		Metadata: terminal.Examples(
			"clerksync doctor signature --headers headers.txt --body body.json",
			"clerksync doctor signature --headers event.json --stack clerksync-prod   # an event of API Gateway",
			"clerksync sign user.created | clerksync doctor signature --headers -",
			"clerksync doctor signature --headers h.txt --body b.json --json | jq -r '.findings[].cause'"),
	}
}

func (e program) doctorSignature(ctx context.Context, c *cli.Command) error {
	files := c.StringSlice("headers")
	if len(files) == 0 || c.Args().Present() {
		return terminal.Usagef("doctor signature needs --headers FILE, and --body FILE unless the headers' file holds the body")
	}
	if c.String("body") == "-" && files[0] == "-" {
		return terminal.Usagef("headers and body cannot both be standard input")
	}
	var in signature.Capture
	var others []map[string][]string
	for i, file := range files {
		text, err := e.term.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read the request: %w", err)
		}
		got, err := signature.ParseCapture(text)
		if err != nil {
			return fmt.Errorf("read the headers of %s: %w", file, err)
		}
		if i == 0 {
			in = got
		} else {
			others = append(others, got.Header)
		}
	}
	if file := c.String("body"); file != "" {
		body, err := e.term.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read the request: %w", err)
		}
		in.Body, in.HasBody = body, true
	}
	if !in.HasBody {
		return terminal.Usagef("%s holds no body: give it with --body FILE", files[0])
	}
	secrets, err := e.secretsAtHand(ctx, c)
	if err != nil {
		return err
	}
	if len(secrets) == 0 {
		return terminal.Usagef("no secret at hand: give one with --secret, --parameter or --stack")
	}
	at := in.Received
	if t := c.Timestamp("at"); !t.IsZero() {
		at = t
	}
	if at.IsZero() {
		at = e.now()
	}
	r := signature.Diagnose(signature.Request{Header: in.Header, Body: in.Body, Others: others, Received: at, Secrets: secrets})
	e.showDiagnosis(r, c.Bool("json"))
	if !r.Good {
		return terminal.ErrReported
	}
	return nil
}

// secretsAtHand are those that may have signed, the endpoint's own first.
func (e program) secretsAtHand(ctx context.Context, c *cli.Command) (out []signature.Secret, err error) {
	given := c.StringSlice("secret")
	for i, text := range given {
		from := "--secret"
		if len(given) > 1 {
			from = fmt.Sprintf("--secret number %d", i+1)
		}
		out = append(out, signature.Secret{From: from, Text: text})
	}
	name := c.String("parameter")
	if c.String("stack") != "" || name != "" {
		p := &place{stack: c.String("stack")}
		if p.aws, err = e.awsConfig(ctx, c.String("endpoint-url"), false); err != nil {
			return nil, err
		}
		if p.stack != "" && name == "" {
			if err := p.describe(ctx); err != nil {
				return nil, err
			}
			if name = p.parameters["SecretParameterName"]; name == "" {
				name = pipeline.SecretParameter
			}
		}
		text, err := deployment.NewParameter(ssm.NewFromConfig(p.aws), name).Read(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, signature.Secret{From: "parameter " + name, Text: text})
	}
	for _, variable := range []string{settings.EnvSigningSecret, settings.EnvSecret} {
		if text := e.getenv(variable); strings.TrimSpace(text) != "" {
			out = append(out, signature.Secret{From: variable, Text: text})
		}
	}
	if path, err := e.keptSecretPath(); err == nil { // it is looked at, not made
		if b, err := os.ReadFile(path); err == nil {
			out = append(out, signature.Secret{From: "clerksync dev", Text: strings.TrimSpace(string(b))})
		}
	}
	return out, nil
}

func (e program) showDiagnosis(r signature.Result, asJSON bool) {
	if asJSON {
		if r.Findings == nil {
			r.Findings = []signature.Finding{}
		}
		e.term.PrintJSON(r)
		return
	}
	switch {
	case r.Good:
		e.term.Print("%s the secret from %s signed it, and the endpoint accepts it.", terminal.Good("good:"), r.Secret)
	case len(r.Findings) == 0:
		e.term.Print("%s none of the known causes.", terminal.Bad("does not match:"))
		e.term.Print("  The likeliest that is left: it is signed with the secret of another endpoint or instance, or the body's content was changed. Compare it with the message in Clerk's dashboard, Webhooks, the endpoint, Message Attempts.")
	}
	for _, f := range r.Findings {
		style := terminal.Style(terminal.Bad)
		if r.Good {
			style = terminal.Warn
		}
		doubt := ""
		if !f.Proven {
			doubt = "probably: "
		}
		e.term.Print("%s %s%s.", style(string(f.Cause)+":"), doubt, f.Detail)
		e.term.Print("  %s", f.Mend)
	}
}
