package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/settings"
)

// rateFlag is for commands that ask Clerk for much.
func rateFlag() cli.Flag {
	return &cli.FloatFlag{
		Name: "rate", HideDefault: true, // which is 0, for a quarter
		Usage: "send Clerk at most `N` requests a second (default: a quarter of Clerk's limit)",
		Validator: func(n float64) error {
			if n <= 0 {
				return terminal.Usagef("want a number above 0")
			}
			return nil
		},
	}
}

// clerkInstance is a Clerk instance whose key the user has given.
type clerkInstance struct {
	*clerkapi.Client
	clerkapi.Instance
}

// patience is for how long nobody wonders what a command waits for.
const patience = 3 * time.Second

// openClerk asks for the key, unless CLERK_SECRET_KEY has it, and then whose it
// is. A key is never an argument, for arguments show in the list of processes.
// rate is in requests a second, 0 for a quarter of what Clerk allows the instance.
func (p program) openClerk(ctx context.Context, rate float64) (i clerkInstance, err error) {
	key := p.getenv("CLERK_SECRET_KEY")
	if key == "" {
		if key, err = p.term.ReadSecret("Clerk's secret key (sk_..., not shown): "); err != nil {
			return i, fmt.Errorf("read the secret key: %w", err)
		}
	}
	i.Client, err = clerkapi.New(clerkapi.Options{
		URL: p.getenv("CLERK_API_URL"), Key: key, Rate: rate, UserAgent: "clerksync", Now: p.now,
	})
	if err != nil {
		return i, fmt.Errorf("%w. CLERK_SECRET_KEY or standard input has the key, CLERK_API_URL the address", err)
	}
	waiting := time.AfterFunc(patience, func() { p.term.Note("Clerk does not answer yet; it is asked again.") })
	i.Instance, err = i.Client.Instance(ctx)
	waiting.Stop()
	if err != nil {
		return i, adviseOnClerk(err)
	}
	if rate == 0 {
		i.SetRate(i.Rate())
	}
	return i, nil
}

// adviseOnClerk adds to the first error of an instance what to do.
func adviseOnClerk(err error) error {
	if clerkapi.HasCode(err, "clerk_key_invalid") {
		return fmt.Errorf("%w: copy the secret key from Clerk's dashboard, from sk_ to its end", err)
	}
	if _, silent := errors.AsType[*clerkapi.UnavailableError](err); silent {
		return fmt.Errorf("%w\nMay this machine reach Clerk, and is CLERK_API_URL right where it is set?", err)
	}
	return err
}

// openClerkFor is openClerk for commands that compare the instance with a
// deployment's rows. It refuses an instance whose objects do not belong there.
func (p program) openClerkFor(ctx context.Context, c *cli.Command, d *deployment.Deployment) (clerkInstance, error) {
	i, err := p.openClerk(ctx, c.Float("rate"))
	if err == nil {
		err = d.Advise(d.CheckInstance(ctx, p.getenv, i.ID))
	}
	return i, err
}

// openPair finds what backfill and diff work on: a deployment, the settings of its
// functions, and the instance whose objects belong there.
func (p program) openPair(ctx context.Context, c *cli.Command) (
	d *deployment.Deployment, storage settings.Storage, clerk clerkInstance, err error,
) {
	if d, err = p.findDeployment(ctx, c); err != nil {
		return nil, storage, clerk, err
	}
	if storage, err = d.ReadStorage(ctx, p.getenv); err != nil {
		return nil, storage, clerk, err //nolint:wrapcheck // it names what it read
	}
	clerk, err = p.openClerkFor(ctx, c, d)
	return d, storage, clerk, err
}

// notePair says what is compared and by which settings, before anything is written.
func (p program) notePair(d *deployment.Deployment, storage settings.Storage, clerk clerkInstance) {
	p.term.Note("Clerk instance %s (%s), DELETION_POLICY=%s, OBJECT_STORAGE=%s, %s",
		clerk.ID, clerk.Environment, storage.DeletionPolicy, storage.ObjectStorage, d)
}
