package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/signature"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/settings"
)

// doctorSignatureCommand explains why one request was refused. It needs no
// deployment: a file with the request and a secret are enough.
func (p program) doctorSignatureCommand() *cli.Command {
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
Gateway, or lines of clerk webhooks listen --json or of dev --record, which hold
the body too (of several lines the last that was refused counts, else the last).
More --headers lend ids, timestamps and signatures that may have been mixed up.
UTF-16 is read. The first --secret is what the endpoint verifies with. Without
one it is the stack's, the environment's, or clerksync dev's; all of these are
tried. No secret is ever printed.

The exit status is 0 if the endpoint would accept the request, else 1.`,
		DisableSliceFlagSeparator: true,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{
				Name: "headers", Usage: "`FILE` with the request's headers, - for standard input; repeatable",
			},
			text("body", "`FILE` with the body, byte for byte"),
			&cli.StringSliceFlag{Name: "secret", Usage: "a secret to try, `whsec_...`; repeatable"},
			text("parameter", "`NAME` of an SSM parameter with secrets to try"),
			text("stack", "try the secret of stack `NAME`"),
			&cli.TimestampFlag{
				Name: "at", Usage: "check the clock as at `TIME` (RFC 3339; default: the event's, or now)",
				Config: cli.TimestampConfig{Layouts: []string{time.RFC3339Nano}},
			},
			endpointFlag(),
			toggle("json", "print one JSON object: good, secret (where it is from), findings"),
		},
		Action: p.explainSignature,
		Metadata: terminal.Examples(
			"clerksync doctor signature --headers headers.txt --body body.json",
			"clerksync doctor signature --headers event.json --stack clerksync-prod   # an event of API Gateway",
			"clerksync sign user.created | clerksync doctor signature --headers -",
			"clerksync doctor signature --headers deliveries.ndjson   # of: clerk webhooks listen --json",
			"clerksync doctor signature --headers h.txt --body b.json --json | jq -r '.findings[].cause'"),
	}
}

// explainSignature collects the request and the secrets at hand, and lets package
// signature find what matches.
func (p program) explainSignature(ctx context.Context, c *cli.Command) error {
	r, err := p.readRequest(c)
	if err != nil {
		return err
	}
	if r.Secrets, err = p.secretsToTry(ctx, c); err != nil {
		return err
	}
	// Nothing could match, and "no cause found" would look like a finding.
	if len(r.Secrets) == 0 {
		return terminal.Usagef("no secret at hand: give one with --secret, --parameter or --stack")
	}
	result := signature.Diagnose(r)
	p.printResult(result, c.Bool("json"))
	if !result.Good {
		return terminal.ErrReported
	}
	return nil
}

// readRequest reads the request from the files that the flags name. The first
// --headers is the request; others lend their headers. A body of its own goes
// before one that is recorded with the headers, and --at before the time there.
func (p program) readRequest(c *cli.Command) (r signature.Request, err error) {
	files, bodyFile := c.StringSlice("headers"), c.String("body")
	if len(files) == 0 {
		return r, terminal.Usagef("doctor signature needs --headers FILE, and --body FILE unless that holds it")
	}
	if bodyFile == "-" && files[0] == "-" {
		return r, terminal.Usagef("headers and body cannot both be standard input")
	}
	captures := make([]signature.Capture, len(files))
	for i, file := range files {
		text, err := p.term.ReadFile(file)
		if err != nil {
			return r, fmt.Errorf("read the request: %w", err)
		}
		if captures[i], err = signature.ParseCapture(text); err != nil {
			return r, fmt.Errorf("read the headers of %s: %w", file, err)
		}
		if i > 0 {
			r.Others = append(r.Others, captures[i].Header)
		}
		// Of the other deliveries in the file one may have lent its headers, too.
		r.Others = append(r.Others, captures[i].Others...)
	}
	r.Header, r.Body, r.Received = captures[0].Header, captures[0].Body, captures[0].Received
	switch {
	case bodyFile != "":
		if r.Body, err = p.term.ReadFile(bodyFile); err != nil {
			return r, fmt.Errorf("read the request: %w", err)
		}
	case !captures[0].HasBody:
		return r, terminal.Usagef("%s holds no body: give it with --body FILE", files[0])
	}
	if at := c.Timestamp("at"); !at.IsZero() {
		r.Received = at
	}
	if r.Received.IsZero() {
		r.Received = p.now()
	}
	return r, nil
}

// secretsToTry are those that may have signed, the endpoint's own first. The kept
// secret of `clerksync dev` is looked at and never made: a new one signed nothing.
func (p program) secretsToTry(ctx context.Context, c *cli.Command) (out []signature.Secret, err error) {
	given := c.StringSlice("secret")
	for i, text := range given {
		from := "--secret"
		if len(given) > 1 {
			from = fmt.Sprintf("--secret number %d", i+1)
		}
		out = append(out, signature.Secret{From: from, Text: text})
	}
	if c.String("stack") != "" || c.String("parameter") != "" {
		parameter, err := p.openParameter(ctx, c)
		if err != nil {
			return nil, err
		}
		text, _, err := parameter.Read(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, signature.Secret{From: "parameter " + parameter.name, Text: text})
	}
	for _, variable := range []string{settings.EnvSigningSecret, settings.EnvSecret} {
		if text := p.getenv(variable); strings.TrimSpace(text) != "" {
			out = append(out, signature.Secret{From: variable, Text: text})
		}
	}
	if path, err := webhook.KeptSecretPath(); err == nil {
		if b, err := os.ReadFile(path); err == nil {
			out = append(out, signature.Secret{From: "clerksync dev", Text: strings.TrimSpace(string(b))})
		}
	}
	return out, nil
}

// printResult prints the findings, each with how to mend it. Where the request is
// good they are warnings: something is odd and does no harm.
func (p program) printResult(r signature.Result, asJSON bool) {
	if asJSON {
		if r.Findings == nil {
			r.Findings = []signature.Finding{}
		}
		p.term.PrintJSON(r)
		return
	}
	style := terminal.Bad
	switch {
	case r.Good:
		style = terminal.Warn
		p.term.Print("%s the secret from %s signed it, and the endpoint accepts it.", terminal.Good("good:"), r.Secret)
	case len(r.Findings) == 0:
		p.term.Print("%s none of the known causes.", terminal.Bad("does not match:"))
		p.term.Print("  The likeliest that is left: it is signed with the secret of another endpoint or instance, " +
			"or the body's content was changed. Compare it with the message in Clerk's dashboard, Webhooks, " +
			"the endpoint, Message Attempts.")
	}
	for _, f := range r.Findings {
		doubt := ""
		if !f.Proven {
			doubt = "probably: "
		}
		p.term.Print("%s %s%s.", style(string(f.Cause)+":"), doubt, f.Detail)
		p.term.Print("  %s", f.Mend)
	}
}
