package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
)

// captured runs f and returns the lines of JSON that it wrote to stdout.
func captured(t *testing.T, f func()) (lines []map[string]any) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	written := make(chan string)
	go func() {
		text, _ := io.ReadAll(r)
		written <- string(text)
	}()
	func() {
		defer func() {
			os.Stdout = stdout
			_ = w.Close()
		}()
		f()
	}()
	for line := range strings.Lines(<-written) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("line %q is no JSON: %v", line, err)
		}
		lines = append(lines, fields)
	}
	return lines
}

// invoke gives the records to the handler and returns the listed ids.
func invoke(t *testing.T, h interface {
	Invoke(context.Context, []byte) ([]byte, error)
}, records []map[string]any,
) (failed []string) {
	t.Helper()
	payload, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := h.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatalf("Invoke = %v, want no error: it would bring the whole batch again", err)
	}
	var out struct {
		Items []struct {
			ID string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(answer, &out); err != nil || out.Items == nil {
		t.Fatalf("Invoke = %s, want batchItemFailures", answer)
	}
	for _, i := range out.Items {
		failed = append(failed, i.ID)
	}
	return failed
}

func environment(more map[string]string) func(string) string {
	env := map[string]string{
		"DIRECTORY_TABLE": "directory", "DELIVERIES_TABLE": "deliveries", "QUEUE_URL": "http://127.0.0.1:1/q", "DEAD_LETTER_QUEUE_URL": "http://127.0.0.1:1/d",
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "WARM_UP": "off",
	}
	for name, value := range more {
		env[name] = value
	}
	return func(name string) string { return env[name] }
}

func TestBadEnvironment(t *testing.T) {
	const canary = "canary-value"
	for _, c := range []struct {
		name string
		env  map[string]string
		bad  []string
	}{
		{name: "one missing", env: map[string]string{"DIRECTORY_TABLE": ""}, bad: []string{"DIRECTORY_TABLE"}},
		{name: "all missing", env: map[string]string{"DIRECTORY_TABLE": "", "DELIVERIES_TABLE": "", "QUEUE_URL": "", "DEAD_LETTER_QUEUE_URL": "", "AWS_REGION": ""}, bad: []string{"DIRECTORY_TABLE", "DELIVERIES_TABLE", "QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "AWS_REGION"}},
		{name: "all bad", env: map[string]string{"DELETION_POLICY": canary, "OBJECT_STORAGE": canary, "DELIVERY_RETENTION_DAYS": canary, "LOG_LEVEL": canary, "AWS_ENDPOINT_URL_DYNAMODB": canary, "AWS_ENDPOINT_URL": canary}, bad: []string{"DELETION_POLICY", "OBJECT_STORAGE", "DELIVERY_RETENTION_DAYS", "LOG_LEVEL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := captured(t, func() {
				failed := invoke(t, handler(environment(c.env)), []map[string]any{{"messageId": "a", "body": "{}"}, {"messageId": "b", "body": ""}})
				if diff := cmp.Diff([]string{"a", "b"}, failed); diff != "" {
					t.Errorf("Invoke differs (-want +got):\n%s", diff)
				}
			})
			said := 0
			for _, line := range lines {
				text, err := json.Marshal(line)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(text), canary) {
					t.Errorf("line %s holds a value", text)
				}
				if line["level"] != "ERROR" {
					continue
				}
				said++
				for _, name := range c.bad {
					if !strings.Contains(string(text), name) {
						t.Errorf("line %s does not name %s", text, name)
					}
				}
			}
			if said != 1 {
				t.Errorf("%d lines say what is wrong, want 1 that names all", said)
			}
		})
	}
}

