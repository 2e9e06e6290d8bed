package deployment

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/settings"
)

// checkedRows is how many rows are looked at for those of another instance. A
// table that was filled with the wrong key is full of them.
const checkedRows = 2000

// CheckInstance returns an error where objects of a Clerk instance do not belong
// into the deployment's tables: its settings name others, or its rows do. It
// looks at the table's first rows, not at those of the same keys: ids of one
// instance are never those of another.
func (d *Deployment) CheckInstance(ctx context.Context, getenv func(string) string, id string) error {
	configured, err := d.ReadInstances(ctx, getenv)
	if err != nil {
		return err
	}
	var found []string
	_, err = d.Rows().Walk(ctx, d.DirectoryTable, checkedRows, func(r Record) {
		if of := r.Text(directory.AttrInstanceID); !slices.Contains(found, of) {
			found = append(found, of)
		}
	}, directory.AttrInstanceID)
	if err != nil {
		return err
	}
	return backfill.CheckInstance(id, configured, found) //nolint:wrapcheck // it says what is wrong
}

// NewWriter makes a writer of what Clerk's API has of an instance. It keeps what
// the settings allow, as sync does.
func (d *Deployment) NewWriter(s settings.Storage, instanceID string) *backfill.Writer {
	return &backfill.Writer{
		InstanceID: instanceID, Concurrency: maxWrites,
		Consumer: consumer.New(consumer.Config{
			Table:     d.Table(),
			Projector: projector.New(projector.ObjectStorage(s.ObjectStorage)),
			Policy:    consumer.DeletionPolicy(s.DeletionPolicy),
			Now:       time.Now,
			Random:    rand.Float64,
		}),
	}
}

// Table is the pair of the deployment's tables, as the functions use it.
func (d *Deployment) Table() *dynamo.Table {
	return dynamo.New(dynamodb.NewFromConfig(d.AWS), d.DirectoryTable, d.DeliveriesTable)
}
