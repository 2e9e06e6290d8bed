package backfill

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// Fetcher brings single users into the table when an application asks for them:
// it is what reader.WithClerk takes. The client's budget bounds how often Clerk
// is asked; after a 429 nobody asks who has less time than Clerk wants. It is safe
// for concurrent use.
type Fetcher struct {
	client *clerkapi.Client
	writer *Writer

	mu      sync.Mutex
	checked bool // the key is of the writer's instance
}

// fetchConcurrency is how many users are written at once.
const fetchConcurrency = 16

// NewFetcher makes a Fetcher that writes what the stack's sync would write:
// instanceID, policy and storage are the stack's own.
func NewFetcher(
	client *clerkapi.Client, table directory.Table, instanceID string,
	policy consumer.DeletionPolicy, storage projector.ObjectStorage,
) *Fetcher {
	return &Fetcher{client: client, writer: &Writer{
		InstanceID: instanceID, Concurrency: fetchConcurrency,
		Consumer: consumer.New(consumer.Config{
			Table: table, Projector: projector.New(storage), Policy: policy, Now: time.Now, Random: rand.Float64,
		}),
	}}
}

// FetchUser reads the user from Clerk and writes the row by the rules of every
// backfill: never over a newer one, nor over a deletion's tombstone. found is
// false where Clerk denies the user, which may be because a replica lags: so
// nothing is written then.
func (f *Fetcher) FetchUser(ctx context.Context, id string) (found bool, err error) {
	if err := f.checkInstance(ctx); err != nil {
		return false, err
	}
	data, read, err := f.client.Get(ctx, clerkapi.Ref{Kind: directory.KindUser, ID: id})
	if _, absent := errors.AsType[*clerkapi.AbsentError](err); absent {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the user from Clerk: %w", err)
	}
	object, err := f.writer.Object(directory.KindUser, data, read)
	if err != nil {
		return false, err
	}
	// Whatever the decision was, the table now has the user, or a tombstone that is
	// right: the caller reads the row again.
	_, err = f.writer.Write(ctx, []Object{object})
	return err == nil, err
}

// checkInstance asks once whose key it is: that of another instance would deny
// every user of this one, and fill the table with strangers.
func (f *Fetcher) checkInstance(ctx context.Context) error {
	f.mu.Lock()
	checked := f.checked
	f.mu.Unlock()
	if checked {
		return nil
	}
	instance, err := f.client.Instance(ctx)
	if err != nil {
		return fmt.Errorf("read the instance from Clerk: %w", err)
	}
	if err := CheckInstance(instance.ID, []string{f.writer.InstanceID}, nil); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.checked = true
	return nil
}
