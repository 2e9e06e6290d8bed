package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/svix"
)

// signCommand makes what AWS hands to the functions, for sam local, which invokes
// one of them with a file.
func (p program) signCommand() *cli.Command {
	return &cli.Command{
		Name:      "sign",
		Usage:     "make freshly signed requests for sam local",
		ArgsUsage: "[file | - | event name]",
		Description: `With an event it prints the request that API Gateway would hand to the ingest
function. Without one it writes the sample requests and batches of events/apigw
and events/sqs afresh, for a signature is good for 5 minutes. It signs with the
secret that send would use.`,
		Flags: []cli.Flag{
			text("secret", "sign with `whsec_...`"),
			&cli.StringFlag{Name: "dir", Value: "events", Usage: "write the samples below `DIR`"},
			&cli.TimestampFlag{
				Name:   "at",
				Usage:  "sign as at `TIME` (RFC 3339) instead of now",
				Config: cli.TimestampConfig{Layouts: []string{time.RFC3339}},
			},
		},
		Action: p.sign,
		Metadata: terminal.Examples(
			"clerksync sign user.created | sam local invoke IngestFunction -e -",
			"clerksync sign && sam local invoke IngestFunction -e events/apigw/valid.json"),
	}
}

// sign prints one event or writes all samples. --at makes both reproducible: the
// samples in the repository are those of one fixed time.
func (p program) sign(_ context.Context, c *cli.Command) error {
	// Several events would be several JSON objects, of which sam local takes one.
	names := terminal.Files(c)
	if len(names) > 1 {
		return terminal.Usagef("sign takes one event, or none for all samples")
	}
	// With the secret that dev has, so that functions that are started beside it accept
	// what is signed.
	signer, err := webhook.NewSigner(c.String("secret"), p.getenv, p.now)
	if err != nil {
		return err
	}
	if at := c.Timestamp("at"); !at.IsZero() {
		signer.Now = func() time.Time { return at }
	}
	if len(names) == 0 {
		n, err := signer.WriteSamples(c.String("dir"))
		if err == nil {
			until := signer.Now().Add(svix.Tolerance).Format(time.TimeOnly)
			p.term.Note("%s %d samples below %s, good until %s", terminal.Good("Signed:"), n, c.String("dir"), until)
		}
		return err
	}
	body, err := p.readEvent(names[0])
	if err != nil {
		return err
	}
	p.term.PrintJSON(signer.GatewayEvent(webhook.Request{ID: webhook.NewID(p.now()), Body: body}))
	return nil
}
