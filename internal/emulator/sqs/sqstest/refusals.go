package sqstest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func refusalChecks() []check {
	small := map[string]string{"MaximumMessageSize": "2048"}
	return []check{
		{name: "characters that SQS does not keep are refused", run: refusedCharacters},
		{name: "an empty body is refused", run: emptyBody},
		{name: "bad names of attributes are refused", run: refusedNames},
		{name: "bad values of attributes are refused", run: refusedValues},
		{name: "more than ten attributes are refused", run: elevenAttributes},
		{name: "the queue's size limit counts body and attributes", attributes: small, run: sizeLimit},
		{name: "numbers out of range are refused", run: numbersOutOfRange},
		{name: "a queue that is not there is told by type", run: missingQueue},
	}
}

const invalidValue = "InvalidParameterValue"

// sendError is why a message is refused.
func (q *queue) sendError(t *testing.T, body string, attributes attrs) error {
	t.Helper()
	_, err := q.trySend(t, body, attributes)
	return err
}

func refusedCharacters(t *testing.T, q *queue) {
	for _, bad := range []string{"\x00", "\x01", "\b", "\v", "\f", "\x1f", "\ufffe", "\uffff"} {
		err := q.sendError(t, `{"first_name":"`+bad+`"}`, nil)
		wantType[*types.InvalidMessageContents](t, fmt.Sprintf("send with %U", []rune(bad)), err)
	}
	q.wantNone(t, "after refused bodies", 1)
}

func emptyBody(t *testing.T, q *queue) {
	wantCode(t, "send of an empty body", q.sendError(t, "", nil), "MissingParameter", invalidValue)
}

func refusedNames(t *testing.T, q *queue) {
	for _, name := range []string{
		".a", "a.", "a..b", "AWS.a", "aws.a", "Amazon.a", "a b", "a/b", "é", strings.Repeat("a", 257),
	} {
		err := q.sendError(t, "m", attrs{name: text("v")})
		wantCode(t, fmt.Sprintf("send with attribute %.20q", name), err, invalidValue)
	}
	q.wantNone(t, "after refused names", 1)
}

func refusedValues(t *testing.T, q *queue) {
	typed := func(kind, value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: &kind, StringValue: &value}
	}
	for _, value := range []types.MessageAttributeValue{
		text(""), text("a\x07"), text("\uffff"), typed("Text", "v"), typed("", "v"),
		typed("Number", "one"), typed("Number", ""),
		{DataType: aws.String("Binary"), BinaryValue: []byte{}},
	} {
		err := q.sendError(t, "m", attrs{"a": value})
		what := fmt.Sprintf("send with an attribute of type %q, value %q", *value.DataType, aws.ToString(value.StringValue))
		wantCode(t, what, err, invalidValue, "InvalidMessageContents")
	}
	q.wantNone(t, "after refused values", 1)
}

func elevenAttributes(t *testing.T, q *queue) {
	many := attrs{}
	for i := range 10 {
		many["a"+strconv.Itoa(i)] = text("v")
	}
	q.send(t, "ten", many)
	many["b"] = text("v")
	wantCode(t, "send with eleven attributes", q.sendError(t, "eleven", many), invalidValue)
}

func sizeLimit(t *testing.T, q *queue) {
	const limit = 2048
	attributes := attrs{"name": text("value")}
	ofAttributes := len("name") + len("String") + len("value")
	for size, with := range map[int]attrs{limit: nil, limit - ofAttributes: attributes} {
		body := strings.Repeat("a", size)
		q.send(t, body, with)
		what := fmt.Sprintf("send of one byte more than 2,048, %d attributes", len(with))
		wantCode(t, what, q.sendError(t, body+"a", with), invalidValue)
	}
	wide := strings.Repeat("é", limit/2+1)
	wantCode(t, "send of 1,025 characters of two bytes", q.sendError(t, wide, nil), invalidValue)
}

func numbersOutOfRange(t *testing.T, q *queue) {
	for what, in := range map[string]sqs.ReceiveMessageInput{
		"receive of 11 messages":         {MaxNumberOfMessages: 11},
		"receive waiting 21 s":           {WaitTimeSeconds: 21},
		"receive with visibility 43,201": {VisibilityTimeout: 43_201},
	} {
		in.QueueUrl = &q.url
		_, err := q.c.ReceiveMessage(t.Context(), &in)
		wantCode(t, what, err, invalidValue)
	}
	wantCode(t, "send delayed by 901 s", q.sendDelayed(t, 901), invalidValue)
}

func missingQueue(t *testing.T, q *queue) {
	missing := &queue{c: q.c, name: q.name + "-missing", url: q.url + "-missing"}
	_, urlErr := q.c.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &missing.name})
	_, receiveErr := q.c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &missing.url})
	_, attributesErr := missing.tryAttributes(t, "All")
	for what, err := range map[string]error{
		"GetQueueUrl": urlErr, "SendMessage": missing.sendError(t, "m", nil),
		"ReceiveMessage": receiveErr, "GetQueueAttributes": attributesErr,
	} {
		what += " of a missing queue"
		wantType[*types.QueueDoesNotExist](t, what, err)
		wantCode(t, what, err, "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
	}
}
