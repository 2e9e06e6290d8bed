package dynamodb_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	dynamodbemulator "github.com/clerksync/clerksync/internal/emulator/dynamodb"
)

type object = map[string]any

// call sends one request as JSON text and returns what came back.
func call(tb testing.TB, server http.Handler, operation, body string) (int, object) {
	tb.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	out := object{}
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		tb.Fatalf("%s: answer %q is not JSON: %v", operation, w.Body, err)
	}
	return w.Code, out
}

// must sends a request that is accepted.
func must(tb testing.TB, server http.Handler, operation, body string) object {
	tb.Helper()
	status, out := call(tb, server, operation, body)
	if status != http.StatusOK {
		tb.Fatalf("%s(%s) = %d %v, want 200", operation, body, status, out)
	}
	return out
}

// refusal is the code and the message of an error's body.
func refusal(out object) (code, message string) {
	kind, _ := out["__type"].(string)
	message, _ = out["message"].(string)
	return strings.TrimPrefix(kind, "com.amazonaws.dynamodb.v20120810#"), message
}

const people = `{"TableName":"people","BillingMode":"PAY_PER_REQUEST",
	"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"n","AttributeType":"N"},{"AttributeName":"email","AttributeType":"S"}],
	"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"n","KeyType":"RANGE"}],
	"GlobalSecondaryIndexes":[{"IndexName":"by_email","KeySchema":[{"AttributeName":"email","KeyType":"HASH"}],"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["name"]}}]}`

