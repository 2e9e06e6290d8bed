package status

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/pkg/backfill"
	"github.com/clerksync/clerksync/pkg/clerkapi"
)

// countRows asks DynamoDB how many rows there are, and counts by kind where they
// are few: reading a large table costs money, which is the user's to decide.
func (r *Report) countRows(ctx context.Context, d *deployment.Deployment, all bool) error {
	in := &dynamodb.DescribeTableInput{TableName: &d.DirectoryTable}
	out, err := dynamodb.NewFromConfig(d.AWS).DescribeTable(ctx, in)
	if err != nil {
		return fmt.Errorf("describe table %s: %w", d.DirectoryTable, err)
	}
	if r.RowsTotal = int(aws.ToInt64(out.Table.ItemCount)); r.RowsTotal > maxRows && !all {
		return nil
	}
	limit := maxRows
	if all {
		limit = 0
	}
	r.Rows, r.RowsTotal = map[string]KindCount{}, 0
	r.RowsCounted, err = d.Rows().Walk(ctx, d.DirectoryTable, limit, func(row deployment.Record) {
		n := r.Rows[row.Text("kind")]
		if row.Text("deleted_at") == "" {
			n.Live++
		} else {
			n.Tombstones++
		}
		r.Rows[row.Text("kind")] = n
		r.RowsTotal++
	}, "kind", "deleted_at")
	return err
}

// Counter counts the objects of an instance. *clerkapi.Client implements it.
type Counter interface {
	// Count is Clerk's own count of the objects of a kind.
	Count(ctx context.Context, kind string) (int64, error)
}

// CountClerk asks Clerk how many objects of each kind there are, one request a
// kind. The rows may be a few more or fewer while events are on their way, and a
// kind that is switched off in the instance has no number.
func (r *Report) CountClerk(ctx context.Context, c Counter) error {
	r.Clerk = map[string]int64{}
	for _, kind := range backfill.Kinds() {
		n, err := c.Count(ctx, kind)
		if _, off := errors.AsType[*clerkapi.DisabledError](err); off {
			continue
		}
		if err != nil {
			return fmt.Errorf("count the objects of kind %s at Clerk: %w", kind, err)
		}
		r.Clerk[kind] = n
	}
	return nil
}
