package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/clerk"
)

// connectCommand leads from a deployment that Clerk does not know to one that
// receives its events and has its users. Clerk documents no way to make an
// endpoint by program, so that one step is the user's, on a page that is linked.
func (p program) connectCommand() *cli.Command {
	flags := append(stackFlags(),
		&cli.DurationFlag{
			Name: "timeout", Value: 10 * time.Minute, Usage: "wait `DURATION` for the first signed request",
			Validator: func(d time.Duration) error {
				if d <= 0 {
					return terminal.Usagef("want a duration above 0")
				}
				return nil
			},
		},
		rateFlag(),
		toggle("yes", "answer both questions with yes; then standard input holds the signing secret alone"),
		toggle("json", "print one JSON object a line, a line for each step"))
	return &cli.Command{
		Name:  "connect",
		Usage: "let Clerk send its events to a stack, step by step",
		Description: `It shows whose secret key it was given and asks, links to Clerk's page for webhooks
with the URL to enter and the events to tick, takes the signing secret that the
page then shows and keeps it as secret set does, waits for the first request that
Clerk signed ("Send example" on that page is enough), and offers the backfill of
the users who are there already.

Clerk's secret key is asked for, or in CLERK_SECRET_KEY; CLERK_API_URL is another
address of Clerk's API. At Clerk it reads, and makes the instance's webhook
application where there is none yet; it deletes nothing.

Without --stack it is for a clerksync dev, which keeps the secret that it began
with: to receive real events start it with that one, behind a tunnel.`,
		Flags: flags, Action: p.connect,
		Metadata: terminal.Examples(
			"clerksync connect --stack clerksync",
			"clerksync connect --stack clerksync --yes --json < signing-secret.txt"),
	}
}

// The lines of --json, one for each step that is done.
type (
	instanceLine struct {
		Event       string `json:"event"` // instance
		ID          string `json:"id"`
		Environment string `json:"environment"`
	}
	endpointLine struct {
		Event       string   `json:"event"` // endpoint
		SettingsURL string   `json:"settings_url"`
		URL         string   `json:"url"`
		Events      []string `json:"events"`
	}
	secretLine struct {
		Event     string `json:"event"` // secret
		Parameter string `json:"parameter"`
		Key       string `json:"key"` // of KMS
	}
	signedLine struct {
		Event string `json:"event"` // signed_request
		At    string `json:"at"`
	}
)

// connect does its steps in an order in which each that fails leaves what is
// there as it was: nothing is written before the instance is known to be the one
// whose rows the tables hold.
func (p program) connect(ctx context.Context, c *cli.Command) error {
	d, err := p.findDeployment(ctx, c)
	if err != nil {
		return err
	}
	if err := d.FindAll(ctx); err != nil {
		return err
	}
	storage, err := d.ReadStorage(ctx, p.getenv)
	if err != nil {
		return err
	}
	instance, err := p.openClerkFor(ctx, c, d)
	if err != nil {
		return err
	}
	p.term.Note("Clerk instance %s (%s), %s", instance.ID, instance.Environment, d)
	p.printStep(c, instanceLine{Event: "instance", ID: instance.ID, Environment: instance.Environment})
	if !p.agree(c, "Is this the instance whose users belong there?") {
		return errors.New("nothing was changed: give the secret key of the right instance, " +
			"or name its stack with --stack")
	}
	if err := p.showEndpoint(ctx, c, d, instance); err != nil {
		return err
	}
	begin := p.now()
	if err := p.takeSecret(ctx, c, d); err != nil {
		return err
	}
	if err := p.waitForRequest(ctx, c, d, begin); err != nil {
		return err
	}
	if !p.agree(c, "Bring the users and organizations that Clerk has already into the table now "+
		"(clerksync backfill)?") {
		return nil
	}
	return p.backfillFrom(ctx, c, d, instance, storage, nil)
}

// agree asks, unless --yes has answered.
func (p program) agree(c *cli.Command, question string) bool {
	return c.Bool("yes") || p.term.Confirm(question)
}

