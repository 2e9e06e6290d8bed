// Package dynamo keeps the directory in DynamoDB: one transaction for each
// write, conditions on the write itself, consistent reads of the table.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/clerksync/clerksync/pkg/directory"
)

// Table is the pair of tables in DynamoDB; it is a directory.Table.
type Table struct {
	client                *dynamodb.Client
	directory, deliveries string
}

// New makes a Table of two tables' names.
func New(client *dynamodb.Client, directoryTable, deliveriesTable string) *Table {
	return &Table{client, directoryTable, deliveriesTable}
}

// The conditions. rev is no reserved word, nor is any other name in them.
const (
	ifNewer     = "attribute_not_exists(pk) OR rev < :rev"
	ifAbsent    = "attribute_not_exists(pk)"
	ifUnchanged = "rev = :rev"
	ifNoRecord  = "attribute_not_exists(svix_id)"
	ifLive      = "attribute_not_exists(deleted_at)"
)

// Write commits w: as one TransactWriteItems, or as one PutItem where it is a
// single item, which costs half.
//
// No request token is set: the SDK makes one for its own attempts at a call,
// so that a lost response is no second effect, and a later call of ours is
// told AlreadyRecorded by the Deliveries row.
func (t *Table) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	items := t.items(w)
	if len(items) == 1 && items[0].Put != nil {
		return t.put(ctx, w, items[0].Put)
	}
	_, err := t.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
	if err == nil {
		return directory.Written, nil
	}
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		return t.canceled(w, canceled)
	}
	return 0, fmt.Errorf("write a transaction: %w", refused(err))
}

func (t *Table) put(ctx context.Context, w directory.Write, p *types.Put) (directory.Result, error) {
	_, err := t.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: p.TableName, Item: p.Item,
		ConditionExpression: p.ConditionExpression, ExpressionAttributeValues: p.ExpressionAttributeValues,
	})
	var failed *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return directory.Written, nil
	case !errors.As(err, &failed):
		return 0, fmt.Errorf("put an item: %w", refused(err))
	case w.LedgerEntry != nil:
		return directory.AlreadyRecorded, nil
	}
	return directory.ConditionFailed, nil
}

// items are the transaction's, the Deliveries row first: an engine that tells
// only the first failed condition then tells duplicate before stale.
func (t *Table) items(w directory.Write) (items []types.TransactWriteItem) {
	if w.LedgerEntry != nil {
		items = append(items, types.TransactWriteItem{Put: &types.Put{
			TableName: &t.deliveries, Item: deliveryItem(*w.LedgerEntry), ConditionExpression: aws.String(ifNoRecord),
		}})
	}
	if w.Row != nil {
		p := &types.Put{TableName: &t.directory, Item: item(w.Row), ConditionExpression: aws.String(ifAbsent)}
		if rev, ok := w.If.Newer(); ok {
			p.ConditionExpression, p.ExpressionAttributeValues = aws.String(ifNewer), revision(rev)
		} else if rev, ok := w.If.Unchanged(); ok {
			p.ConditionExpression, p.ExpressionAttributeValues = aws.String(ifUnchanged), revision(rev)
		}
		items = append(items, types.TransactWriteItem{Put: p})
	}
	for _, r := range w.Put {
		items = append(items, types.TransactWriteItem{Put: &types.Put{TableName: &t.directory, Item: item(r)}})
	}
	for _, k := range w.Drop {
		items = append(items, types.TransactWriteItem{Delete: &types.Delete{TableName: &t.directory, Key: Key(k)}})
	}
	return items
}

func revision(r directory.Revision) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{":rev": &types.AttributeValueMemberS{Value: string(r)}}
}

