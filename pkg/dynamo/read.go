package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/clerksync/clerksync/pkg/directory"
)

// maxBatchGet is the number of keys that one BatchGetItem takes:
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
const maxBatchGet = 100

// Read reads one row with GetItem, several with BatchGetItem, all consistently.
// The rows of one BatchGetItem are not one snapshot: a transaction may become
// visible between two of them. docs/design.md says why that is enough.
func (t *Table) Read(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	return t.readProjected(ctx, nil, keys)
}

// ReadStates makes the answer shorter and not cheaper: DynamoDB counts whole
// items, whatever of them is asked for. None of the names is a reserved word.
func (t *Table) ReadStates(ctx context.Context, keys ...directory.Key) ([]directory.Row, error) {
	return t.readProjected(ctx, aws.String(strings.Join(directory.States(), ",")), keys)
}

// readProjected reads these attributes of the rows, all for nil.
func (t *Table) readProjected(
	ctx context.Context, attributes *string, keys []directory.Key,
) ([]directory.Row, error) {
	if len(keys) == 1 {
		out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName:              &t.directory,
			Key:                    Key(keys[0]),
			ProjectionExpression:   attributes,
			ConsistentRead:         aws.Bool(true),
			ReturnConsumedCapacity: askForProof,
		})
		if err == nil {
			err = Confirm(out.ConsumedCapacity, t.directory)
		}
		if err != nil {
			return nil, fmt.Errorf("get an item: %w", err)
		}
		return []directory.Row{RowOf(out.Item)}, nil
	}
	found := make(map[directory.Key]directory.Row, len(keys))
	var ask []map[string]types.AttributeValue
	for _, k := range keys {
		if _, asked := found[k]; !asked { // DynamoDB refuses a batch with the same key twice
			found[k] = nil
			ask = append(ask, Key(k))
		}
	}
	for len(ask) > 0 {
		request := types.KeysAndAttributes{
			Keys: ask[:min(len(ask), maxBatchGet)], ProjectionExpression: attributes, ConsistentRead: aws.Bool(true),
		}
		unread, err := t.readBatch(ctx, request, found)
		if err != nil {
			return nil, err
		}
		ask = append(unread, ask[len(request.Keys):]...)
	}
	rows := make([]directory.Row, len(keys))
	for i, k := range keys {
		rows[i] = found[k]
	}
	return rows, nil
}

// readBatch adds the rows of the request to found and returns the keys that
// DynamoDB left unread, which it does when it is throttled or the answer is
// full. Where it read none, asking at once again would only add to the load: the
// error leaves that to the caller's retries, which wait.
func (t *Table) readBatch(
	ctx context.Context, request types.KeysAndAttributes, found map[directory.Key]directory.Row,
) (unread []map[string]types.AttributeValue, err error) {
	out, err := t.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
		RequestItems: map[string]types.KeysAndAttributes{t.directory: request},
		// An answer without this proof would say that all the rows are missing.
		ReturnConsumedCapacity: askForProof,
	})
	if err == nil {
		err = t.confirmBatch(out)
	}
	if err != nil {
		return nil, fmt.Errorf("get several items: %w", err)
	}
	for _, item := range out.Responses[t.directory] {
		r := RowOf(item)
		found[r.Key()] = r
	}
	unread = out.UnprocessedKeys[t.directory].Keys
	if len(unread) == len(request.Keys) {
		return nil, errors.New("get several items: throttled, none was read")
	}
	return unread, nil
}

// Live reads one page with a consistent Query of the table. It never uses an
// index, because an index shows a write some time after it was acknowledged,
// and a deletion that lists children must not miss one.
func (t *Table) Live(ctx context.Context, pk, prefix, after string) ([]directory.Row, string, error) {
	return t.LivePage(ctx, pk, prefix, after, 0)
}

// LivePage is Live with a bound for what one page reads, tombstones included: so
// many rows, or for 0 as many as DynamoDB puts into one answer, which is 1 MB.
func (t *Table) LivePage(
	ctx context.Context, pk, prefix, after string, limit int32,
) ([]directory.Row, string, error) {
	in := &dynamodb.QueryInput{
		TableName:                 &t.directory,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk"),
		FilterExpression:          aws.String(ifLive),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: pk}},
		ReturnConsumedCapacity:    askForProof,
	}
	if prefix != "" { // begins_with refuses an empty text
		in.KeyConditionExpression = aws.String("pk = :pk AND begins_with(sk, :sk)")
		in.ExpressionAttributeValues[":sk"] = &types.AttributeValueMemberS{Value: prefix}
	}
	if after != "" {
		in.ExclusiveStartKey = Key(directory.Key{PK: pk, SK: after})
	}
	if limit > 0 {
		in.Limit = &limit
	}
	out, err := t.client.Query(ctx, in)
	if err == nil { // an answer of something else would end the listing
		err = Confirm(out.ConsumedCapacity, t.directory)
	}
	if err != nil {
		return nil, "", fmt.Errorf("query rows: %w", err)
	}
	rows := make([]directory.Row, len(out.Items))
	for i, item := range out.Items {
		rows[i] = RowOf(item)
	}
	// The filter is applied after the page was read, so a page may be empty and
	// not the last. Only a missing key says that nothing follows.
	next, _ := out.LastEvaluatedKey[directory.AttrSK].(*types.AttributeValueMemberS)
	if next == nil {
		return rows, "", nil
	}
	return rows, next.Value, nil
}