func (p program) printStep(c *cli.Command, line any) {
	if c.Bool("json") {
		p.term.PrintJSON(line)
	}
}

// eventsToTick are the types that are kept. Of any other nothing is stored, so
// that to tick it would only cost requests.
func eventsToTick() (types []string) {
	for _, f := range clerk.KeptFamilies() {
		for _, event := range f.Events {
			types = append(types, f.Name+"."+event)
		}
	}
	return types
}

// showEndpoint shows where to make the endpoint, and with what. The link holds a
// token that can be used once: it is printed and nowhere else.
func (p program) showEndpoint(ctx context.Context, c *cli.Command, d *deployment.Deployment, i clerkInstance) error {
	link, err := i.WebhookSettingsURL(ctx)
	if err != nil {
		return fmt.Errorf("ask Clerk for the link to its webhook settings: %w", err)
	}
	types := eventsToTick()
	if c.Bool("json") {
		p.term.PrintJSON(endpointLine{Event: "endpoint", SettingsURL: link, URL: d.WebhookURL, Events: types})
		return nil
	}
	p.term.Print("1. Open, once: %s", link)
	p.term.Print("2. Add an endpoint with this URL: %s", d.WebhookURL)
	p.term.Print("3. Tick exactly these events:")
	for _, name := range types {
		p.term.Print("     %s", name)
	}
	p.term.Print("4. Create it, and copy its Signing Secret, whsec_...")
	return nil
}

// takeSecret keeps the secret where the deployment's ingest reads it.
func (p program) takeSecret(ctx context.Context, c *cli.Command, d *deployment.Deployment) error {
	parameter := secretParameter{name: pipeline.SecretParameter, stack: d.Stack}
	if d.Stack != nil {
		parameter.name = d.Stack.SecretParameter()
	}
	parameter.Parameter = deployment.NewParameter(d.AWS, parameter.name)
	key, err := p.keepSecret(ctx, parameter, "")
	if err != nil {
		return err
	}
	p.printStep(c, secretLine{Event: "secret", Parameter: parameter.name, Key: key})
	return nil
}

// pollInterval is how often a stack's metrics are asked for the first request: a
// hundred times in ten minutes are a quarter of a cent. A dev is asked more often.
const (
	pollInterval    = 6 * time.Second
	devPollInterval = 200 * time.Millisecond
)

// waitForRequest waits until the deployment has taken a request that Clerk
// signed. One whose signature does not match is said at once: the secret that was
// pasted may be another endpoint's.
func (p program) waitForRequest(ctx context.Context, c *cli.Command, d *deployment.Deployment, begin time.Time) error {
	timeout := c.Duration("timeout")
	p.term.Note("Waiting %v for the first signed request. On the endpoint's page, Testing: send an example of "+
		"user.created, or change a user. A stack shows it after a minute or two.", timeout)
	ticker := time.NewTicker(pollInterval)
	if d.Stack == nil {
		ticker.Reset(devPollInterval)
	}
	defer ticker.Stop()
	deadline, warned := time.After(timeout), false
	for {
		seen, err := d.RequestsSince(ctx, begin, p.now())
		if err != nil {
			return err
		}
		if !seen.Signed.IsZero() {
			at := deployment.FormatTime(seen.Signed)
			p.term.Note("%s a request that Clerk signed came at %s.", terminal.Good("Done:"), at)
			p.printStep(c, signedLine{Event: "signed_request", At: at})
			return nil
		}
		if seen.Refused > 0 && !warned {
			warned = true
			p.term.Note("%s %d signatures were refused: is the secret this endpoint's? "+
				"A running stack needs up to 5 minutes to read it.", terminal.Warn("warning:"), seen.Refused)
		}
		select {
		case <-ctx.Done():
			return terminal.ErrInterrupted
		case <-deadline:
			return fmt.Errorf("no request that Clerk signed came in %v: the secret is kept. "+
				"Look at Message Attempts on the endpoint's page, and run clerksync doctor%s",
				timeout, d.Names.TableFlags())
		case <-ticker.C:
		}
	}
}
