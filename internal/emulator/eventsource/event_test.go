package eventsource_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/internal/emulator/eventsource"
)

// documented is the example of
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
// with a message attribute as
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-create-package.html
// has it.
const documented = `{
  "Records": [{
    "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
    "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
    "body": "Test message.",
    "attributes": {
      "ApproximateReceiveCount": "1",
      "SentTimestamp": "1545082649183",
      "SenderId": "AIDAIENQZJOLO23YVJ4VO",
      "ApproximateFirstReceiveTimestamp": "1545082649185"
    },
    "messageAttributes": {
      "myAttribute": {
        "stringValue": "myValue",
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": "String"
      }
    },
    "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
    "eventSource": "aws:sqs",
    "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:my-queue",
    "awsRegion": "us-east-2"
  }]
}`

type record = map[string]json.RawMessage

func recordOf(t *testing.T, event []byte) record {
	t.Helper()
	var e struct{ Records []record }
	if err := json.Unmarshal(event, &e); err != nil || len(e.Records) != 1 {
		t.Fatalf("event = %s, %v, want one record", event, err)
	}
	return e.Records[0]
}

func names(t *testing.T, object json.RawMessage) []string {
	t.Helper()
	var m record
	if err := json.Unmarshal(object, &m); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(m))
}

// A function that was written for Lambda's documented event finds all of its
// fields here, and no others.
func TestEventHasTheFieldsThatLambdaDocuments(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	if _, err := h.client.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: &h.queue, MessageBody: aws.String("Test message."),
		MessageAttributes: map[string]types.MessageAttributeValue{"myAttribute": str("myValue")},
	}); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(eventsource.Event(emulatortest.Receive(t, h.client, h.queue)))
	if err != nil {
		t.Fatal(err)
	}
	got, want := recordOf(t, text), recordOf(t, []byte(documented))
	want["md5OfMessageAttributes"] = nil // there whenever a message has attributes
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("fields of a record (-documented +got):\n%s", diff)
	}
	if diff := cmp.Diff(names(t, want["attributes"]), names(t, got["attributes"])); diff != "" {
		t.Errorf("attributes (-documented +got):\n%s", diff)
	}
	attribute := func(r record) []string {
		var m record
		if err := json.Unmarshal(r["messageAttributes"], &m); err != nil {
			t.Fatal(err)
		}
		return names(t, m["myAttribute"])
	}
	if diff := cmp.Diff(attribute(want), attribute(got)); diff != "" {
		t.Errorf("fields of a message attribute (-documented +got):\n%s", diff)
	}
	if string(got["md5OfBody"]) != string(want["md5OfBody"]) {
		t.Errorf("md5OfBody = %s, want %s", got["md5OfBody"], want["md5OfBody"])
	}
}

// What a function decodes with Lambda's own types is what was sent.
func TestEventRoundTrip(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	binary := types.MessageAttributeValue{DataType: aws.String("Binary"), BinaryValue: []byte{0, 0xff, 'x'}}
	body := "{\"first_name\":\"Zoé 🚒\",\"n\":1.0}\t\n"
	if _, err := h.client.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: &h.queue, MessageBody: &body,
		MessageAttributes: map[string]types.MessageAttributeValue{"svix-id": str("msg_1"), "raw": binary},
	}); err != nil {
		t.Fatal(err)
	}
	messages := emulatortest.Receive(t, h.client, h.queue)
	want := eventsource.Event(messages)
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got events.SQSEvent
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Event through JSON (-want +got):\n%s", diff)
	}
	r := got.Records[0]
	if r.Body != body || r.MessageId != *messages[0].MessageId || r.ReceiptHandle != *messages[0].ReceiptHandle {
		t.Errorf("record = %+v, want body, message id and receipt as received", r)
	}
	if diff := cmp.Diff(binary.BinaryValue, r.MessageAttributes["raw"].BinaryValue); diff != "" {
		t.Errorf("binary attribute (-want +got):\n%s", diff)
	}
	if got := *r.MessageAttributes["svix-id"].StringValue; got != "msg_1" {
		t.Errorf("svix-id = %q, want msg_1", got)
	}
}

// Lambda sends an empty object, never null, which a function may range over.
func TestEventOfAMessageWithoutAttributes(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(eventsource.Event([]types.Message{{MessageId: aws.String("1"), Body: aws.String("b")}}))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(recordOf(t, text)["messageAttributes"]); got != "{}" {
		t.Errorf("messageAttributes = %s, want {}", got)
	}
}
