package dynamodb_test

import (
	"net/http"
	"strings"
	"testing"
)

// A refusal names what it is about, so that whoever meets it need not guess.
func TestRefusals(t *testing.T) {
	t.Parallel()
	values := func(text string) string { return `,"ExpressionAttributeValues":` + text }
	hash := `"AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}],` +
		`"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]`
	const twin = `{"pk":{"S":"a"},"n":{"N":"1.0"}}`
	for name, test := range map[string]struct {
		operation, body string
		code            string // ValidationException if empty
		message         string // or a part of it
	}{
		"no such operation": {
			operation: "ExecuteStatement", body: `{}`, code: "UnknownOperationException", message: "ExecuteStatement",
		},
		"no such table": {
			operation: "GetItem", body: `{"TableName":"none","Key":{}}`,
			code: "ResourceNotFoundException", message: "none",
		},
		"a table again": {operation: "CreateTable", body: people, code: "ResourceInUseException", message: "people"},
		"legacy member": {operation: "PutItem", body: on(`"Item":{},"Expected":{}`), message: "Expected"},
		"legacy query":  {operation: "Query", body: on(`"KeyConditions":{}`), message: "KeyConditions"},
		"streams": {
			operation: "CreateTable", body: `{"TableName":"other","StreamSpecification":{"StreamEnabled":true}}`,
			message: "StreamSpecification",
		},
		"unused attribute": {
			operation: "CreateTable",
			body: `{"TableName":"other","BillingMode":"PAY_PER_REQUEST",` +
				strings.Replace(hash, `[`, `[{"AttributeName":"b","AttributeType":"S"},`, 1) + `}`,
			message: "AttributeDefinitions",
		},
		"no throughput": {
			operation: "CreateTable", body: `{"TableName":"other",` + hash + `}`, message: "ReadCapacityUnits",
		},
		"two types in a value": {
			operation: "PutItem", body: on(`"Item":{"pk":{"S":"a","N":"1"}}`), message: "more than one",
		},
		"unknown type": {operation: "PutItem", body: on(`"Item":{"pk":{"X":"a"}}`), message: "datatypes"},
		"null text":    {operation: "PutItem", body: on(`"Item":{"pk":{"S":null}}`), message: "datatypes"},
		"empty set":    {operation: "PutItem", body: on(`"Item":{"pk":{"SS":[]}}`), message: "set"},
		"set with the same twice": {
			operation: "PutItem", body: on(`"Item":{"pk":{"NS":["1","1.0"]}}`), message: "duplicates",
		},
		"nested too deep": {
			operation: "PutItem",
			body:      on(`"Item":{"pk":` + strings.Repeat(`{"L":[`, 40) + strings.Repeat(`]}`, 40) + `}`),
			message:   "Nesting",
		},
		"key with more": {
			operation: "GetItem", body: on(`"Key":{"pk":{"S":"a"},"n":{"N":"1"},"x":{"S":"a"}}`), message: "schema",
		},
		"ReturnValues of a put": {
			operation: "PutItem", body: on(`"Item":{},"ReturnValues":"ALL_NEW"`), message: "'returnValues'",
		},
		"query without key": {operation: "Query", body: `{"TableName":"people"}`, message: "KeyCondition"},
		"query without hash": {
			operation: "Query", body: on(`"KeyConditionExpression":"n = :n"` + values(`{":n":{"N":"1"}}`)),
			message: "missed key schema element: pk",
		},
		"query on others": {
			operation: "Query",
			body:      on(`"KeyConditionExpression":"pk = :a AND email = :a"` + values(`{":a":{"S":"1"}}`)),
			message:   "not supported",
		},
		"query by either": {
			operation: "Query",
			body:      on(`"KeyConditionExpression":"pk = :a OR n = :n"` + values(`{":a":{"S":"1"},":n":{"N":"1"}}`)),
		},
		"query by another type": {
			operation: "Query", body: on(`"KeyConditionExpression":"pk = :a"` + values(`{":a":{"N":"1"}}`)),
			message: "type",
		},
		"filter on the key": {
			operation: "Query",
			body: on(`"KeyConditionExpression":"pk = :a","FilterExpression":"n <> :n"` +
				values(`{":a":{"S":"1"},":n":{"N":"1"}}`)),
			message: "non-primary",
		},
		"no such index": {
			operation: "Query",
			body:      on(`"IndexName":"by_slug","KeyConditionExpression":"pk = :a"` + values(`{":a":{"S":"1"}}`)),
			message:   "by_slug",
		},
		"more than projected": {
			operation: "Scan", body: on(`"IndexName":"by_email","ProjectionExpression":"phone"`), message: "phone",
		},
		"all of an index": {
			operation: "Scan", body: on(`"IndexName":"by_email","Select":"ALL_ATTRIBUTES"`), message: "ALL_ATTRIBUTES",
		},
		"start elsewhere": {
			operation: "Scan", body: on(`"ExclusiveStartKey":{"pk":{"S":"a"}}`), message: "starting key",
		},
		"limit of nothing":     {operation: "Scan", body: on(`"Limit":0`), message: "limit"},
		"segment out of range": {operation: "Scan", body: on(`"Segment":4,"TotalSegments":4`), message: "Segment"},
		"segment alone":        {operation: "Scan", body: on(`"Segment":0`), message: "TotalSegments"},
		"empty transaction": {
			operation: "TransactWriteItems", body: `{"TransactItems":[]}`, message: "transactItems",
		},
		"two actions in one": {
			operation: "TransactWriteItems", body: `{"TransactItems":[{"Put":{},"Delete":{}}]}`,
			message: "only contain one",
		},
		"batch of two and none": {
			operation: "BatchWriteItem", body: `{"RequestItems":{"people":[{}]}}`, message: "exactly one",
		},
		"batch with a twin": {
			operation: "BatchWriteItem",
			body: `{"RequestItems":{"people":[{"PutRequest":{"Item":{"pk":{"S":"a"},"n":{"N":"1"}}}},` +
				`{"DeleteRequest":{"Key":` + twin + `}}]}}`,
			message: "duplicates",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := test.code
			if want == "" {
				want = "ValidationException"
			}
			status, out := call(t, withPeople(t), test.operation, test.body)
			code, message := refusal(out)
			if status != http.StatusBadRequest || code != want || !strings.Contains(message, test.message) {
				t.Errorf("%s(%s) = %d %s %q, want 400 %s ...%s...",
					test.operation, test.body, status, code, message, want, test.message)
			}
		})
	}
}
