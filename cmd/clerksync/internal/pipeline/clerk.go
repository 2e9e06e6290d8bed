package pipeline

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/internal/emulator"
	clerkemulator "github.com/clerksync/clerksync/internal/emulator/clerk"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/projector"
)

// ClerkKey opens the emulated Clerk. It is no secret: what it opens is made up.
const ClerkKey = "sk_test_lumen_oak"

// sampleCompany are the events that have happened at the emulated Clerk when it
// starts: the company has three members, an invitation and a domain.
func sampleCompany() []string {
	return []string{
		"permission.created", "role.created", "user.created.founder", "organization.created",
		"organizationMembership.created.founder", "user.created", "organizationMembership.created",
		"organizationInvitation.created", "organizationDomain.created", "user.created.invited",
		"organizationInvitation.accepted", "organizationMembership.created.invited",
	}
}

// clerkAPI is the emulated Clerk. It stands before the queue, so that what a
// webhook says has happened at Clerk when its row appears.
//
// Clerk itself knows what happened in which order; here webhooks, which come in
// any order, are all that is known. So it keeps to the order of their revisions as
// the table does: an older one changes nothing, and what is deleted stays deleted.
type clerkAPI struct {
	next      ingest.Queue
	instance  *clerkemulator.Instance
	projector *projector.Projector

	mu   sync.Mutex
	seen map[directory.Key]happened
}

// happened is the newest change of an object.
type happened struct {
	revision directory.Revision
	deleted  bool
}

// newClerkAPI makes a Clerk with the sample company.
func newClerkAPI() (*clerkAPI, error) {
	c := &clerkAPI{
		instance:  clerkemulator.New(clerkemulator.Options{Key: ClerkKey}),
		projector: projector.New(projector.StoreNone), seen: map[directory.Key]happened{},
	}
	for _, name := range sampleCompany() {
		body, err := events.Body(name)
		if err != nil {
			return nil, fmt.Errorf("read the samples: %w", err)
		}
		if err := c.apply(delivery.Delivery{Body: body}); err != nil {
			return nil, fmt.Errorf("sample %s: %w", name, err)
		}
	}
	return c, nil
}

// Send changes the instance and queues the message. A message that means nothing
// to Clerk is queued all the same: sync says what is wrong with it.
func (c *clerkAPI) Send(ctx context.Context, m delivery.Message) error {
	if d, err := m.Record().Delivery(); err == nil {
		_ = c.apply(d)
	}
	return c.next.Send(ctx, m) //nolint:wrapcheck // the queue's own error
}

// apply changes the instance as a webhook says. Events of another instance have
// happened elsewhere.
func (c *clerkAPI) apply(d delivery.Delivery) error {
	event, err := clerk.Decode(d.Body)
	if err != nil || event.InstanceID != clerkemulator.SampleID {
		return err //nolint:wrapcheck // it says what is wrong
	}
	change, err := c.projector.Project(event, d.SvixID)
	if err != nil {
		return err //nolint:wrapcheck // likewise
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if change.Revision <= c.seen[change.Key].revision {
		return nil
	}
	for _, parent := range change.Parents {
		if c.seen[parent].deleted {
			return nil // it was deleted with its parent
		}
	}
	c.seen[change.Key] = happened{revision: change.Revision, deleted: change.Delete}
	return c.instance.Apply(d.Body) //nolint:wrapcheck // likewise
}

// startClerk serves the emulated Clerk, and returns the queue before which it
// stands. Where the port is taken any free one will do: whoever needs the address
// reads it.
func (p *Pipeline) startClerk(ctx context.Context, addr string, next ingest.Queue) (ingest.Queue, error) {
	c, err := newClerkAPI()
	if err != nil {
		return nil, err
	}
	c.next = next
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("read the address: %w", err)
	}
	for _, addr := range []string{addr, net.JoinHostPort(host, "0")} {
		if p.clerk, err = emulator.Start(ctx, addr, c.instance); err == nil {
			p.ClerkURL = p.clerk.URL + "/v1"
			return c, nil
		}
	}
	return nil, err //nolint:wrapcheck // it names the address
}
