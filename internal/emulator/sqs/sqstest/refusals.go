package sqstest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func refusalChecks() []Check {
	return []Check{
		{"characters that SQS does not keep are refused", withQueue(nil, refusedCharacters)},
		{"an empty body is refused", withQueue(nil, emptyBody)},
		{"bad names of attributes are refused", withQueue(nil, refusedNames)},
		{"bad values of attributes are refused", withQueue(nil, refusedValues)},
		{"more than ten attributes are refused", withQueue(nil, elevenAttributes)},
		{"the queue's size limit counts body and attributes", withQueue(map[string]string{"MaximumMessageSize": "2048"}, sizeLimit)},
		{"numbers out of range are refused", withQueue(nil, numbersOutOfRange)},
		{"a queue that is not there is told by type", missingQueue},
	}
}

const invalidValue = "InvalidParameterValue"

func refusedCharacters(ctx context.Context, q *queue) error {
	for _, bad := range []string{"\x00", "\x01", "\b", "\v", "\f", "\x1f", "\ufffe", "\uffff"} {
		_, err := q.trySend(ctx, `{"first_name":"`+bad+`"}`, nil)
		if err := wantType[*types.InvalidMessageContents](fmt.Sprintf("send with %U", []rune(bad)), err); err != nil {
			return err
		}
	}
	return q.none(ctx, 1)
}

func emptyBody(ctx context.Context, q *queue) error {
	_, err := q.trySend(ctx, "", nil)
	return wantCode("send of an empty body", err, "MissingParameter", invalidValue)
}

func refusedNames(ctx context.Context, q *queue) error {
	for _, name := range []string{".a", "a.", "a..b", "AWS.a", "aws.a", "Amazon.a", "a b", "a/b", "é", strings.Repeat("a", 257)} {
		_, err := q.trySend(ctx, "m", attrs{name: text("v")})
		if err := wantCode(fmt.Sprintf("send with attribute %.20q", name), err, invalidValue); err != nil {
			return err
		}
	}
	return q.none(ctx, 1)
}

func refusedValues(ctx context.Context, q *queue) error {
	typed := func(kind, value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: &kind, StringValue: &value}
	}
	for _, value := range []types.MessageAttributeValue{
		text(""), text("a\x07"), text("\uffff"), typed("Text", "v"), typed("", "v"),
		typed("Number", "one"), typed("Number", ""),
		{DataType: aws.String("Binary"), BinaryValue: []byte{}},
	} {
		_, err := q.trySend(ctx, "m", attrs{"a": value})
		what := fmt.Sprintf("send with an attribute of type %q, value %q", *value.DataType, aws.ToString(value.StringValue))
		if err := wantCode(what, err, invalidValue, "InvalidMessageContents"); err != nil {
			return err
		}
	}
	return q.none(ctx, 1)
}

func elevenAttributes(ctx context.Context, q *queue) error {
	many := attrs{}
	for i := range 10 {
		many["a"+strconv.Itoa(i)] = text("v")
	}
	if _, err := q.send(ctx, "ten", many); err != nil {
		return err
	}
	many["b"] = text("v")
	_, err := q.trySend(ctx, "eleven", many)
	return wantCode("send with eleven attributes", err, invalidValue)
}

func sizeLimit(ctx context.Context, q *queue) error {
	extra := attrs{"name": text("value")}
	of := len("name") + len("String") + len("value")
	for _, fits := range []struct {
		size int
		with attrs
	}{{2048, nil}, {2048 - of, extra}} {
		body := strings.Repeat("a", fits.size)
		if _, err := q.send(ctx, body, fits.with); err != nil {
			return fmt.Errorf("%d bytes at a limit of 2,048: %w", fits.size, err)
		}
		_, err := q.trySend(ctx, body+"a", fits.with)
		if err := wantCode(fmt.Sprintf("send of one byte more than 2,048, %d attributes", len(fits.with)), err, invalidValue); err != nil {
			return err
		}
	}
	_, err := q.trySend(ctx, strings.Repeat("é", 1025), nil)
	return wantCode("send of 1,025 characters of two bytes", err, invalidValue)
}

func numbersOutOfRange(ctx context.Context, q *queue) error {
	receive := func(in sqs.ReceiveMessageInput) error {
		in.QueueUrl = &q.url
		_, err := q.c.ReceiveMessage(ctx, &in)
		return err
	}
	_, delayed := q.c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String("m"), DelaySeconds: 901})
	return errors.Join(
		wantCode("receive of 11 messages", receive(sqs.ReceiveMessageInput{MaxNumberOfMessages: 11}), invalidValue),
		wantCode("receive waiting 21 s", receive(sqs.ReceiveMessageInput{WaitTimeSeconds: 21}), invalidValue),
		wantCode("receive with visibility 43,201", receive(sqs.ReceiveMessageInput{VisibilityTimeout: 43_201}), invalidValue),
		wantCode("send delayed by 901 s", delayed, invalidValue),
	)
}

func missingQueue(ctx context.Context, c *sqs.Client) error {
	q, err := newQueue(ctx, c, nil)
	if err != nil {
		return err
	}
	defer q.drop(ctx)
	missing := &queue{c: c, name: q.name + "-missing", url: q.url + "-missing"}
	_, urlErr := c.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &missing.name})
	_, sendErr := missing.trySend(ctx, "m", nil)
	_, receiveErr := missing.receive(ctx, 0, -1)
	_, attributesErr := missing.attributes(ctx)
	for what, err := range map[string]error{"GetQueueUrl": urlErr, "SendMessage": sendErr, "ReceiveMessage": receiveErr, "GetQueueAttributes": attributesErr} {
		what += " of a missing queue"
		if err := wantType[*types.QueueDoesNotExist](what, err); err != nil {
			return err
		}
		if err := wantCode(what, err, "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"); err != nil {
			return err
		}
	}
	return nil
}
