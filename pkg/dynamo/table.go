// Package dynamo keeps the directory in two DynamoDB tables. Each write is one
// transaction whose conditions are checked by DynamoDB as it commits, so no
// decision rests on a read that may be out of date. Each read is consistent: it
// sees every write that was acknowledged before it began.
//
// table.go writes, read.go reads rows, scan.go lists them all, proof.go decides
// whether an answer is DynamoDB's, item.go turns rows into items and back,
// schema.go describes the tables as template.yaml makes them, and plain.go shows
// any item as JSON does.
package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/clerksync/clerksync/pkg/directory"
)

// Table is the pair of tables in DynamoDB. It implements directory.Table.
type Table struct {
	client                *dynamodb.Client
	directory, deliveries string // names
}

// New returns a Table for the two tables of those names.
func New(client *dynamodb.Client, directoryTable, deliveriesTable string) *Table {
	return &Table{client, directoryTable, deliveriesTable}
}

// The conditions of writes, and the filter of Live. None of the names in them
// is a reserved word:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
const (
	// ifNewer keeps the greatest revision, in whatever order writes arrive. On
	// equality the write loses, because this very change made the row. A row
	// without rev was put there by hand; it loses to every change, as a missing
	// row does. NOT covers a rev that is no text: DynamoDB compares values of
	// different types as false.
	ifNewer = "attribute_not_exists(rev) OR NOT (rev >= :rev)"
	// ifAbsent is for a row that a read has found missing. Whatever was written
	// since then must be read before it is replaced.
	ifAbsent = "attribute_not_exists(pk)"
	// ifUnchanged is for a row whose new content depends on the content that was
	// read. A revision belongs to one content, so comparing it compares all.
	ifUnchanged = "rev = :rev"
	// ifWithoutRev is ifUnchanged for a row that was read without a revision. The
	// value is smaller than every revision, all of which begin with a digit.
	ifWithoutRev = "attribute_exists(pk) AND (attribute_not_exists(rev) OR NOT (rev >= :rev))"
	leastRev     = "!"
	// ifNoRecord lets each message have its effect once: its Deliveries row is
	// committed together with the effect, or neither is.
	ifNoRecord = "attribute_not_exists(svix_id)"
	// ifLive leaves out tombstones.
	ifLive = "attribute_not_exists(deleted_at)"
)

// Write commits all of w or nothing: by one TransactWriteItems, or by one
// PutItem where w is a single item, which costs half.
//
// After an error that is not directory.ErrWriteRefused it is not known whether
// DynamoDB committed, because the answer may be what was lost, or may not be
// DynamoDB's (proof.go). Repeating the
// write is then right: if it was committed, the Deliveries row is there and the
// result is AlreadyRecorded, and without a Deliveries row the row's own
// condition fails against itself. No request token is needed for that. The SDK
// makes one for each call, so that its own attempts at the call count as one.
func (t *Table) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	items := t.transactItems(w)
	if len(items) == 1 && items[0].Put != nil {
		return t.putItem(ctx, w, items[0].Put)
	}
	out, err := t.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: items, ReturnConsumedCapacity: askForProof,
	})
	if err == nil {
		err = confirmEach(out.ConsumedCapacity, t.tablesOf(w)...)
	}
	if err == nil {
		return directory.Written, nil
	}
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		return cancellationResult(w, canceled.CancellationReasons)
	}
	return 0, fmt.Errorf("write a transaction: %w", markRejected(err))
}

// putItem writes the only item of w.
func (t *Table) putItem(ctx context.Context, w directory.Write, p *types.Put) (directory.Result, error) {
	out, err := t.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                 p.TableName,
		Item:                      p.Item,
		ConditionExpression:       p.ConditionExpression,
		ExpressionAttributeValues: p.ExpressionAttributeValues,
		ReturnConsumedCapacity:    askForProof,

		ReturnValuesOnConditionCheckFailure: p.ReturnValuesOnConditionCheckFailure,
	})
	if err == nil {
		err = Confirm(out.ConsumedCapacity, *p.TableName)
	}
	var failed *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return directory.Written, nil
	case !errors.As(err, &failed):
		return 0, fmt.Errorf("put an item: %w", markRejected(err))
	case w.LedgerEntry != nil: // the only item, so its condition is the one that failed
		w.ShowExisting(directory.Existing{LedgerEntry: toLedgerEntry(failed.Item)})
		return directory.AlreadyRecorded, nil
	}
	w.ShowExisting(directory.Existing{Revision: RowOf(failed.Item).Revision()})
	return directory.ConditionFailed, nil
}

