package dynamodbtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func (t Tables) allOrNothing(ctx context.Context, client *dynamodb.Client) error {
	if err := t.put(ctx, client, at("all", "taken", row{"v": text("old")})); err != nil {
		return err
	}
	err := transact(ctx, client,
		t.seenAction("all-1"),
		t.putAction(at("all", "before"), "", nil),
		t.putAction(at("all", "taken", row{"v": text("new")}), absent, nil),
		t.putAction(at("all", "after"), "", nil))
	if _, err := canceledWith(err, "None", "None", "ConditionalCheckFailed", "None"); err != nil {
		return err
	}
	for _, sk := range []string{"before", "after"} {
		if err := t.expectNothing(ctx, client, "all", sk); err != nil {
			return err
		}
	}
	if err := t.expectText(ctx, client, "all", "taken", "v", "old"); err != nil {
		return err
	}

	// The id was not recorded either, so it still can be.
	err = transact(ctx, client,
		t.seenAction("all-1"),
		t.putAction(at("all", "before", row{"v": text("1")}), absent, nil),
		types.TransactWriteItem{Update: &types.Update{
			TableName: &t.Rows, Key: at("all", "taken"), UpdateExpression: aws.String("SET v = :v"), ExpressionAttributeValues: row{":v": text("2")},
		}},
		types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &t.Rows, Key: at("all", "after"), ConditionExpression: aws.String(absent),
		}})
	if err != nil {
		return fmt.Errorf("transaction whose conditions hold: %w", err)
	}
	return errors.Join(
		t.expectText(ctx, client, "all", "before", "v", "1"),
		t.expectText(ctx, client, "all", "taken", "v", "2"))
}

func (t Tables) reasonsByPosition(ctx context.Context, client *dynamodb.Client) error {
	if err := errors.Join(t.put(ctx, client, at("reasons", "1")), t.put(ctx, client, at("reasons", "3"))); err != nil {
		return err
	}
	err := transact(ctx, client,
		t.putAction(at("reasons", "0"), absent, nil),
		t.putAction(at("reasons", "1"), absent, nil),
		t.putAction(at("reasons", "2"), "", nil),
		types.TransactWriteItem{Delete: &types.Delete{TableName: &t.Rows, Key: at("reasons", "3"), ConditionExpression: aws.String(absent)}},
		types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &t.Rows, Key: at("reasons", "4"), ConditionExpression: aws.String("attribute_exists(pk)"),
		}})
	_, err = canceledWith(err, "None", "ConditionalCheckFailed", "None", "ConditionalCheckFailed", "ConditionalCheckFailed")
	return err
}

// duplicateFirst: a message that comes again is told by the first action, with
// the row of its first time, though the second fails as well.
func (t Tables) duplicateFirst(ctx context.Context, client *dynamodb.Client) error {
	apply := func(when string) error {
		return transact(ctx, client,
			t.seenAction("duplicate-1", row{"when": text(when)}),
			t.putAction(at("duplicate", "1", row{"rev": text("1")}), revSmaller, row{":rev": text("1")}))
	}
	if err := apply("first"); err != nil {
		return fmt.Errorf("first time: %w", err)
	}
	reasons, err := canceledWith(apply("second"), "ConditionalCheckFailed", "ConditionalCheckFailed")
	if err != nil {
		return err
	}
	if got := textOf(reasons[0].Item["when"]); got != "first" {
		return fmt.Errorf("the first reason's item says %q, want %q", got, "first")
	}
	if reasons[1].Item != nil {
		return errors.New("the second reason has an item that nobody asked for")
	}
	return nil
}

