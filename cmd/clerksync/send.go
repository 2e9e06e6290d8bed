package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// sendCommand plays Svix: for a pipeline on this machine, and for any endpoint
// whose secret the user has.
func (p program) sendCommand() *cli.Command {
	return &cli.Command{
		Name:      "send",
		Usage:     "sign events as Svix does and post them",
		ArgsUsage: "<file | - | event name>...",
		Description: `An event is a file, - for standard input, or the name of a sample; --all sends
every sample. A file may hold several events: a recording of dev --record or of
clerk webhooks listen --json, or one event a line. A recording keeps its ids, so
what is known already counts as a duplicate; --new-ids sends it as new messages.

All goes to clerksync dev unless --to says otherwise, signed now with dev's kept
secret unless --secret or CLERK_WEBHOOK_SIGNING_SECRET says otherwise. The exit
status is 1 unless every answer is 2xx.

--scenario tells a story instead, with new people each time, and says what the
rows show in the end. In a scenario a forged request should be refused:
` + scenarioList(),
		Flags: []cli.Flag{
			text("to", "post to `URL` (default: the webhook of clerksync dev)"),
			text("endpoint-url", "post to the clerksync dev whose AWS endpoint is `URL`"),
			text("secret", "sign with `whsec_...`"),
			text("scenario", "tell the story `NAME` instead of sending events"),
			text("id", "send as message `msg_...` (default: a new id each)"),
			&cli.StringSliceFlag{
				Name: "set",
				Usage: "set a field: `path=value`, the path dotted from the envelope, " +
					"the value JSON, or text where it is not JSON; repeatable",
			},
			&cli.StringSliceFlag{
				Name:  "set-string",
				Usage: "set a field to text, whatever it looks like: `path=text`; after each --set; repeatable",
			},
			toggle("all", "send every sample"),
			&cli.IntFlag{Name: "repeat", Value: 1, Usage: "send `N` messages of each, with new ids"},
			toggle("new-ids", "send the events of a recording under new ids"),
			toggle("duplicate", "send each twice with one id"),
			toggle("tamper", "change the body after signing"),
			&cli.DurationFlag{Name: "skew", Usage: "sign with a clock that is `DURATION` ahead (-10m: behind)"},
			toggle("json", "print one JSON object a line: svix_id, event_type, status, body"),
		},
		DisableSliceFlagSeparator: true,
		Action:                    p.send,
		Metadata: terminal.Examples(
			"clerksync send user.created",
			"clerksync send user.updated --set data.first_name=Ada --set data.updated_at=1772650000000",
			"clerksync send user.updated --set-string data.external_id=0042    # text, not a number",
			"clerksync send --duplicate organization.created",
			"clerksync send --tamper user.deleted            # 400 invalid_signature",
			"clerksync send --skew -10m user.created         # 400 invalid_timestamp",
			"clerksync send --scenario race",
			"clerksync send week.ndjson                      # of: clerksync dev --record week.ndjson",
			"jq -c . event.json | clerksync send - --to https://example.com/webhooks/clerk --secret whsec_..."),
	}
}

// send posts the events one after the other and prints each answer. An endpoint
// that answers ends nothing, whatever it says; one that cannot be reached does.
func (p program) send(ctx context.Context, c *cli.Command) error {
	if c.IsSet("scenario") {
		return p.sendScenario(ctx, c)
	}
	deliveries, err := p.eventsToSend(c)
	if err != nil {
		return err
	}
	to, signer, err := p.findWebhook(ctx, c)
	if err != nil {
		return err
	}
	copies := 1 // of one message: with one id, as a retry of Svix has it
	if c.Bool("duplicate") {
		copies = 2
	}
	// One refusal does not end it: the answers to the rest are worth knowing.
	allAccepted, misdirected := true, false
	for _, d := range deliveries {
		for range c.Int("repeat") {
			r := webhook.Request{ID: d.ID, Body: d.Body, Tamper: c.Bool("tamper"), Skew: c.Duration("skew")}
			if r.ID == "" || c.Bool("new-ids") {
				r.ID = webhook.NewID(p.now())
			}
			for range copies {
				a, err := post(ctx, to, signer, r)
				if err != nil {
					return err
				}
				p.printAnswer(a, c.Bool("json"))
				allAccepted = allAccepted && a.Accepted()
				misdirected = misdirected || a.Status == http.StatusNotFound && !strings.HasSuffix(to, ingest.Path)
			}
		}
	}
	if misdirected {
		p.term.Note("Is something missing at the end of the URL? The webhook's path is %s", ingest.Path)
	}
	if !allAccepted {
		return terminal.ErrReported
	}
	return nil
}

// findWebhook returns where to post, and what signs for it.
func (p program) findWebhook(ctx context.Context, c *cli.Command) (to string, s webhook.Signer, err error) {
	to = c.String("to")
	if c.IsSet("to") {
		if err := webhook.CheckURL(to); err != nil {
			return "", s, err
		}
	}
	if s, err = webhook.NewSigner(c.String("secret"), p.getenv, p.now); err != nil || to != "" {
		return to, s, err
	}
	to, err = names(c).FindWebhook(ctx, p.getenv)
	return to, s, err
}

// post signs a request and posts it.
func post(ctx context.Context, to string, s webhook.Signer, r webhook.Request) (webhook.Answer, error) {
	h, sent := s.Sign(r)
	a, err := webhook.Post(ctx, to, h, sent)
	if err != nil {
		return a, fmt.Errorf("%w\nIs it running? `clerksync dev` starts it; --to names another URL", err)
	}
	return a, nil
}

// printAnswer prints a line an answer: the status is green where Svix would be
// content.
func (p program) printAnswer(a webhook.Answer, asJSON bool) {
	style := terminal.Bad
	if a.Accepted() {
		style = terminal.Good
	}
	if asJSON {
		p.term.PrintJSON(a)
	} else {
		p.term.Print("%s  %-30s  %s  %s", style(a.Status), a.EventType, terminal.Dim(a.SvixID), a.Body)
	}
}
