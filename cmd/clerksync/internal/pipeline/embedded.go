package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

// LocalTable is the embedded table without a connection, for whoever looks at rows
// beside the functions: it costs little, and faults that are injected between the
// functions and their table are not in its way. It is nil where the table is not in
// this process.
func (p *Pipeline) LocalTable() directory.Table {
	if !p.Embedded() {
		return nil
	}
	return dynamo.New(dynamodb.NewFromConfig(p.aws.InProcess), p.DirectoryTable, p.DeliveriesTable)
}

// Reset empties the embedded queues and tables, as after a start. What is on its
// way in that moment may still be written. Tables that are not in this process are
// not touched: they may be of use to others.
func (p *Pipeline) Reset(ctx context.Context) error {
	if !p.Embedded() {
		return errors.New("reset: tables and queues are not in this process")
	}
	// The queues come first, so that nothing is written from them afterwards.
	for _, url := range []string{p.QueueURL, p.DeadLetterQueueURL} {
		if err := p.queues.Clear(url); err != nil {
			return fmt.Errorf("reset the queues: %w", err)
		}
	}
	for table, keys := range map[string][]string{p.DirectoryTable: {"pk", "sk"}, p.DeliveriesTable: {"svix_id"}} {
		if err := p.deleteRows(ctx, table, keys); err != nil {
			return fmt.Errorf("reset table %s: %w", table, err)
		}
	}
	return nil
}

// deleteRows deletes all rows of a table whose primary key has these attributes.
func (p *Pipeline) deleteRows(ctx context.Context, table string, keys []string) error {
	pages := dynamodb.NewScanPaginator(p.DynamoDB, &dynamodb.ScanInput{
		TableName: &table, ConsistentRead: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err //nolint:wrapcheck // Reset names the table
		}
		for _, item := range page.Items {
			key := map[string]types.AttributeValue{}
			for _, name := range keys {
				key[name] = item[name]
			}
			_, err := p.DynamoDB.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &table, Key: key})
			if err != nil {
				return err //nolint:wrapcheck // likewise
			}
		}
	}
	return nil
}
