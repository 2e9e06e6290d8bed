package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/settings"
)

// rateFlag is for commands that ask Clerk for much.
func rateFlag() cli.Flag {
	return &cli.FloatFlag{
		Name:  "rate",
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
		return i, fmt.Errorf("%w. CLERK_SECRET_KEY or standard input has the key", err)
	}
	if i.Instance, err = i.Client.Instance(ctx); err != nil {
		if clerkapi.HasCode(err, "clerk_key_invalid") {
			return i, fmt.Errorf("%w: copy the secret key from Clerk's dashboard, from sk_ to its end", err)
		}
		return i, err //nolint:wrapcheck // the client names its request
	}
	if rate == 0 {
		i.SetRate(i.Rate())
	}
	return i, nil
}

// openClerkFor is openClerk for commands that compare the instance with a
// deployment's rows. It refuses an instance whose objects do not belong there.
func (p program) openClerkFor(ctx context.Context, c *cli.Command, d *deployment.Deployment) (clerkInstance, error) {
	i, err := p.openClerk(ctx, c.Float("rate"))
	if err == nil {
		err = d.CheckInstance(ctx, p.getenv, i.ID)
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