// transactItems returns the items of the transaction. The Deliveries row comes
// first: cancellationResult finds its reason by that position, and an engine
// that reports only the first failed condition then reports a duplicate rather
// than a stale message.
func (t *Table) transactItems(w directory.Write) (items []types.TransactWriteItem) {
	show := types.ReturnValuesOnConditionCheckFailureNone
	if w.Existing != nil {
		// The answer to a write that loses is then as large as the item. It costs no
		// capacity:
		// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
		show = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	if w.LedgerEntry != nil {
		items = append(items, types.TransactWriteItem{Put: &types.Put{
			TableName:           &t.deliveries,
			Item:                ledgerItem(*w.LedgerEntry),
			ConditionExpression: aws.String(ifNoRecord),

			ReturnValuesOnConditionCheckFailure: show,
		}})
	}
	if w.Row != nil {
		p := &types.Put{
			TableName: &t.directory, Item: toItem(w.Row), ConditionExpression: aws.String(ifAbsent),
			ReturnValuesOnConditionCheckFailure: show,
		}
		if rev, ok := w.If.Newer(); ok {
			p.ConditionExpression, p.ExpressionAttributeValues = aws.String(ifNewer), revisionValue(rev)
		} else if rev, ok := w.If.Unchanged(); ok && rev == "" {
			p.ConditionExpression, p.ExpressionAttributeValues = aws.String(ifWithoutRev), revisionValue(leastRev)
		} else if ok {
			p.ConditionExpression, p.ExpressionAttributeValues = aws.String(ifUnchanged), revisionValue(rev)
		}
		items = append(items, types.TransactWriteItem{Put: p})
	}
	// Pointers need no condition of their own: they are committed only together
	// with the row that they point to, whose condition guards them.
	for _, r := range w.Put {
		items = append(items, types.TransactWriteItem{Put: &types.Put{TableName: &t.directory, Item: toItem(r)}})
	}
	for _, k := range w.Drop {
		items = append(items, types.TransactWriteItem{Delete: &types.Delete{TableName: &t.directory, Key: Key(k)}})
	}
	return items
}

func revisionValue(r directory.Revision) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{":rev": &types.AttributeValueMemberS{Value: string(r)}}
}

// cancellationResult decides what a canceled transaction means. DynamoDB gives
// one reason for each item, in the order of the items, and "None" for an item
// that would have been written:
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
//
// Nothing was written in any case. Reasons carry a message that may quote the
// item, so only codes go into errors.
func cancellationResult(w directory.Write, reasons []types.CancellationReason) (directory.Result, error) {
	conditionFailed := false
	var existing directory.Existing
	var others []string
	for i, r := range reasons {
		switch code := aws.ToString(r.Code); code {
		case "", "None":
		case "ConditionalCheckFailed":
			// The Deliveries row was committed together with the message's effect. So
			// this decides, whatever the other items say.
			if i == 0 && w.LedgerEntry != nil {
				w.ShowExisting(directory.Existing{LedgerEntry: toLedgerEntry(r.Item)})
				return directory.AlreadyRecorded, nil
			}
			conditionFailed = true
			existing.Revision = RowOf(r.Item).Revision()
		case "ValidationError", "ItemCollectionSizeLimitExceeded":
			return 0, fmt.Errorf("write a transaction: %w: reason %s", directory.ErrWriteRefused, code)
		default:
			others = append(others, code)
		}
	}
	// A conflict or a throttle next to a failed condition leaves it open what the
	// conditions alone would have decided, and a cancellation without a reason
	// says nothing. Both are retried: a stale message is final, a retry is not.
	if len(others) > 0 || !conditionFailed {
		return 0, fmt.Errorf("write a transaction: canceled for %q", others)
	}
	w.ShowExisting(existing)
	return directory.ConditionFailed, nil
}

// markRejected returns an error that wraps directory.ErrWriteRefused in place
// of one that DynamoDB would give to every repetition. That error's message is
// left out, because it may quote the item. All other errors are returned as
// they are, and retried.
func markRejected(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "ValidationException" {
		return fmt.Errorf("%w: %s", directory.ErrWriteRefused, api.ErrorCode())
	}
	return err
}
