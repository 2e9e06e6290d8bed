package dynamodbtest

import (
	"crypto/rand"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// consumedCapacity: an answer names the tables that it comes from where the
// request asks for it, also if no item was found, and not otherwise. This is
// how pkg/dynamo tells the table's answers from those of anything else.
func (s *suite) consumedCapacity() {
	ctx, total := s.t.Context(), types.ReturnConsumedCapacityTotal
	item, seen := at("capacity", "1", row{"v": text("x")}), row{"id": text("capacity")}
	want := func(operation string, err error, tables []string, consumed ...types.ConsumedCapacity) {
		s.t.Helper()
		var got []string
		for _, c := range consumed {
			got = append(got, aws.ToString(c.TableName))
			if aws.ToFloat64(c.CapacityUnits) <= 0 {
				s.t.Errorf("%s consumed %v units, want some", operation, aws.ToFloat64(c.CapacityUnits))
			}
		}
		slices.Sort(got)
		slices.Sort(tables)
		if err != nil || !slices.Equal(got, tables) {
			s.t.Errorf("%s = consumed of %q, %v, want of %q", operation, got, err, tables)
		}
	}
	one := func(operation string, consumed *types.ConsumedCapacity, err error) {
		s.t.Helper()
		if consumed == nil {
			consumed = &types.ConsumedCapacity{}
		}
		want(operation, err, []string{s.rows}, *consumed)
	}

	put, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.rows, Item: item, ReturnConsumedCapacity: total,
	})
	one("PutItem", put.ConsumedCapacity, err)
	for name, key := range map[string]row{"GetItem": at("capacity", "1"), "GetItem of nothing": at("capacity", "2")} {
		get, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: &s.rows, Key: key, ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: total,
		})
		one(name, get.ConsumedCapacity, err)
	}
	for name, pk := range map[string]string{"Query": "capacity", "Query of nothing": "capacity-none"} {
		query, err := s.client.Query(ctx, &dynamodb.QueryInput{
			TableName: &s.rows, KeyConditionExpression: aws.String("pk = :pk"), ReturnConsumedCapacity: total,
			ExpressionAttributeValues: row{":pk": text(pk)},
		})
		one(name, query.ConsumedCapacity, err)
	}
	batch, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
		ReturnConsumedCapacity: total,
		RequestItems: map[string]types.KeysAndAttributes{
			s.rows: {Keys: []row{at("capacity", "1"), at("capacity", "2")}}, s.seen: {Keys: []row{seen}},
		},
	})
	want("BatchGetItem", err, []string{s.rows, s.seen}, batch.ConsumedCapacity...)

	transaction := &dynamodb.TransactWriteItemsInput{
		ReturnConsumedCapacity: total, ClientRequestToken: aws.String(rand.Text()),
		TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: &s.seen, Item: seen}},
			{Put: &types.Put{TableName: &s.rows, Item: item}},
			{Delete: &types.Delete{TableName: &s.rows, Key: at("capacity", "2")}},
		},
	}
	for _, name := range []string{"TransactWriteItems", "TransactWriteItems again"} {
		out, err := s.client.TransactWriteItems(ctx, transaction)
		want(name, err, []string{s.rows, s.seen}, out.ConsumedCapacity...)
	}
	unasked, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.rows, Item: item})
	if err != nil || unasked.ConsumedCapacity != nil {
		s.t.Errorf("PutItem without ReturnConsumedCapacity = %v, %v, want none", unasked.ConsumedCapacity, err)
	}
}
