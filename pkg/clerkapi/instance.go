package clerkapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/clerksync/clerksync/pkg/clerk"
)

// Instance is the Clerk instance that the key belongs to.
type Instance struct {
	ID          string // ins_..., the instance_id of its webhooks
	Environment string // production, development, ...
}

// Rate is a quarter of Clerk's published limit for the instance, in requests a
// second. An environment that is not known has the smallest limit.
func (i Instance) Rate() float64 {
	if i.Environment == "production" {
		return ProductionRate
	}
	return DevelopmentRate
}

// Instance asks whose key this is.
func (c *Client) Instance(ctx context.Context) (i Instance, err error) {
	_, err = c.get(ctx, "/instance", nil, func(body []byte) error {
		o, _ := clerk.ParseObject(body)
		i = Instance{ID: o.Text("id"), Environment: o.Text("environment_type")}
		if i.ID == "" {
			return errors.New("no instance id in it")
		}
		return nil
	})
	return i, err
}

// WebhookSettingsURL returns a link to the page on which the instance's webhook
// endpoints are set up. It holds a token that can be used once, so it is shown to
// the user and never logged. An instance that never had webhooks gets its Svix
// application first. That application is never deleted here: it takes every
// endpoint of the instance with it.
func (c *Client) WebhookSettingsURL(ctx context.Context) (string, error) {
	link, err := c.svixURL(ctx, "/webhooks/svix_url")
	if !HasCode(err, "svix_app_missing") {
		return link, err
	}
	// If an answer was lost and the request made again, the application is there.
	if link, err = c.svixURL(ctx, "/webhooks/svix"); !HasCode(err, "svix_app_exists") {
		return link, err
	}
	return c.svixURL(ctx, "/webhooks/svix_url")
}

func (c *Client) svixURL(ctx context.Context, path string) (link string, err error) {
	_, err = c.call(ctx, request{method: http.MethodPost, path: path}, func(body []byte) error {
		o, _ := clerk.ParseObject(body)
		if link = o.Text("svix_url"); link == "" {
			return errors.New("no svix_url in it")
		}
		return nil
	})
	return link, err
}
