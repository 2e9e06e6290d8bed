package dynamodb_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator"
)

type object = map[string]any

// call sends one request as JSON text and returns what came back.
func call(tb testing.TB, service http.Handler, operation, body string) (int, object) {
	tb.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	w := httptest.NewRecorder()
	service.ServeHTTP(w, r)
	out := object{}
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		tb.Fatalf("%s: answer %q is not JSON: %v", operation, w.Body, err)
	}
	return w.Code, out
}

// must sends a request that is accepted.
func must(tb testing.TB, service http.Handler, operation, body string) object {
	tb.Helper()
	status, out := call(tb, service, operation, body)
	if status != http.StatusOK {
		tb.Fatalf("%s(%s) = %d %v, want 200", operation, body, status, out)
	}
	return out
}

// refusal is the code and the message of an error's body.
func refusal(out object) (code, message string) {
	kind, _ := out["__type"].(string)
	message, _ = out["message"].(string)
	return kind[strings.Index(kind, "#")+1:], message
}

// people is a table with the keys pk (S) and n (N) and an index that shows one
// attribute more than the keys.
const people = `{"TableName":"people","BillingMode":"PAY_PER_REQUEST",
	"AttributeDefinitions":[
		{"AttributeName":"pk","AttributeType":"S"},
		{"AttributeName":"n","AttributeType":"N"},
		{"AttributeName":"email","AttributeType":"S"}],
	"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"n","KeyType":"RANGE"}],
	"GlobalSecondaryIndexes":[{
		"IndexName":"by_email","KeySchema":[{"AttributeName":"email","KeyType":"HASH"}],
		"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["name"]}}]}`

// withPeople is a DynamoDB that has the table.
func withPeople(tb testing.TB) http.Handler {
	tb.Helper()
	service := emulator.New(emulator.Options{})
	must(tb, service, "CreateTable", people)
	return service
}

// on is a request on the table, without its end: the members follow.
func on(members string) string { return `{"TableName":"people",` + members + `}` }

func putPeople(tb testing.TB, service http.Handler, item string) {
	tb.Helper()
	must(tb, service, "PutItem", on(`"Item":`+item))
}

// DescribeTable shows what a command or a table browser reads of a table, with
// sizes and numbers as they are now.
func TestTables(t *testing.T) {
	t.Parallel()
	service := emulator.New(emulator.Options{Now: func() time.Time { return time.UnixMilli(1767225600500) }})
	must(t, service, "CreateTable", people)
	putPeople(t, service, `{"pk":{"S":"a"},"n":{"N":"1"},"email":{"S":"a@example.com"}}`)

	described := must(t, service, "DescribeTable", `{"TableName":"people"}`)["Table"].(object)
	want := object{
		"TableStatus": "ACTIVE", "ItemCount": 1.0, "TableSizeBytes": 24.0,
		"BillingModeSummary": object{"BillingMode": "PAY_PER_REQUEST"},
		"CreationDateTime":   1767225600.5, "TableArn": "arn:aws:dynamodb:us-east-1:000000000000:table/people",
	}
	got := object{}
	for name := range want {
		got[name] = described[name]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("DescribeTable (-want +got):\n%s", diff)
	}
	index := described["GlobalSecondaryIndexes"].([]any)[0].(object)
	if index["IndexStatus"] != "ACTIVE" || index["ItemCount"] != 1.0 {
		t.Errorf("index = %v, want it ACTIVE with 1 item", index)
	}

	must(t, service, "DeleteTable", `{"TableName":"people"}`)
	if names := must(t, service, "ListTables", `{}`)["TableNames"]; !cmp.Equal(names, []any{}) {
		t.Errorf("ListTables = %v, want none", names)
	}
}