// newServer has a table "people" with the keys pk (S) and n (N).
func newServer(tb testing.TB) *dynamodbemulator.Server {
	tb.Helper()
	server := dynamodbemulator.New(time.Now)
	must(tb, server, "CreateTable", people)
	return server
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		operation, body string
		code, message   string
	}{
		"no such operation":       {"ExecuteStatement", `{}`, "UnknownOperationException", "ExecuteStatement"},
		"no JSON":                 {"PutItem", `{`, "SerializationException", ""},
		"no such table":           {"GetItem", `{"TableName":"nobody","Key":{}}`, "ResourceNotFoundException", "nobody"},
		"legacy member":           {"PutItem", `{"TableName":"people","Item":{},"Expected":{}}`, "ValidationException", "Expected"},
		"legacy query":            {"Query", `{"TableName":"people","KeyConditions":{}}`, "ValidationException", "KeyConditions"},
		"streams":                 {"CreateTable", `{"TableName":"other","StreamSpecification":{"StreamEnabled":true}}`, "ValidationException", "StreamSpecification"},
		"a table again":           {"CreateTable", people, "ResourceInUseException", "people"},
		"idle attribute":          {"CreateTable", `{"TableName":"other","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"},{"AttributeName":"b","AttributeType":"S"}],"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]}`, "ValidationException", "AttributeDefinitions"},
		"no throughput":           {"CreateTable", `{"TableName":"other","AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}],"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]}`, "ValidationException", "ReadCapacityUnits"},
		"two types in a value":    {"PutItem", `{"TableName":"people","Item":{"pk":{"S":"a","N":"1"}}}`, "ValidationException", "more than one datatypes"},
		"unknown type":            {"PutItem", `{"TableName":"people","Item":{"pk":{"X":"a"}}}`, "ValidationException", "datatypes"},
		"null text":               {"PutItem", `{"TableName":"people","Item":{"pk":{"S":null}}}`, "ValidationException", "datatypes"},
		"empty set":               {"PutItem", `{"TableName":"people","Item":{"pk":{"SS":[]}}}`, "ValidationException", "set"},
		"set with the same twice": {"PutItem", `{"TableName":"people","Item":{"pk":{"NS":["1","1.0"]}}}`, "ValidationException", "duplicates"},
		"nested too deep":         {"PutItem", `{"TableName":"people","Item":{"pk":` + strings.Repeat(`{"L":[`, 40) + strings.Repeat(`]}`, 40) + `}}`, "ValidationException", "Nesting"},
		"key with more":           {"GetItem", `{"TableName":"people","Key":{"pk":{"S":"a"},"n":{"N":"1"},"x":{"S":"a"}}}`, "ValidationException", "schema"},
		"ReturnValues of a put":   {"PutItem", `{"TableName":"people","Item":{},"ReturnValues":"ALL_NEW"}`, "ValidationException", "Return values"},
		"query without key":       {"Query", `{"TableName":"people"}`, "ValidationException", "KeyCondition"},
		"query without hash":      {"Query", `{"TableName":"people","KeyConditionExpression":"n = :n","ExpressionAttributeValues":{":n":{"N":"1"}}}`, "ValidationException", "missed key schema element: pk"},
		"query on others":         {"Query", `{"TableName":"people","KeyConditionExpression":"pk = :a AND email = :a","ExpressionAttributeValues":{":a":{"S":"1"}}}`, "ValidationException", "not supported"},
		"query by either":         {"Query", `{"TableName":"people","KeyConditionExpression":"pk = :a OR n = :n","ExpressionAttributeValues":{":a":{"S":"1"},":n":{"N":"1"}}}`, "ValidationException", ""},
		"query by another type":   {"Query", `{"TableName":"people","KeyConditionExpression":"pk = :a","ExpressionAttributeValues":{":a":{"N":"1"}}}`, "ValidationException", "type"},
		"filter on the key":       {"Query", `{"TableName":"people","KeyConditionExpression":"pk = :a","FilterExpression":"n <> :n","ExpressionAttributeValues":{":a":{"S":"1"},":n":{"N":"1"}}}`, "ValidationException", "non-primary"},
		"no such index":           {"Query", `{"TableName":"people","IndexName":"by_slug","KeyConditionExpression":"pk = :a","ExpressionAttributeValues":{":a":{"S":"1"}}}`, "ValidationException", "by_slug"},
		"more than projected":     {"Scan", `{"TableName":"people","IndexName":"by_email","ProjectionExpression":"phone"}`, "ValidationException", "phone"},
		"all of an index":         {"Scan", `{"TableName":"people","IndexName":"by_email","Select":"ALL_ATTRIBUTES"}`, "ValidationException", "ALL_ATTRIBUTES"},
		"start elsewhere":         {"Scan", `{"TableName":"people","ExclusiveStartKey":{"pk":{"S":"a"}}}`, "ValidationException", "starting key"},
		"limit of nothing":        {"Scan", `{"TableName":"people","Limit":0}`, "ValidationException", "limit"},
		"segment out of range":    {"Scan", `{"TableName":"people","Segment":4,"TotalSegments":4}`, "ValidationException", "Segment"},
		"segment alone":           {"Scan", `{"TableName":"people","Segment":0}`, "ValidationException", "TotalSegments"},
		"empty transaction":       {"TransactWriteItems", `{"TransactItems":[]}`, "ValidationException", "transactItems"},
		"two actions in one":      {"TransactWriteItems", `{"TransactItems":[{"Put":{},"Delete":{}}]}`, "ValidationException", "only contain one"},
		"batch of two and none":   {"BatchWriteItem", `{"RequestItems":{"people":[{}]}}`, "ValidationException", "exactly one"},
		"batch with a twin": {
			"BatchWriteItem", `{"RequestItems":{"people":[{"PutRequest":{"Item":{"pk":{"S":"a"},"n":{"N":"1"}}}},{"DeleteRequest":{"Key":{"pk":{"S":"a"},"n":{"N":"1.0"}}}}]}}`,
			"ValidationException", "duplicates",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, out := call(t, newServer(t), test.operation, test.body)
			code, message := refusal(out)
			if status != http.StatusBadRequest || code != test.code || !strings.Contains(message, test.message) {
				t.Errorf("%s(%s) = %d %s %q, want 400 %s ...%s...", test.operation, test.body, status, code, message, test.code, test.message)
			}
		})
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(make([]byte, 16<<20+1)))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
	w := httptest.NewRecorder()
	newServer(t).ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of more than 16 MB = %d, want 413", w.Code)
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	server := dynamodbemulator.New(func() time.Time { return time.UnixMilli(1767225600500) })
	must(t, server, "CreateTable", strings.Replace(people, `"KeySchema"`, `"DeletionProtectionEnabled":true,"SSESpecification":{"Enabled":true},"Tags":[{"Key":"a","Value":"b"}],"KeySchema"`, 1))
	must(t, server, "PutItem", `{"TableName":"people","Item":{"pk":{"S":"a"},"n":{"N":"1"},"email":{"S":"a@example.com"}}}`)

	described := must(t, server, "DescribeTable", `{"TableName":"people"}`)["Table"].(object)
	got := object{}
	for _, name := range []string{"TableStatus", "ItemCount", "TableSizeBytes", "DeletionProtectionEnabled", "BillingModeSummary", "SSEDescription", "CreationDateTime", "TableArn"} {
		got[name] = described[name]
	}
	want := object{
		"TableStatus": "ACTIVE", "ItemCount": 1.0, "TableSizeBytes": 24.0, "DeletionProtectionEnabled": true,
		"BillingModeSummary": object{"BillingMode": "PAY_PER_REQUEST"}, "SSEDescription": object{"Status": "ENABLED", "SSEType": "KMS"},
		"CreationDateTime": 1767225600.5, "TableArn": "arn:aws:dynamodb:us-east-1:000000000000:table/people",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("DescribeTable (-want +got):\n%s", diff)
	}
	index := described["GlobalSecondaryIndexes"].([]any)[0].(object)
	if index["IndexStatus"] != "ACTIVE" || index["ItemCount"] != 1.0 {
		t.Errorf("index = %v, want it ACTIVE with 1 item", index)
	}

	if status, _ := call(t, server, "DeleteTable", `{"TableName":"people"}`); status != http.StatusBadRequest {
		t.Errorf("DeleteTable(protected) = %d, want 400", status)
	}
	must(t, server, "UpdateTable", `{"TableName":"people","DeletionProtectionEnabled":false}`)
	must(t, server, "DeleteTable", `{"TableName":"people"}`)
	if names := must(t, server, "ListTables", `{}`)["TableNames"]; !cmp.Equal(names, []any{}) {
		t.Errorf("ListTables = %v, want none", names)
	}
}