// canceled reads the reasons by their position.
func (t *Table) canceled(w directory.Write, e *types.TransactionCanceledException) (directory.Result, error) {
	lost := false
	var codes []string
	for i, r := range e.CancellationReasons {
		switch code := aws.ToString(r.Code); code {
		case "", "None":
		case "ConditionalCheckFailed":
			if i == 0 && w.LedgerEntry != nil {
				return directory.AlreadyRecorded, nil
			}
			lost = true
		case "ValidationError", "ItemCollectionSizeLimitExceeded":
			return 0, fmt.Errorf("write a transaction: %w: reason %s", directory.ErrWriteRejected, code)
		default:
			codes = append(codes, code)
		}
	}
	if len(codes) > 0 || !lost {
		return 0, fmt.Errorf("write a transaction: canceled for %q", codes)
	}
	return directory.ConditionFailed, nil
}

// refused turns what DynamoDB will never take into directory.ErrWriteRejected. Its
// message is left out, for it may quote the item.
func refused(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "ValidationException" {
		return fmt.Errorf("%w: %s", directory.ErrWriteRejected, api.ErrorCode())
	}
	return err
}

// maxBatchGet is how many keys one BatchGetItem takes:
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
const maxBatchGet = 100

// Read reads one row with GetItem, several with BatchGetItem, both consistent.
func (t *Table) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	if len(keys) == 1 {
		out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.directory, Key: Key(keys[0]), ConsistentRead: aws.Bool(true)})
		if err != nil {
			return nil, fmt.Errorf("get an item: %w", err)
		}
		return []directory.Row{row(out.Item)}, nil
	}
	found := map[directory.Key]directory.Row{}
	var ask []map[string]types.AttributeValue
	for _, k := range keys {
		if _, asked := found[k]; !asked { // the same key twice is refused
			found[k] = nil
			ask = append(ask, Key(k))
		}
	}
	for len(ask) > 0 {
		part := ask[:min(len(ask), maxBatchGet)]
		out, err := t.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			t.directory: {Keys: part, ConsistentRead: aws.Bool(true)},
		}})
		if err != nil {
			return nil, fmt.Errorf("get several items: %w", err)
		}
		for _, it := range out.Responses[t.directory] {
			r := row(it)
			found[r.Key()] = r
		}
		rest := out.UnprocessedKeys[t.directory].Keys
		if len(rest) == len(part) {
			return nil, errors.New("get several items: throttled, none was read")
		}
		ask = append(rest, ask[len(part):]...)
	}
	rows := make([]directory.Row, len(keys))
	for i, k := range keys {
		rows[i] = found[k]
	}
	return rows, nil
}

// Live reads a page with a consistent Query of the table.
func (t *Table) Live(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
	in := &dynamodb.QueryInput{
		TableName: &t.directory, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk"),
		FilterExpression:          aws.String(ifLive),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: pk}},
	}
	if prefix != "" {
		in.KeyConditionExpression = aws.String("pk = :pk AND begins_with(sk, :sk)")
		in.ExpressionAttributeValues[":sk"] = &types.AttributeValueMemberS{Value: prefix}
	}
	if after != "" {
		in.ExclusiveStartKey = Key(directory.Key{PK: pk, SK: after})
	}
	out, err := t.client.Query(ctx, in)
	if err != nil {
		return nil, "", fmt.Errorf("query rows: %w", err)
	}
	rows := make([]directory.Row, len(out.Items))
	for i, it := range out.Items {
		rows[i] = row(it)
	}
	next, _ := out.LastEvaluatedKey[directory.AttrSK].(*types.AttributeValueMemberS)
	if next == nil {
		return rows, "", nil
	}
	return rows, next.Value, nil
}

// deliveryItem is the Deliveries row's item.
func deliveryItem(d directory.LedgerEntry) map[string]types.AttributeValue {
	at := func(t time.Time) string { return t.UTC().Format(directory.TimeFormat) }
	r := directory.Row{
		"svix_id":      d.SvixID,
		"event_type":   d.EventType,
		"entity":       d.Entity,
		"outcome":      string(d.Outcome),
		"received_at":  at(d.ReceivedAt),
		"processed_at": at(d.ProcessedAt),
		"expires_at":   directory.Number(strconv.FormatInt(d.ExpiresAt.Unix(), 10)),
	}
	return item(r)
}
