package dynamodbtest

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// allOrNothing: ledger and row share a transaction; if one is refused, the
// other must not be written.
func (s *suite) allOrNothing() {
	s.put(at("all", "taken", row{"v": text("old")}))
	err := s.transact(
		s.seenAction("all-1", nil),
		s.action(at("all", "before"), "", nil),
		s.action(at("all", "taken", row{"v": text("new")}), absent, nil),
		s.action(at("all", "after"), "", nil))
	s.wantCanceled(err, "None", "None", "ConditionalCheckFailed", "None")
	s.wantNone("all", "before")
	s.wantNone("all", "after")
	s.wantText("all", "taken", "v", "old")

	// The id was not recorded either, so it still can be.
	if err := s.transact(
		s.seenAction("all-1", nil),
		s.action(at("all", "before", row{"v": text("1")}), absent, nil),
		s.updateAction(at("all", "taken"), "SET v = :v", row{":v": text("2")}),
		s.checkAction(at("all", "after"), absent),
	); err != nil {
		s.t.Fatalf("transaction whose conditions hold: %v", err)
	}
	s.wantText("all", "before", "v", "1")
	s.wantText("all", "taken", "v", "2")
}

// reasonsByPosition: whether a message is a duplicate or stale is read off the
// position of the reason.
func (s *suite) reasonsByPosition() {
	s.put(at("reasons", "1"))
	s.put(at("reasons", "3"))
	err := s.transact(
		s.action(at("reasons", "0"), absent, nil),
		s.action(at("reasons", "1"), absent, nil),
		s.action(at("reasons", "2"), "", nil),
		types.TransactWriteItem{Delete: &types.Delete{
			TableName: &s.rows, Key: at("reasons", "3"), ConditionExpression: aws.String(absent),
		}},
		s.checkAction(at("reasons", "4"), "attribute_exists(pk)"))
	s.wantCanceled(err, "None", "ConditionalCheckFailed", "None", "ConditionalCheckFailed", "ConditionalCheckFailed")
}

// duplicateFirst: a message that comes again is recognized by the first action,
// with the row of its first time, though the second fails as well.
func (s *suite) duplicateFirst() {
	apply := func(when string) error {
		return s.transact(
			s.seenAction("duplicate-1", row{"when": text(when)}),
			s.action(at("duplicate", "1", row{"rev": text("1")}), revSmaller, row{":rev": text("1")}))
	}
	if err := apply("first"); err != nil {
		s.t.Fatalf("first time: %v", err)
	}
	shown := s.wantCanceled(apply("second"), "ConditionalCheckFailed", "ConditionalCheckFailed")
	if got := textOf(shown[0]["when"]); got != "first" {
		s.t.Errorf("the first reason's item says %q, want %q", got, "first")
	}
	if shown[1] != nil {
		s.t.Error("the second reason has an item that was not asked for")
	}
}

// failureShowsItem: a failed condition shows the item where that was asked
// for, in each kind of action.
func (s *suite) failureShowsItem() {
	kinds := []string{"put", "update", "delete", "check"}
	for _, sk := range kinds {
		s.put(at("shows", sk, row{"v": text(sk)}))
	}
	all, condition := types.ReturnValuesOnConditionCheckFailureAllOld, aws.String(absent)
	put, check := s.action(at("shows", "put"), absent, nil), s.checkAction(at("shows", "check"), absent)
	update := s.updateAction(at("shows", "update"), "SET v = :v", row{":v": text("new")})
	remove := types.TransactWriteItem{Delete: &types.Delete{TableName: &s.rows, Key: at("shows", "delete")}}
	put.Put.ReturnValuesOnConditionCheckFailure = all
	update.Update.ReturnValuesOnConditionCheckFailure, update.Update.ConditionExpression = all, condition
	remove.Delete.ReturnValuesOnConditionCheckFailure, remove.Delete.ConditionExpression = all, condition
	check.ConditionCheck.ReturnValuesOnConditionCheckFailure = all
	err := s.transact(put, update, remove, check)
	const failed = "ConditionalCheckFailed"
	for i, shown := range s.wantCanceled(err, failed, failed, failed, failed) {
		if got := textOf(shown["v"]); got != kinds[i] {
			s.t.Errorf("reason %d shows %q, want the item %q", i, got, kinds[i])
		}
	}

	var single *types.ConditionalCheckFailedException
	_, err = s.client.PutItem(s.t.Context(), &dynamodb.PutItemInput{
		TableName: &s.rows, Item: at("shows", "put"),
		ConditionExpression: condition, ReturnValuesOnConditionCheckFailure: all,
	})
	if !errors.As(err, &single) || textOf(single.Item["v"]) != "put" {
		s.t.Errorf("a failed put = %v, want it to show the item", err)
	}
	old, err := s.client.PutItem(s.t.Context(), &dynamodb.PutItemInput{
		TableName: &s.rows, Item: at("shows", "put", row{"v": text("new")}), ReturnValues: types.ReturnValueAllOld,
	})
	if err != nil || textOf(old.Attributes["v"]) != "put" {
		s.t.Errorf("put with ALL_OLD = %v, %v, want the item before it", old, err)
	}
}

// oneOperationPerItem is a limit that test doubles forget:
// https://github.com/Simi24/dynantic/issues/15
func (s *suite) oneOperationPerItem() {
	err := s.transact(
		s.action(at("twice", "1"), "", nil),
		s.checkAction(at("twice", "1"), absent))
	s.wantRefused("two operations on one item", err, failedChecks)
	s.wantNone("twice", "1")
}

// hundredActions: a hundred actions are accepted, one more is refused as a
// whole.
func (s *suite) hundredActions() {
	var actions []types.TransactWriteItem
	for i := range 101 {
		actions = append(actions, s.action(at("hundred", fmt.Sprintf("%03d", i)), "", nil))
	}
	s.wantRefused("a transaction of 101 actions", s.transact(actions...), failedChecks)
	if err := s.transact(actions[:100]...); err != nil {
		s.t.Errorf("transaction of 100 actions: %v", err)
	}
}

// requestToken: a transaction that is sent again under its token, as the SDK
// does after a lost answer, has no second effect.
func (s *suite) requestToken() {
	add := func(token, step string) error {
		_, err := s.client.TransactWriteItems(s.t.Context(), &dynamodb.TransactWriteItemsInput{
			ClientRequestToken: &token,
			TransactItems: []types.TransactWriteItem{
				s.updateAction(at("token", "1"), "ADD n :n", row{":n": number(step)}),
			},
		})
		return err
	}
	token := s.rows[len(s.rows)-10:] + "-token"
	for _, token := range []string{token, token, token + "-2"} {
		if err := add(token, "1"); err != nil {
			s.t.Fatalf("transaction with the token %s: %v", token, err)
		}
	}
	s.wantRefused("other content under the same token", add(token, "2"), "IdempotentParameterMismatchException")
	if n, ok := s.get("token", "1")["n"].(*types.AttributeValueMemberN); !ok || n.Value != "2" {
		s.t.Errorf("n = %+v after two tokens, want 2", n)
	}
}