func TestListTables(t *testing.T) {
	t.Parallel()
	server := dynamodbemulator.New(time.Now)
	for _, name := range []string{"bbb", "aaa", "ccc"} {
		must(t, server, "CreateTable", strings.Replace(people, `"people"`, `"`+name+`"`, 1))
	}
	page := must(t, server, "ListTables", `{"Limit":2}`)
	if diff := cmp.Diff(object{"TableNames": []any{"aaa", "bbb"}, "LastEvaluatedTableName": "bbb"}, page); diff != "" {
		t.Errorf("first page (-want +got):\n%s", diff)
	}
	page = must(t, server, "ListTables", `{"Limit":2,"ExclusiveStartTableName":"bbb"}`)
	if diff := cmp.Diff(object{"TableNames": []any{"ccc"}}, page); diff != "" {
		t.Errorf("second page (-want +got):\n%s", diff)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	backups := func(status string) object {
		return object{"ContinuousBackupsDescription": object{"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": object{"PointInTimeRecoveryStatus": status}}}
	}
	steps := []struct {
		operation, body string
		want            object
	}{
		{"DescribeTimeToLive", `{"TableName":"people"}`, object{"TimeToLiveDescription": object{"TimeToLiveStatus": "DISABLED"}}},
		{"UpdateTimeToLive", `{"TableName":"people","TimeToLiveSpecification":{"AttributeName":"x","Enabled":true}}`, object{"TimeToLiveSpecification": object{"AttributeName": "x", "Enabled": true}}},
		{"DescribeTimeToLive", `{"TableName":"people"}`, object{"TimeToLiveDescription": object{"TimeToLiveStatus": "ENABLED", "AttributeName": "x"}}},
		{"DescribeContinuousBackups", `{"TableName":"people"}`, backups("DISABLED")},
		{"UpdateContinuousBackups", `{"TableName":"people","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}}`, backups("ENABLED")},
		{"DescribeContinuousBackups", `{"TableName":"people"}`, backups("ENABLED")},
	}
	for _, step := range steps {
		if diff := cmp.Diff(step.want, must(t, server, step.operation, step.body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.operation, diff)
		}
	}
	if status, out := call(t, server, "UpdateTimeToLive", steps[1].body); status != http.StatusBadRequest {
		t.Errorf("UpdateTimeToLive, again = %d %v, want 400", status, out)
	}
}
