package sqstest

import (
	"context"
	"crypto/md5" //nolint:gosec // SQS's checksums are MD5
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func messageChecks() []Check {
	return []Check{
		{"bodies come back byte for byte", withQueue(nil, bodiesComeBack)},
		{"message attributes come back exact", withQueue(nil, attributesComeBack)},
		{"checksums of attributes are SQS's", withQueue(nil, attributeChecksums)},
		{"message attributes are picked by name and prefix", withQueue(nil, attributesArePicked)},
		{"system attributes tell sender, times and trace", withQueue(nil, systemAttributes)},
		{"a mebibyte is taken", withQueue(nil, mebibyteIsTaken)},
	}
}

func bodiesComeBack(ctx context.Context, q *queue) error {
	bodies := []string{
		`{ "type" :"user.updated","data":{"n":1.0,"s":"\u00e9"}}` + "\n",
		"\r\n\t between \t\r\n", " ", "<a href='x'>&amp;</a>", "Zoé 🚒", "\\\"'%s%00",
		"\u007f\u0085\u00a0\u2028\u200b\ufeff", "\ud7ff\ue000\ufffd\U00010000\U0010ffff",
	}
	want := make(map[string]string)
	for _, body := range bodies {
		id, err := q.send(ctx, body, nil)
		if err != nil {
			return err
		}
		want[id] = body
	}
	got, err := q.collect(ctx, len(want), 30)
	if err != nil {
		return err
	}
	for id, body := range want {
		if m, ok := got[id]; !ok || aws.ToString(m.Body) != body {
			return fmt.Errorf("receive = body %q, want %q", aws.ToString(m.Body), body)
		}
	}
	return nil
}

// sampleAttributes has every kind of attribute.
func sampleAttributes() attrs {
	return attrs{
		"svix-id":     text("msg_2b6TIrKDVBHKQMDEW3vIVpvDtsQ"),
		"event.type":  text("user.created"),
		"Received_at": text("a\tb\nc\r\nZoé 🚒"),
		"count":       {DataType: aws.String("Number"), StringValue: aws.String("12345678901234567890.5")},
		"labelled":    {DataType: aws.String("String.json"), StringValue: aws.String("{}")},
		"bytes":       {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 0xfe, 0xff}},
		"gif":         {DataType: aws.String("Binary.gif"), BinaryValue: []byte("GIF89a")},
	}
}

func attributesComeBack(ctx context.Context, q *queue) error {
	want := sampleAttributes()
	if _, err := q.send(ctx, "with attributes", want); err != nil {
		return err
	}
	m, err := q.one(ctx, 30)
	if err != nil {
		return err
	}
	ignore := cmp.Options{cmpopts.IgnoreUnexported(types.MessageAttributeValue{}), cmpopts.EquateEmpty()}
	if d := cmp.Diff(want, m.MessageAttributes, ignore); d != "" {
		return fmt.Errorf("receive: attributes (-want +got):\n%s", d)
	}
	return nil
}

func attributeChecksums(ctx context.Context, q *queue) error {
	out, err := q.trySend(ctx, "checked", sampleAttributes())
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	want := checksum(sampleAttributes())
	if got := aws.ToString(out.MD5OfMessageAttributes); got != want {
		return fmt.Errorf("send = MD5OfMessageAttributes %q, want %q", got, want)
	}
	m, err := q.one(ctx, 30)
	if err != nil {
		return err
	}
	if got := aws.ToString(m.MD5OfMessageAttributes); got != want {
		return fmt.Errorf("receive = MD5OfMessageAttributes %q, want %q", got, want)
	}
	return nil
}

// checksum is written from SQS's description, not from any server:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
func checksum(all attrs) string {
	var buffer []byte
	add := func(part []byte) {
		buffer = binary.BigEndian.AppendUint32(buffer, uint32(len(part))) //nolint:gosec // short samples
		buffer = append(buffer, part...)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		add([]byte(name))
		add([]byte(*all[name].DataType))
		if all[name].BinaryValue != nil {
			buffer = append(buffer, 2)
			add(all[name].BinaryValue)
			continue
		}
		buffer = append(buffer, 1)
		add([]byte(*all[name].StringValue))
	}
	sum := md5.Sum(buffer) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

func attributesArePicked(ctx context.Context, q *queue) error {
	if _, err := q.send(ctx, "m", attrs{"a": text("1"), "ab": text("2"), "b": text("3")}); err != nil {
		return err
	}
	tests := []struct{ ask, want []string }{
		{nil, nil},
		{[]string{"b"}, []string{"b"}},
		{[]string{"missing", "a"}, []string{"a"}},
		{[]string{"a.*"}, []string{"a", "ab"}},
		{[]string{"All"}, []string{"a", "ab", "b"}},
		{[]string{".*"}, []string{"a", "ab", "b"}},
	}
	for _, test := range tests {
		got, err := q.pick(ctx, test.ask)
		if err != nil {
			return err
		}
		if !slices.Equal(got, test.want) {
			return fmt.Errorf("receive with MessageAttributeNames %v = attributes %v, want %v", test.ask, got, test.want)
		}
	}
	return nil
}

// pick receives the queue's only message with the attributes asked for, tells
// their names and makes it visible again.
func (q *queue) pick(ctx context.Context, ask []string) ([]string, error) {
	for range 10 {
		out, err := q.c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &q.url, WaitTimeSeconds: 2, MessageAttributeNames: ask})
		if err != nil {
			return nil, fmt.Errorf("receive: %w", err)
		}
		for _, m := range out.Messages {
			return slices.Sorted(maps.Keys(m.MessageAttributes)), q.setVisibility(ctx, m, 0)
		}
	}
	return nil, errors.New("receive: the message did not come again in ten receives")
}

func systemAttributes(ctx context.Context, q *queue) error {
	trace := "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	_, err := q.c.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &q.url, MessageBody: aws.String("traced"),
		MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: &trace},
		},
	})
	if err != nil {
		return fmt.Errorf("send with AWSTraceHeader: %w", err)
	}
	m, err := q.one(ctx, 30)
	if err != nil {
		return err
	}
	if m.Attributes["SenderId"] == "" || m.Attributes["AWSTraceHeader"] != trace {
		return fmt.Errorf("receive = system attributes %v, want a SenderId and AWSTraceHeader %q", m.Attributes, trace)
	}
	for _, name := range []string{"SentTimestamp", "ApproximateFirstReceiveTimestamp"} {
		ms, err := strconv.ParseInt(m.Attributes[name], 10, 64)
		if age := time.Since(time.UnixMilli(ms)); err != nil || age.Abs() > 5*time.Minute {
			return fmt.Errorf("receive = %s %q, want now in milliseconds", name, m.Attributes[name])
		}
	}
	return nil
}

func mebibyteIsTaken(ctx context.Context, q *queue) error {
	body := strings.Repeat("é", 1<<19)
	if _, err := q.send(ctx, body, nil); err != nil {
		return err
	}
	if _, err := q.trySend(ctx, body+"x", nil); err == nil {
		return errors.New("send of 1,048,577 bytes = no error, want a refusal")
	}
	m, err := q.one(ctx, 30)
	if err == nil && aws.ToString(m.Body) != body {
		err = fmt.Errorf("receive = another body of %d bytes", len(aws.ToString(m.Body)))
	}
	return err
}
