package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/internal/emulator/eventsource"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
)

// start makes the function with a complete environment, of which some variables
// are changed. out has what it writes, metrics included.
func start(out *bytes.Buffer, changes map[string]string) lambda.Handler {
	env := map[string]string{
		"DIRECTORY_TABLE": "directory", "DELIVERIES_TABLE": "deliveries",
		"QUEUE_URL": "http://127.0.0.1:1/q", "DEAD_LETTER_QUEUE_URL": "http://127.0.0.1:1/d",
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "WARM_UP": "off",
	}
	maps.Copy(env, changes)
	return handler(func(name string) string { return env[name] }, out)
}

// Which variables are bad is tested in pkg/settings. Here it is what the
// function makes of them: it fails every message, and one line names them all.
func TestBadEnvironment(t *testing.T) {
	t.Parallel()
	bad := map[string]string{
		"DIRECTORY_TABLE": "", "AWS_REGION": "", "DELETION_POLICY": "canary", "OBJECT_STORAGE": "canary",
		"LOG_LEVEL": "canary", "AWS_ENDPOINT_URL_DYNAMODB": "canary",
	}
	var out bytes.Buffer
	const batch = `{"Records":[{"messageId":"a","body":"{}"},{"messageId":"b"}]}`
	got, err := start(&out, bad).Invoke(t.Context(), []byte(batch))
	const want = `{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]}`
	if string(got) != want || err != nil {
		t.Errorf("Invoke = %s, %v, want %s", got, err, want)
	}
	lines := regexp.MustCompile(`(?m)^.*"level":"ERROR".*$`).FindAllString(out.String(), -1)
	if len(lines) != 1 || strings.Contains(out.String(), "canary") {
		t.Fatalf("log = %s, want one error and no value", out.String())
	}
	for name := range bad {
		if !strings.Contains(lines[0], name) {
			t.Errorf("line %s does not name %s", lines[0], name)
		}
	}
}

// Messages of each kind go from the queue into the tables, to the dead letters,
// or stay: one that is applied, its duplicate, one that can never work, and one
// of a version that this function does not know.
func TestEndToEnd(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	cfg := emulatortest.Start(t, emulator.New(emulator.Options{}))
	names := dynamotest.Names{Directory: "directory", Deliveries: "deliveries"}
	tables, client := dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	dynamotest.Create(t, tables, names)
	queue := emulatortest.CreateQueue(t, client, "queue", nil)
	dead := emulatortest.CreateQueue(t, client, "dead-letters", nil)

	const user = `{"type":"user.created","timestamp":1772449375640,"data":{"id":"user_a1","first_name":"Zoé 🚒"}}`
	const withoutID = `{"type":"user.deleted","data":{"id":null}}`
	for _, m := range []struct{ id, version, body string }{
		{id: "msg_1", version: "1", body: user},
		{id: "msg_1", version: "1", body: user},
		{id: "msg_2", version: "1", body: withoutID},
		{id: "msg_3", version: "2", body: `{"type":"user.created","data":{"id":"user_b2"}}`},
	} {
		message := delivery.Delivery{
			SvixID: m.id, SvixTimestamp: "1772449375", EventType: "user.created", ReceivedAt: time.Unix(1772449375, 0),
			Body: []byte(m.body),
		}.Encode()
		message.Attributes[delivery.AttrVersion] = m.version
		if err := sqsqueue.NewSender(client, queue).Send(ctx, message); err != nil {
			t.Fatal(err)
		}
	}

	var out bytes.Buffer
	h := start(&out, map[string]string{
		"AWS_ENDPOINT_URL": *cfg.BaseEndpoint, "QUEUE_URL": queue, "DEAD_LETTER_QUEUE_URL": dead,
	})
	messages := receive(t, client, queue)
	payload, err := json.Marshal(eventsource.Event(messages.Messages))
	if err != nil {
		t.Fatal(err)
	}
	want := ""
	for _, m := range messages.Messages {
		if *m.MessageAttributes[delivery.AttrVersion].StringValue == "2" {
			want = `{"batchItemFailures":[{"itemIdentifier":"` + *m.MessageId + `"}]}`
		}
	}
	if got, err := h.Invoke(ctx, payload); string(got) != want || err != nil {
		t.Errorf("Invoke = %s, %v, want %s", got, err, want)
	}

	table := dynamo.New(tables, names.Directory, names.Deliveries)
	rows, err := table.Read(ctx, directory.UserKey("user_a1"), directory.UserKey("user_b2"))
	if err != nil || rows[0].Text("first_name") != "Zoé 🚒" || rows[1] != nil {
		t.Errorf("Read = %v, %v, want the first user's row alone", rows, err)
	}
	letters := receive(t, client, dead).Messages
	if len(letters) != 1 {
		t.Fatalf("dead letters = %v, want one", letters)
	}
	attribute := func(name string) string { return *letters[0].MessageAttributes[name].StringValue }
	if *letters[0].Body != withoutID || attribute(delivery.AttrSvixID) != "msg_2" ||
		!strings.Contains(attribute("reason"), "data.id") {
		t.Errorf("dead letter = %s with %v, want the message and why", *letters[0].Body, letters[0].MessageAttributes)
	}
	for _, counted := range []string{`"Applied":1`, `"Duplicate":1`, `"Dead":1`, `"Failed":1`, `"BatchSize":4`} {
		if !strings.Contains(out.String(), counted) {
			t.Errorf("log %s lacks the metric %s", out.String(), counted)
		}
	}
	if !regexp.MustCompile(`"TableRequests":[1-9]`).MatchString(out.String()) {
		t.Errorf("log %s counts no requests to the tables", out.String())
	}
}

// The connection to the tables is opened before the first batch.
func TestPreconnect(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	host := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer host.Close()
	start(&bytes.Buffer{}, map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": host.URL, "WARM_UP": ""})
	if got := calls.Load(); got != 1 {
		t.Errorf("handler made %d calls to the tables, want 1", got)
	}
}

func receive(t *testing.T, client *sqs.Client, queue string) *sqs.ReceiveMessageOutput {
	t.Helper()
	out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &queue, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