func (t Tables) failureShowsItem(ctx context.Context, client *dynamodb.Client) error {
	for _, sk := range []string{"put", "update", "delete", "check"} {
		if err := t.put(ctx, client, at("shows", sk, row{"v": text(sk)})); err != nil {
			return err
		}
	}
	all, set := types.ReturnValuesOnConditionCheckFailureAllOld, aws.String("SET v = :v")
	values, condition := row{":v": text("new")}, aws.String(absent)
	err := transact(ctx, client,
		types.TransactWriteItem{Put: &types.Put{TableName: &t.Rows, Item: at("shows", "put"), ConditionExpression: condition, ReturnValuesOnConditionCheckFailure: all}},
		types.TransactWriteItem{Update: &types.Update{
			TableName: &t.Rows, Key: at("shows", "update"), UpdateExpression: set,
			ExpressionAttributeValues: values, ConditionExpression: condition, ReturnValuesOnConditionCheckFailure: all,
		}},
		types.TransactWriteItem{Delete: &types.Delete{TableName: &t.Rows, Key: at("shows", "delete"), ConditionExpression: condition, ReturnValuesOnConditionCheckFailure: all}},
		types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: &t.Rows, Key: at("shows", "check"), ConditionExpression: condition, ReturnValuesOnConditionCheckFailure: all}})
	failed := "ConditionalCheckFailed"
	reasons, err := canceledWith(err, failed, failed, failed, failed)
	if err != nil {
		return err
	}
	for i, want := range []string{"put", "update", "delete", "check"} {
		if got := textOf(reasons[i].Item["v"]); got != want {
			return fmt.Errorf("reason %d shows %q, want the item %q", i, got, want)
		}
	}

	var single *types.ConditionalCheckFailedException
	_, err = client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &t.Rows, Item: at("shows", "put"), ConditionExpression: condition, ReturnValuesOnConditionCheckFailure: all,
	})
	if !errors.As(err, &single) || textOf(single.Item["v"]) != "put" {
		return errors.Join(errors.New("a failed put does not show the item"), err)
	}
	old, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &t.Rows, Item: at("shows", "put", row{"v": text("new")}), ReturnValues: types.ReturnValueAllOld})
	if err != nil {
		return fmt.Errorf("put with ALL_OLD: %w", err)
	}
	if got := textOf(old.Attributes["v"]); got != "put" {
		return fmt.Errorf("put with ALL_OLD shows %q, want the item before it", got)
	}
	return nil
}

// https://github.com/Simi24/dynantic/issues/15
func (t Tables) oneOperationPerItem(ctx context.Context, client *dynamodb.Client) error {
	err := transact(ctx, client,
		t.putAction(at("twice", "1"), "", nil),
		types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: &t.Rows, Key: at("twice", "1"), ConditionExpression: aws.String(absent)}})
	if err := refused("two operations on one item", err, failedChecks); err != nil {
		return err
	}
	return t.expectNothing(ctx, client, "twice", "1")
}

func (t Tables) hundredActions(ctx context.Context, client *dynamodb.Client) error {
	var actions []types.TransactWriteItem
	for i := range 101 {
		actions = append(actions, t.putAction(at("hundred", fmt.Sprintf("%03d", i)), "", nil))
	}
	if err := refused("a transaction of 101 actions", transact(ctx, client, actions...), failedChecks); err != nil {
		return err
	}
	if err := transact(ctx, client, actions[:100]...); err != nil {
		return fmt.Errorf("transaction of 100 actions: %w", err)
	}
	return nil
}

func (t Tables) requestToken(ctx context.Context, client *dynamodb.Client) error {
	add := func(token, step string) error {
		_, err := client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
			ClientRequestToken: &token,
			TransactItems: []types.TransactWriteItem{{Update: &types.Update{
				TableName: &t.Rows, Key: at("token", "1"), UpdateExpression: aws.String("ADD n :n"), ExpressionAttributeValues: row{":n": number(step)},
			}}},
		})
		return err
	}
	token := t.Rows[len(t.Rows)-10:] + "-token"
	for range 2 {
		if err := add(token, "1"); err != nil {
			return fmt.Errorf("transaction with a token: %w", err)
		}
	}
	if err := refused("another content under the same token", add(token, "2"), "IdempotentParameterMismatchException"); err != nil {
		return err
	}
	if err := add(token+"-2", "1"); err != nil {
		return fmt.Errorf("transaction with another token: %w", err)
	}
	item, err := t.get(ctx, client, "token", "1")
	if err != nil {
		return err
	}
	if n, ok := item["n"].(*types.AttributeValueMemberN); !ok || n.Value != "2" {
		return fmt.Errorf("n = %+v after two tokens, want 2", item["n"])
	}
	return nil
}
