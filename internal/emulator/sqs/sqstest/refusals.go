package sqstest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
)

func refusalChecks() []check {
	small := map[string]string{"MaximumMessageSize": "2048"}
	return []check{
		{name: "characters that SQS does not keep are refused", run: (*queue).refusedCharacters},
		{name: "an empty body is refused", run: (*queue).emptyBody},
		{name: "bad names of attributes are refused", run: (*queue).refusedNames},
		{name: "bad values of attributes are refused", run: (*queue).refusedValues},
		{name: "more than ten attributes are refused", run: (*queue).elevenAttributes},
		{name: "the queue's size limit counts body and attributes", attributes: small, run: (*queue).sizeLimit},
		{name: "numbers out of range are refused", run: (*queue).numbersOutOfRange},
		{name: "a queue that is not there is named by type", run: (*queue).missingQueue},
	}
}

const invalidValue = "InvalidParameterValue"

// sendError is why a message is refused.
func (q *queue) sendError(body string, attributes attrs) error {
	q.t.Helper()
	_, err := q.trySend(body, attributes)
	return err
}

// refusedCharacters: ingest sends a body with such characters in base64, so
// the queue must not take it as it is and lose them.
func (q *queue) refusedCharacters() {
	for _, bad := range []string{"\x00", "\x01", "\b", "\v", "\f", "\x1f", "\ufffe", "\uffff"} {
		err := q.sendError(`{"first_name":"`+bad+`"}`, nil)
		emulatortest.WantType[*types.InvalidMessageContents](q.t, fmt.Sprintf("send with %U", []rune(bad)), err)
	}
	q.wantNone("after refused bodies", 1)
}

// emptyBody: a message without a body is refused.
func (q *queue) emptyBody() {
	q.wantCode("send of an empty body", q.sendError("", nil), "MissingParameter", invalidValue)
}

// refusedNames: names of attributes have SQS's own characters and no reserved
// prefix.
func (q *queue) refusedNames() {
	for _, name := range []string{
		".a", "a.", "a..b", "AWS.a", "aws.a", "Amazon.a", "a b", "a/b", "é", strings.Repeat("a", 257),
	} {
		err := q.sendError("m", attrs{name: text("v")})
		q.wantCode(fmt.Sprintf("send with attribute %.20q", name), err, invalidValue)
	}
	q.wantNone("after refused names", 1)
}

// refusedValues: values are not empty, have characters that SQS keeps, and are
// of their type.
func (q *queue) refusedValues() {
	typed := func(kind, value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: &kind, StringValue: &value}
	}
	for _, value := range []types.MessageAttributeValue{
		text(""), text("a\x07"), text("\uffff"), typed("Text", "v"), typed("", "v"),
		typed("Number", "one"), typed("Number", ""),
		{DataType: aws.String("Binary"), BinaryValue: []byte{}},
	} {
		err := q.sendError("m", attrs{"a": value})
		what := fmt.Sprintf("send with an attribute of type %q, value %q",
			*value.DataType, aws.ToString(value.StringValue))
		q.wantCode(what, err, invalidValue, "InvalidMessageContents")
	}
	q.wantNone("after refused values", 1)
}

// elevenAttributes: a message carries at most ten attributes, of which a
// delivery needs half.
func (q *queue) elevenAttributes() {
	many := attrs{}
	for i := range 10 {
		many["a"+strconv.Itoa(i)] = text("v")
	}
	q.send("ten", many)
	many["b"] = text("v")
	q.wantCode("send with eleven attributes", q.sendError("eleven", many), invalidValue)
}

// sizeLimit: what counts are the bytes of the body and of names, types and
// values of attributes.
func (q *queue) sizeLimit() {
	const limit = 2048
	attributes := attrs{"name": text("value")}
	ofAttributes := len("name") + len("String") + len("value")
	for size, with := range map[int]attrs{limit: nil, limit - ofAttributes: attributes} {
		body := strings.Repeat("a", size)
		q.send(body, with)
		what := fmt.Sprintf("send of one byte more than 2,048, %d attributes", len(with))
		q.wantCode(what, q.sendError(body+"a", with), invalidValue)
	}
	wide := strings.Repeat("é", limit/2+1)
	q.wantCode("send of 1,025 characters of two bytes", q.sendError(wide, nil), invalidValue)
}

// numbersOutOfRange: a wait or a timeout beyond the limit is an error, never
// cut to it.
func (q *queue) numbersOutOfRange() {
	for what, in := range map[string]sqs.ReceiveMessageInput{
		"receive of 11 messages":         {MaxNumberOfMessages: 11},
		"receive waiting 21 s":           {WaitTimeSeconds: 21},
		"receive with visibility 43,201": {VisibilityTimeout: 43_201},
	} {
		in.QueueUrl = &q.url
		_, err := q.c.ReceiveMessage(q.t.Context(), &in)
		q.wantCode(what, err, invalidValue)
	}
	q.wantCode("send delayed by 901 s", q.sendDelayed(901), invalidValue)
}

// missingQueue: a queue that is gone is distinguished from one that does not
// answer, by type and by the older code.
func (q *queue) missingQueue() {
	missing := &queue{t: q.t, c: q.c, name: q.name + "-missing", url: q.url + "-missing"}
	_, urlErr := q.c.GetQueueUrl(q.t.Context(), &sqs.GetQueueUrlInput{QueueName: &missing.name})
	_, receiveErr := q.c.ReceiveMessage(q.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &missing.url})
	_, attributesErr := missing.tryAttributes("All")
	for what, err := range map[string]error{
		"GetQueueUrl": urlErr, "SendMessage": missing.sendError("m", nil),
		"ReceiveMessage": receiveErr, "GetQueueAttributes": attributesErr,
	} {
		what += " of a missing queue"
		emulatortest.WantType[*types.QueueDoesNotExist](q.t, what, err)
		q.wantCode(what, err, "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
	}
}
