package dynamodb_test

import (
	"net/http"
	"strings"
	"testing"
)

// refused is a request that DynamoDB refuses with a ValidationException.
type refused struct{ body, message string } // a part of the message

// refusedOnTables are requests on tables, by operation.
func refusedOnTables() map[string]map[string]refused {
	const hash = `"AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}],` +
		`"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]`
	other := func(members string) string { return `{"TableName":"other",` + members + `}` }
	withUnused := strings.Replace(hash, `[`, `[{"AttributeName":"b","AttributeType":"S"},`, 1)
	return map[string]map[string]refused{
		// Every attribute that is defined is part of a key, and a table is either on
		// demand or has a throughput.
		// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
		"CreateTable": {
			"streams": {
				body:    other(`"StreamSpecification":{"StreamEnabled":true}`),
				message: "StreamSpecification",
			},
			"unused attribute": {
				body:    other(`"BillingMode":"PAY_PER_REQUEST",` + withUnused),
				message: "AttributeDefinitions",
			},
			"no throughput": {body: other(hash), message: "ReadCapacityUnits"},
		},
	}
}

// refusedOnItems are requests on items, by operation.
func refusedOnItems() map[string]map[string]refused {
	deep := strings.Repeat(`{"L":[`, 40) + strings.Repeat(`]}`, 40)
	const key, twin = `{"pk":{"S":"a"},"n":{"N":"1"}}`, `{"pk":{"S":"a"},"n":{"N":"1.0"}}`
	return map[string]map[string]refused{
		// A value has one type, and a set its elements once, however they are written.
		// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
		"PutItem": {
			"legacy member":           {body: on(`"Item":{},"Expected":{}`), message: "Expected"},
			"two types in a value":    {body: on(`"Item":{"pk":{"S":"a","N":"1"}}`), message: "more than one"},
			"unknown type":            {body: on(`"Item":{"pk":{"X":"a"}}`), message: "datatypes"},
			"null text":               {body: on(`"Item":{"pk":{"S":null}}`), message: "datatypes"},
			"empty set":               {body: on(`"Item":{"pk":{"SS":[]}}`), message: "set"},
			"set with the same twice": {body: on(`"Item":{"pk":{"NS":["1","1.0"]}}`), message: "duplicates"},
			"nested too deep":         {body: on(`"Item":{"pk":` + deep + `}`), message: "Nesting"},
			"ReturnValues of a put":   {body: on(`"Item":{},"ReturnValues":"ALL_NEW"`), message: "'returnValues'"},
		},
		// A Key is all of the key and nothing else.
		"GetItem": {
			"key with more": {body: on(`"Key":{"pk":{"S":"a"},"n":{"N":"1"},"x":{"S":"a"}}`), message: "schema"},
		},
		"TransactWriteItems": {
			"empty transaction":  {body: `{"TransactItems":[]}`, message: "transactItems"},
			"two actions in one": {body: `{"TransactItems":[{"Put":{},"Delete":{}}]}`, message: "only contain one"},
		},
		// No two requests of a batch are on one item, and 1 and 1.0 are one key.
		// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
		"BatchWriteItem": {
			"batch of two and none": {body: `{"RequestItems":{"people":[{}]}}`, message: "exactly one"},
			"batch with a twin": {
				body: `{"RequestItems":{"people":[{"PutRequest":{"Item":` + key + `}},` +
					`{"DeleteRequest":{"Key":` + twin + `}}]}}`,
				message: "duplicates",
			},
		},
	}
}

// refusedSearches are requests that look for items, by operation.
func refusedSearches() map[string]map[string]refused {
	const aIsText, aIsNumber = `{":a":{"S":"1"}}`, `{":a":{"N":"1"}}`
	const nIsNumber, both = `{":n":{"N":"1"}}`, `{":a":{"S":"1"},":n":{"N":"1"}}`
	find := func(condition, values, more string) string {
		return on(`"KeyConditionExpression":"` + condition + `","ExpressionAttributeValues":` + values + more)
	}
	return map[string]map[string]refused{
		// A key condition names the hash key by =, and besides at most the sort key.
		// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
		"Query": {
			"legacy query":          {body: on(`"KeyConditions":{}`), message: "KeyConditions"},
			"query without key":     {body: `{"TableName":"people"}`, message: "KeyCondition"},
			"query without hash":    {body: find("n = :n", nIsNumber, ""), message: "missed key schema element: pk"},
			"query on others":       {body: find("pk = :a AND email = :a", aIsText, ""), message: "not supported"},
			"query by either":       {body: find("pk = :a OR n = :n", both, "")},
			"query by another type": {body: find("pk = :a", aIsNumber, ""), message: "type"},
			"filter on the key": {
				body:    find("pk = :a", both, `,"FilterExpression":"n <> :n"`),
				message: "non-primary",
			},
			"no such index": {body: find("pk = :a", aIsText, `,"IndexName":"by_slug"`), message: "by_slug"},
		},
		// An index gives what it holds, and a segment is one of the total.
		// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
		"Scan": {
			"more than projected": {
				body:    on(`"IndexName":"by_email","ProjectionExpression":"phone"`),
				message: "phone",
			},
			"all of an index": {
				body: on(`"IndexName":"by_email","Select":"ALL_ATTRIBUTES"`), message: "ALL_ATTRIBUTES",
			},
			"start elsewhere":      {body: on(`"ExclusiveStartKey":{"pk":{"S":"a"}}`), message: "starting key"},
			"limit of nothing":     {body: on(`"Limit":0`), message: "limit"},
			"segment out of range": {body: on(`"Segment":4,"TotalSegments":4`), message: "Segment"},
			"segment alone":        {body: on(`"Segment":0`), message: "TotalSegments"},
		},
	}
}

// A refusal names what it is about, so that whoever meets it need not guess.
func TestRefusals(t *testing.T) {
	t.Parallel()
	service := withPeople(t)
	for _, all := range []map[string]map[string]refused{refusedOnTables(), refusedOnItems(), refusedSearches()} {
		for operation, requests := range all {
			for name, r := range requests {
				checkRefused(t, service, operation, name, r, "ValidationException")
			}
		}
	}
	none := refused{body: `{"TableName":"none","Key":{}}`, message: "none"}
	checkRefused(t, service, "GetItem", "no such table", none, "ResourceNotFoundException")
	again := refused{body: people, message: "people"}
	checkRefused(t, service, "CreateTable", "a table again", again, "ResourceInUseException")
	unknown := refused{body: `{}`, message: "ExecuteStatement"}
	checkRefused(t, service, "ExecuteStatement", "no such operation", unknown, "UnknownOperationException")
}

func checkRefused(t *testing.T, service http.Handler, operation, name string, r refused, want string) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		status, out := call(t, service, operation, r.body)
		code, message := refusal(out)
		if status != http.StatusBadRequest || code != want || !strings.Contains(message, r.message) {
			t.Errorf("%s(%s) = %d %s %q, want 400 %s ...%s...",
				operation, r.body, status, code, message, want, r.message)
		}
	})
}