// TestEndToEnd takes messages from a queue into tables, both on loopback.
func TestEndToEnd(t *testing.T) {
	ctx := t.Context()
	cfg := emulatortest.Start(t, emulator.New(emulator.Options{}))
	names := dynamotest.Names{Directory: "directory", Deliveries: "deliveries"}
	tables, client := dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	dynamotest.Create(t, tables, names)
	queue, dead := create(t, client, "queue"), create(t, client, "dead-letters")

	attributes := func(id, version string) map[string]types.MessageAttributeValue {
		out := map[string]types.MessageAttributeValue{}
		for name, text := range map[string]string{"svix-id": id, "svix-timestamp": "1772449375", "event-type": "user.created", "received-at": "2026-03-02T11:02:55.640Z", "v": version} {
			out[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(text)}
		}
		return out
	}
	for _, m := range []struct{ id, version, body string }{
		{id: "msg_1", version: "1", body: `{"type":"user.created","timestamp":1772449375640,"data":{"id":"user_a1","first_name":"Zoé 🚒"}}`},
		{id: "msg_1", version: "1", body: `{"type":"user.created","timestamp":1772449375640,"data":{"id":"user_a1","first_name":"Zoé 🚒"}}`},
		{id: "msg_2", version: "1", body: `{"type":"user.deleted","data":{"id":null}}`},
		{id: "msg_3", version: "2", body: `{"type":"user.created","data":{"id":"user_b2"}}`},
	} {
		if _, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &m.body, MessageAttributes: attributes(m.id, m.version)}); err != nil {
			t.Fatal(err)
		}
	}
	records, unknown := receive(t, client, queue)
	var failed []string
	lines := captured(t, func() {
		h := handler(environment(map[string]string{"AWS_ENDPOINT_URL": *cfg.BaseEndpoint, "QUEUE_URL": queue, "DEAD_LETTER_QUEUE_URL": dead}))
		failed = invoke(t, h, records)
	})
	if diff := cmp.Diff([]string{unknown}, failed); diff != "" {
		t.Errorf("Invoke differs (-want +got):\n%s", diff)
	}
	rows, err := dynamo.New(tables, names.Directory, names.Deliveries).Read(ctx, directory.UserKey("user_a1"), directory.UserKey("user_b2"))
	if err != nil || rows[0].Text("first_name") != "Zoé 🚒" || rows[1] != nil {
		t.Errorf("Read = %v, %v, want the first user's row alone", rows, err)
	}
	out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &dead, MessageAttributeNames: []string{"All"}, MaxNumberOfMessages: 10})
	if err != nil || len(out.Messages) != 1 {
		t.Fatalf("ReceiveMessage(dead letters) = %v, %v, want one", out, err)
	}
	m := out.Messages[0]
	if *m.Body != `{"type":"user.deleted","data":{"id":null}}` || *m.MessageAttributes["svix-id"].StringValue != "msg_2" || !strings.Contains(*m.MessageAttributes["reason"].StringValue, "data.id") {
		t.Errorf("dead letter = %s with %v, want the message as it was, and why", *m.Body, m.MessageAttributes)
	}
	counted := slices.ContainsFunc(lines, func(l map[string]any) bool { n, _ := l["TableRequests"].(float64); return n > 0 })
	if !counted {
		t.Errorf("lines %v count no requests to the tables", lines)
	}
}

// The connection to the tables is opened before the first batch.
func TestWarm(t *testing.T) {
	var calls atomic.Int32
	host := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer host.Close()
	captured(t, func() {
		handler(environment(map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": host.URL, "WARM_UP": ""}))
	})
	if got := calls.Load(); got != 1 {
		t.Errorf("handler() made %d calls to the tables, want 1", got)
	}
}

func create(t *testing.T, client *sqs.Client, name string) (url string) {
	t.Helper()
	out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return *out.QueueUrl
}

// receive makes Lambda's records of what the queue has, and tells which is of
// an unknown version.
func receive(t *testing.T, client *sqs.Client, queue string) (records []map[string]any, unknown string) {
	t.Helper()
	out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &queue, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil || len(out.Messages) != 4 {
		t.Fatalf("ReceiveMessage = %v, %v, want four", out, err)
	}
	for _, m := range out.Messages {
		attributes := map[string]any{}
		for name, a := range m.MessageAttributes {
			attributes[name] = map[string]any{"dataType": *a.DataType, "stringValue": *a.StringValue}
			if name == "v" && *a.StringValue != "1" {
				unknown = *m.MessageId
			}
		}
		records = append(records, map[string]any{
			"messageId": *m.MessageId, "receiptHandle": *m.ReceiptHandle, "body": *m.Body,
			"attributes": m.Attributes, "messageAttributes": attributes,
		})
	}
	return records, unknown
}
