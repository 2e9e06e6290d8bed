package dynamodbtest

import (
	"errors"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
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

// at is the row, or the key if nothing is added, of table rows.
func at(pk, sk string, more ...row) row {
	r := row{"pk": text(pk), "sk": text(sk)}
	for _, m := range more {
		maps.Copy(r, m)
	}
	return r
}

func names(item row) []string { return slices.Sorted(maps.Keys(item)) }

// sortKeys are those of the items, in their order.
func sortKeys(items []row) []string {
	var all []string
	for _, item := range items {
		all = append(all, textOf(item["sk"]))
	}
	return all
}

// noError ends the check at a call that has to succeed.
func (s *suite) noError(operation string, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("%s: %v", operation, err)
	}
}

// queryOf is a consistent Query of a partition of table rows.
func (s *suite) queryOf(pk string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName: &s.rows, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :pk"), ExpressionAttributeValues: row{":pk": text(pk)},
	}
}

// query makes a Query that has to succeed.
func (s *suite) query(in *dynamodb.QueryInput) *dynamodb.QueryOutput {
	s.t.Helper()
	out, err := s.client.Query(s.t.Context(), in)
	s.noError("query "+*in.KeyConditionExpression, err)
	return out
}

// put stores an item that has to be accepted.
func (s *suite) put(item row) {
	s.t.Helper()
	s.noError("put an item", s.putIf(item, "", nil))
}

// putIf puts an item on a condition; "" for none.
func (s *suite) putIf(item row, condition string, values row) error {
	s.t.Helper()
	in := &dynamodb.PutItemInput{TableName: &s.rows, Item: item, ExpressionAttributeValues: values}
	if condition != "" {
		in.ConditionExpression = &condition
	}
	_, err := s.client.PutItem(s.t.Context(), in)
	return err
}

func (s *suite) update(key row, expression string, values row) error {
	s.t.Helper()
	_, err := s.client.UpdateItem(s.t.Context(), &dynamodb.UpdateItemInput{
		TableName: &s.rows, Key: key, UpdateExpression: &expression, ExpressionAttributeValues: values,
	})
	return err
}

func (s *suite) delete(key row) {
	s.t.Helper()
	in := &dynamodb.DeleteItemInput{TableName: &s.rows, Key: key}
	if _, err := s.client.DeleteItem(s.t.Context(), in); err != nil {
		s.t.Fatalf("delete an item: %v", err)
	}
}

// get reads an item of table rows consistently; nil if it is not there.
func (s *suite) get(pk, sk string) row {
	s.t.Helper()
	in := &dynamodb.GetItemInput{TableName: &s.rows, Key: at(pk, sk), ConsistentRead: aws.Bool(true)}
	out, err := s.client.GetItem(s.t.Context(), in)
	s.noError("get an item", err)
	return out.Item
}

// wantNone fails if an item is there.
func (s *suite) wantNone(pk, sk string) {
	s.t.Helper()
	if item := s.get(pk, sk); item != nil {
		s.t.Errorf("%s/%s is there, with %q, though its write was refused", pk, sk, names(item))
	}
}

// wantText fails unless an item is there with that text as an attribute.
func (s *suite) wantText(pk, sk, name, want string) {
	s.t.Helper()
	if got := textOf(s.get(pk, sk)[name]); got != want {
		s.t.Errorf("%s of %s/%s = %q, want %q", name, pk, sk, got, want)
	}
}

const (
	failedCondition = "ConditionalCheckFailedException"
	failedChecks    = "ValidationException"
)

// wantRefused fails unless a call failed with the code, and for the caller's
// reason.
func (s *suite) wantRefused(what string, err error, code string) {
	s.t.Helper()
	emulatortest.WantCode(s.t, what, err, code)
}

// wantInvalid fails unless a transaction was refused because of what the action
// at a position says: the service reports that either for the request or as
// that action's reason.
func (s *suite) wantInvalid(what string, err error, position int) {
	s.t.Helper()
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) {
		s.wantRefused(what, err, failedChecks)
		return
	}
	if codes := reasonCodes(err); position >= len(codes) || codes[position] != "ValidationError" {
		s.t.Errorf("%s: reasons = %q, want ValidationError at %d", what, codes, position)
	}
}

// reasonCodes are those of a canceled transaction, by position; none of another
// error.
func reasonCodes(err error) []string {
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) {
		return nil
	}
	codes := make([]string, len(canceled.CancellationReasons))
	for i, reason := range canceled.CancellationReasons {
		codes[i] = aws.ToString(reason.Code)
	}
	return codes
}

// wantCanceled fails unless a transaction was canceled for these reasons, by
// position, and returns the items that they show.
func (s *suite) wantCanceled(err error, want ...string) []row {
	s.t.Helper()
	if got := reasonCodes(err); !slices.Equal(got, want) {
		s.t.Fatalf("transaction = %v with the reasons %q, want it canceled for %q", err, got, want)
	}
	var canceled *types.TransactionCanceledException
	errors.As(err, &canceled)
	var shown []row
	for _, reason := range canceled.CancellationReasons {
		shown = append(shown, reason.Item)
	}
	return shown
}

// action puts an item, on a condition unless that is empty.
func (s *suite) action(item row, condition string, values row) types.TransactWriteItem {
	put := &types.Put{TableName: &s.rows, Item: item, ExpressionAttributeValues: values}
	if condition != "" {
		put.ConditionExpression = &condition
	}
	return types.TransactWriteItem{Put: put}
}

// updateAction changes an item.
func (s *suite) updateAction(key row, expression string, values row) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &s.rows, Key: key, UpdateExpression: &expression, ExpressionAttributeValues: values,
	}}
}

// checkAction holds an item against a condition and leaves it as it is.
func (s *suite) checkAction(key row, condition string) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &s.rows, Key: key, ConditionExpression: &condition,
	}}
}

// seenAction records an id, once.
func (s *suite) seenAction(id string, more row) types.TransactWriteItem {
	item := row{"id": text(id)}
	maps.Copy(item, more)
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &s.seen, Item: item,
		ConditionExpression:                 aws.String("attribute_not_exists(id)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

func (s *suite) transact(actions ...types.TransactWriteItem) error {
	s.t.Helper()
	_, err := s.client.TransactWriteItems(s.t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: actions})
	return err
}
