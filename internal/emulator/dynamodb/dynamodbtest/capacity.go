package dynamodbtest

import (
	"crypto/rand"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// consumedCapacity: an answer names the tables that it comes from where the
// request asks for it, also if no item was found, and not otherwise. By this
// pkg/dynamo knows the table's answers from those of anything else.
func (s *suite) consumedCapacity() {
	ctx, total := s.t.Context(), types.ReturnConsumedCapacityTotal
	item, seen := at("capacity", "1", row{"v": text("x")}), row{"id": text("capacity")}

	in := &dynamodb.PutItemInput{TableName: &s.rows, Item: item}
	put, err := s.client.PutItem(ctx, in)
	s.noError("PutItem without ReturnConsumedCapacity", err)
	s.wantConsumed("PutItem without ReturnConsumedCapacity", put.ConsumedCapacity)
	in.ReturnConsumedCapacity = total
	put, err = s.client.PutItem(ctx, in)
	s.noError("PutItem", err)
	s.wantConsumed("PutItem", put.ConsumedCapacity, s.rows)
	for _, n := range []string{"1", "2"} { // the second is not there
		get, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: &s.rows, Key: at("capacity", n), ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: total,
		})
		s.noError("GetItem "+n, err)
		s.wantConsumed("GetItem "+n, get.ConsumedCapacity, s.rows)
	}
	for _, pk := range []string{"capacity", "capacity-none"} {
		query := s.queryOf(pk)
		query.ReturnConsumedCapacity = total
		s.wantConsumed("Query of "+pk, s.query(query).ConsumedCapacity, s.rows)
	}
	batch, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
		ReturnConsumedCapacity: total,
		RequestItems: map[string]types.KeysAndAttributes{
			s.rows: {Keys: []row{at("capacity", "1"), at("capacity", "2")}}, s.seen: {Keys: []row{seen}},
		},
	})
	s.noError("BatchGetItem", err)
	s.wantAllConsumed("BatchGetItem", batch.ConsumedCapacity, s.rows, s.seen)

	transaction := &dynamodb.TransactWriteItemsInput{
		ReturnConsumedCapacity: total, ClientRequestToken: aws.String(rand.Text()),
		TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: &s.seen, Item: seen}},
			{Put: &types.Put{TableName: &s.rows, Item: item}},
			{Delete: &types.Delete{TableName: &s.rows, Key: at("capacity", "2")}},
		},
	}
	for _, name := range []string{"TransactWriteItems", "TransactWriteItems under its token again"} {
		out, err := s.client.TransactWriteItems(ctx, transaction)
		s.noError(name, err)
		s.wantAllConsumed(name, out.ConsumedCapacity, s.rows, s.seen)
	}
}

// wantConsumed fails unless the capacity is that of the tables, at most one; nil
// is of none.
func (s *suite) wantConsumed(operation string, consumed *types.ConsumedCapacity, tables ...string) {
	s.t.Helper()
	var all []types.ConsumedCapacity
	if consumed != nil {
		all = append(all, *consumed)
	}
	s.wantAllConsumed(operation, all, tables...)
}

// wantAllConsumed fails unless the capacities are one of each table, with units.
func (s *suite) wantAllConsumed(operation string, consumed []types.ConsumedCapacity, tables ...string) {
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
	if !slices.Equal(got, tables) {
		s.t.Errorf("%s = consumed of %q, want of %q", operation, got, tables)
	}
}