// Lists are paged by name, so that a table made meanwhile repeats no other.
func TestListTables(t *testing.T) {
	t.Parallel()
	service := emulator.New(emulator.Options{})
	for _, name := range []string{"bbb", "aaa", "ccc"} {
		must(t, service, "CreateTable", strings.Replace(people, `"people"`, `"`+name+`"`, 1))
	}
	page := must(t, service, "ListTables", `{"Limit":2}`)
	if diff := cmp.Diff(object{"TableNames": []any{"aaa", "bbb"}, "LastEvaluatedTableName": "bbb"}, page); diff != "" {
		t.Errorf("first page (-want +got):\n%s", diff)
	}
	page = must(t, service, "ListTables", `{"Limit":2,"ExclusiveStartTableName":"bbb"}`)
	if diff := cmp.Diff(object{"TableNames": []any{"ccc"}}, page); diff != "" {
		t.Errorf("second page (-want +got):\n%s", diff)
	}
}

// What doctor reads: the expiry and the point-in-time recovery of a table, as
// they were set.
func TestSettings(t *testing.T) {
	t.Parallel()
	service := withPeople(t)
	const enableTTL = `"TimeToLiveSpecification":{"AttributeName":"x","Enabled":true}`
	backups := func(status string) object {
		return object{"ContinuousBackupsDescription": object{
			"ContinuousBackupsStatus":        "ENABLED",
			"PointInTimeRecoveryDescription": object{"PointInTimeRecoveryStatus": status},
		}}
	}
	for _, step := range []struct {
		operation, members string
		want               object
	}{
		{
			operation: "DescribeTimeToLive", members: ``,
			want: object{"TimeToLiveDescription": object{"TimeToLiveStatus": "DISABLED"}},
		},
		{
			operation: "UpdateTimeToLive", members: enableTTL,
			want: object{"TimeToLiveSpecification": object{"AttributeName": "x", "Enabled": true}},
		},
		{
			operation: "DescribeTimeToLive", members: ``,
			want: object{"TimeToLiveDescription": object{"TimeToLiveStatus": "ENABLED", "AttributeName": "x"}},
		},
		{operation: "DescribeContinuousBackups", members: ``, want: backups("DISABLED")},
		{
			operation: "UpdateContinuousBackups",
			members:   `"PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}`,
			want:      backups("ENABLED"),
		},
		{operation: "DescribeContinuousBackups", members: ``, want: backups("ENABLED")},
	} {
		body := strings.Replace(on(step.members), ",}", "}", 1)
		if diff := cmp.Diff(step.want, must(t, service, step.operation, body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.operation, diff)
		}
	}
	if status, out := call(t, service, "UpdateTimeToLive", on(enableTTL)); status != http.StatusBadRequest {
		t.Errorf("UpdateTimeToLive, again = %d %v, want 400", status, out)
	}
}

// A read costs by the whole item, however little of it is asked for.
func TestCapacityOfProjection(t *testing.T) {
	t.Parallel()
	service := withPeople(t)
	putPeople(t, service, `{"pk":{"S":"a"},"n":{"N":"1"},"long":{"S":"`+strings.Repeat("x", 9<<10)+`"}}`)
	const key, rest = `{"pk":{"S":"a"},"n":{"N":"1"}}`, `"ProjectionExpression":"pk","ConsistentRead":true`
	for operation, body := range map[string]string{
		"GetItem": on(`"Key":` + key + `,` + rest + `,"ReturnConsumedCapacity":"TOTAL"`),
		"BatchGetItem": `{"ReturnConsumedCapacity":"TOTAL","RequestItems":{"people":{"Keys":[` + key + `],` +
			rest + `}}}`,
	} {
		out := must(t, service, operation, body)
		consumed := out["ConsumedCapacity"]
		if list, ok := consumed.([]any); ok {
			consumed = list[0]
		}
		want := object{"TableName": "people", "CapacityUnits": 3.0}
		if diff := cmp.Diff(want, consumed); diff != "" {
			t.Errorf("%s of one attribute consumed (-want +got):\n%s", operation, diff)
		}
	}
}
