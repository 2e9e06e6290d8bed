package dynamo_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	directorytest.Run(t, func(t *testing.T) directory.Table {
		t.Helper()
		client, names := dynamotest.Open(t)
		return dynamo.New(client, names.Directory, names.Deliveries)
	})
}

// A follow-up looks at hundreds of parents, whose data would be most of the answer.
func TestReadStatesWithoutData(t *testing.T) {
	t.Parallel()
	client, names := dynamotest.Open(t)
	table := dynamo.New(client, names.Directory, names.Deliveries)
	for _, id := range []string{"u1", "u2"} {
		row := user(id, "1")
		row[directory.AttrObject] = `{"id":"` + id + `"}`
		if err := write(directory.Write{Row: row})(t.Context(), table); err != nil {
			t.Fatal(err)
		}
	}
	want := func(id string) directory.Row {
		r := directory.NewRow(directory.UserKey(id), directory.KindUser)
		r[directory.AttrRev] = "1"
		return r
	}
	for name, ids := range map[string][]string{"one": {"u1"}, "two": {"u1", "u2"}} {
		var keys []directory.Key
		var rows []directory.Row
		for _, id := range ids {
			keys, rows = append(keys, directory.UserKey(id)), append(rows, want(id))
		}
		got, err := table.ReadStates(t.Context(), keys...)
		if diff := cmp.Diff(rows, got); err != nil || diff != "" {
			t.Errorf("%s: ReadStates, error %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// What each call costs: DynamoDB bills by request and by item.
func TestRequests(t *testing.T) {
	t.Parallel()
	requests := &dynamotest.Requests{}
	client, names := dynamotest.Open(t, func(o *dynamodb.Options) { o.HTTPClient = requests })
	table := dynamo.New(client, names.Directory, names.Deliveries)
	row := user("u1", "1")
	keys := make([]directory.Key, 130)
	for i := range keys {
		keys[i] = directory.UserKey(string(rune('A' + i)))
	}
	message := func(id string) tableCall { return write(directory.Write{LedgerEntry: ledgerEntry(id)}) }
	messageAndRow := func(id string) tableCall {
		return write(directory.Write{LedgerEntry: ledgerEntry(id), Row: row, If: directory.IfNewer("1")})
	}
	rowAndPointer := write(directory.Write{
		Row: user("u1", "3"), If: directory.IfNewer("3"), Drop: []directory.Key{directory.UserKey("u2")},
	})
	// The order matters: later calls lose against earlier ones.
	for _, c := range []struct {
		name string
		call tableCall
		want []string
	}{
		{name: "message and row", call: messageAndRow("msg_1"), want: []string{"TransactWriteItems"}},
		{name: "message and row that lose", call: messageAndRow("msg_2"), want: []string{"TransactWriteItems"}},
		{name: "message that is recorded, and row", call: messageAndRow("msg_1"), want: []string{"TransactWriteItems"}},
		{name: "message alone", call: message("msg_3"), want: []string{"PutItem"}},
		{name: "message alone that is recorded", call: message("msg_3"), want: []string{"PutItem"}},
		{
			name: "row alone",
			call: write(directory.Write{Row: user("u1", "2"), If: directory.IfNewer("2")}),
			want: []string{"PutItem"},
		},
		{name: "row alone that loses", call: write(directory.Write{Row: row}), want: []string{"PutItem"}},
		{name: "row and pointer", call: rowAndPointer, want: []string{"TransactWriteItems"}},
		{name: "no key", call: read()},
		{name: "one key", call: read(row.Key()), want: []string{"GetItem"}},
		{name: "two keys", call: read(keys[:2]...), want: []string{"BatchGetItem"}},
		{name: "one key twice", call: read(row.Key(), row.Key()), want: []string{"BatchGetItem"}},
		{name: "130 keys", call: read(keys...), want: []string{"BatchGetItem", "BatchGetItem"}},
		{name: "a page", call: live("USER#u1"), want: []string{"Query"}},
	} {
		if err := c.call(t.Context(), table); err != nil {
			t.Errorf("%s: %v, want no error", c.name, err)
		}
		if diff := cmp.Diff(c.want, requests.Take()); diff != "" {
			t.Errorf("%s: requests differ (-want +got):\n%s", c.name, diff)
		}
	}
	if got, want := requests.ConsistentReads(), 1+1+1+2+1; got != want {
		t.Errorf("%d consistent reads, want all %d", got, want)
	}
}

// The stored shape is a contract: other programs read these tables.
func TestStoredItems(t *testing.T) {
	t.Parallel()
	client, names := dynamotest.Open(t)
	table := dynamo.New(client, names.Directory, names.Deliveries)
	received := time.Date(2026, 3, 2, 11, 2, 55, 640_900_000, time.FixedZone("", 3600))
	entry := &directory.LedgerEntry{
		SvixID: "msg_1", EventType: "user.updated", Entity: "user/u1", Outcome: "applied",
		ReceivedAt: received, ProcessedAt: received.Add(time.Second), ExpiresAt: received.Add(time.Hour),
	}
	row := user("u1", "1")
	row["by_email"], row["banned"] = "ada@example.com", false
	row["created_at"], row["email_addresses"] = directory.Number("5"), []string{"a", "b"}
	got, err := table.Write(t.Context(), directory.Write{LedgerEntry: entry, Row: row})
	if got != directory.Written || err != nil {
		t.Fatalf("Write = %v, %v, want written", got, err)
	}
	get := func(name string, key map[string]types.AttributeValue) map[string]any {
		out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &name, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		return dynamo.PlainValues(out.Item)
	}
	wantDelivery := map[string]any{
		"svix_id":      "msg_1",
		"event_type":   "user.updated",
		"entity":       "user/u1",
		"outcome":      "applied",
		"received_at":  "2026-03-02T10:02:55.640Z",
		"processed_at": "2026-03-02T10:02:56.640Z",
		"expires_at":   json.Number("1772449375"),
	}
	gotDelivery := get(names.Deliveries, map[string]types.AttributeValue{"svix_id": text("msg_1")})
	if diff := cmp.Diff(wantDelivery, gotDelivery); diff != "" {
		t.Errorf("Deliveries item differs (-want +got):\n%s", diff)
	}
	wantRow := map[string]any{
		"pk":              "USER#u1",
		"sk":              "USER",
		"kind":            "user",
		"rev":             "1",
		"by_email":        "ada@example.com",
		"banned":          false,
		"created_at":      json.Number("5"),
		"email_addresses": []any{"a", "b"},
	}
	if diff := cmp.Diff(wantRow, get(names.Directory, dynamo.Key(directory.UserKey("u1")))); diff != "" {
		t.Errorf("Directory item differs (-want +got):\n%s", diff)
	}
	out, err := client.Query(t.Context(), &dynamodb.QueryInput{
		TableName:                 &names.Directory,
		IndexName:                 aws.String("by_email"),
		KeyConditionExpression:    aws.String("by_email = :e"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":e": text("ada@example.com")},
	})
	if err != nil || out.Count != 1 {
		t.Errorf("Query(by_email) = %d items, %v, want 1", out.Count, err)
	}
}

// An operator may have added attributes of other types by hand. A row leaves them
// out.
func TestItemsChangedByHand(t *testing.T) {
	t.Parallel()
	client, names := dynamotest.Open(t)
	null := &types.AttributeValueMemberNULL{Value: true}
	item := map[string]types.AttributeValue{
		"pk": text("USER#u1"), "sk": text("USER"), "rev": text("1"), "note": text("hello"),
		"null":    null,
		"map":     &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"a": text("b")}},
		"mixed":   &types.AttributeValueMemberL{Value: []types.AttributeValue{text("a"), null}},
		"texts":   &types.AttributeValueMemberSS{Value: []string{"a"}},
		"numbers": &types.AttributeValueMemberNS{Value: []string{"1"}},
		"binary":  &types.AttributeValueMemberB{Value: []byte{0}},
	}
	_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &names.Directory, Item: item})
	if err != nil {
		t.Fatal(err)
	}
	table := dynamo.New(client, names.Directory, names.Deliveries)
	rows, err := table.Read(t.Context(), directory.UserKey("u1"))
	want := []directory.Row{{"pk": "USER#u1", "sk": "USER", "rev": "1", "note": "hello", "mixed": []string{"a"}}}
	if diff := cmp.Diff(want, rows); err != nil || diff != "" {
		t.Errorf("Read = %v, differs (-want +got):\n%s", err, diff)
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func user(id, rev string) directory.Row {
	r := directory.NewRow(directory.UserKey(id), directory.KindUser)
	r[directory.AttrRev] = rev
	return r
}

func ledgerEntry(svixID string) *directory.LedgerEntry {
	at := time.UnixMilli(1_772_449_375_640)
	return &directory.LedgerEntry{
		SvixID: svixID, EventType: "user.updated", Entity: "user/u1", Outcome: "applied",
		ReceivedAt: at, ProcessedAt: at, ExpiresAt: at,
	}
}
