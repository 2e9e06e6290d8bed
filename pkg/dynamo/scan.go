package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/pkg/directory"
)

// Scan reads a page of the Directory table, rows of every kind, pointers and
// tombstones included, each as Read would. The first page is that after the zero
// Key, and the last one that whose next is zero. Rows that are written meanwhile
// may or may not be in it; every other one is there once.
func (t *Table) Scan(ctx context.Context, after directory.Key) (rows []directory.Row, next directory.Key, err error) {
	in := &dynamodb.ScanInput{TableName: &t.directory, ConsistentRead: aws.Bool(true)}
	if after != (directory.Key{}) {
		in.ExclusiveStartKey = Key(after)
	}
	out, err := ScanPage(ctx, t.client, in)
	if err != nil {
		return nil, next, err
	}
	rows = make([]directory.Row, len(out.Items))
	for i, item := range out.Items {
		rows[i] = RowOf(item)
	}
	return rows, RowOf(out.LastEvaluatedKey).Key(), nil
}

// ScanPage reads one page of any table and makes sure that the table gave it: an
// answer of something else would be the end of a table that has more.
func ScanPage(ctx context.Context, client *dynamodb.Client, in *dynamodb.ScanInput) (*dynamodb.ScanOutput, error) {
	in.ReturnConsumedCapacity = askForProof
	out, err := client.Scan(ctx, in)
	if err == nil {
		err = Confirm(out.ConsumedCapacity, *in.TableName)
	}
	if err != nil {
		return nil, fmt.Errorf("read table %s: %w", *in.TableName, err)
	}
	return out, nil
}
