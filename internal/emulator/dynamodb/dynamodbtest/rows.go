package dynamodbtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// row is an item as the SDK has it.
type row = map[string]types.AttributeValue

func text(s string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: s} }
func number(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }

func textOf(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// at is the row, or the key if nothing is added, of table Rows.
func at(pk, sk string, more ...row) row {
	r := row{"pk": text(pk), "sk": text(sk)}
	for _, m := range more {
		for name, v := range m {
			r[name] = v
		}
	}
	return r
}

func (t Tables) put(ctx context.Context, client *dynamodb.Client, item row) error {
	_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &t.Rows, Item: item})
	if err != nil {
		return fmt.Errorf("put an item: %w", err)
	}
	return nil
}

// putOn puts an item on a condition; values may be nil.
func (t Tables) putOn(ctx context.Context, client *dynamodb.Client, item row, condition string, values row) error {
	_, err := client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &t.Rows, Item: item, ConditionExpression: &condition, ExpressionAttributeValues: values,
	})
	return err
}

// get reads an item of table Rows consistently; nil if it is not there.
func (t Tables) get(ctx context.Context, client *dynamodb.Client, pk, sk string) (row, error) {
	out, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.Rows, Key: at(pk, sk), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("get an item: %w", err)
	}
	return out.Item, nil
}

// expectNothing checks that an item is not there.
func (t Tables) expectNothing(ctx context.Context, client *dynamodb.Client, pk, sk string) error {
	item, err := t.get(ctx, client, pk, sk)
	if err != nil {
		return err
	}
	if item != nil {
		return fmt.Errorf("%s/%s is there, with %q, though its write was refused", pk, sk, names(item))
	}
	return nil
}

// expectText checks one attribute of an item that must be there.
func (t Tables) expectText(ctx context.Context, client *dynamodb.Client, pk, sk, name, want string) error {
	item, err := t.get(ctx, client, pk, sk)
	if err != nil {
		return err
	}
	if item == nil {
		return fmt.Errorf("%s/%s is not there", pk, sk)
	}
	if got := textOf(item[name]); got != want {
		return fmt.Errorf("%s of %s/%s = %q, want %q", name, pk, sk, got, want)
	}
	return nil
}

// refused checks that a call failed with the code, and for the caller's reason.
func refused(what string, err error, code string) error {
	if err == nil {
		return fmt.Errorf("%s was accepted, want %s", what, code)
	}
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		return fmt.Errorf("%s: got %w, want %s", what, err, code)
	}
	return nil
}

const (
	failedCondition = "ConditionalCheckFailedException"
	failedChecks    = "ValidationException"
)

// invalidAction checks that a transaction was refused because of what the
// action at a position says: the service reports that either for the request or
// as that action's reason.
func invalidAction(what string, err error, position int) error {
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) {
		return refused(what, err, failedChecks)
	}
	codes := reasonCodes(canceled)
	if position >= len(codes) || codes[position] != "ValidationError" {
		return fmt.Errorf("%s: reasons = %q, want ValidationError at %d", what, codes, position)
	}
	return nil
}

func reasonCodes(canceled *types.TransactionCanceledException) []string {
	codes := make([]string, len(canceled.CancellationReasons))
	for i, reason := range canceled.CancellationReasons {
		codes[i] = aws.ToString(reason.Code)
	}
	return codes
}

// canceledWith checks that a transaction was canceled for these reasons, by
// position, and returns them.
func canceledWith(err error, want ...string) ([]types.CancellationReason, error) {
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) {
		if err == nil {
			return nil, fmt.Errorf("the transaction was accepted, want it canceled for %q", want)
		}
		return nil, fmt.Errorf("transaction: got %w, want it canceled for %q", err, want)
	}
	if got := reasonCodes(canceled); fmt.Sprint(got) != fmt.Sprint(want) {
		return nil, fmt.Errorf("reasons = %q, want %q", got, want)
	}
	return canceled.CancellationReasons, nil
}

func (t Tables) putAction(item row, condition string, values row) types.TransactWriteItem {
	put := &types.Put{TableName: &t.Rows, Item: item, ExpressionAttributeValues: values}
	if condition != "" {
		put.ConditionExpression = &condition
	}
	return types.TransactWriteItem{Put: put}
}

// seenAction records an id, once.
func (t Tables) seenAction(id string, more ...row) types.TransactWriteItem {
	item := row{"id": text(id)}
	for _, m := range more {
		for name, v := range m {
			item[name] = v
		}
	}
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &t.Seen, Item: item,
		ConditionExpression:                 aws.String("attribute_not_exists(id)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

func transact(ctx context.Context, client *dynamodb.Client, actions ...types.TransactWriteItem) error {
	_, err := client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
	return err
}
