package sqstest

import (
	"crypto/md5" //nolint:gosec // SQS's checksums are MD5
	"encoding/binary"
	"encoding/hex"
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

func messageChecks() []check {
	return []check{
		{name: "bodies come back byte for byte", run: (*queue).bodiesComeBack},
		{name: "message attributes come back exact", run: (*queue).attributesComeBack},
		{name: "checksums of attributes are SQS's", run: (*queue).attributeChecksums},
		{name: "message attributes are picked by name and prefix", run: (*queue).attributesArePicked},
		{name: "system attributes name sender and times", run: (*queue).systemAttributes},
		{name: "a mebibyte is taken", run: (*queue).mebibyteIsTaken},
	}
}

// bodiesComeBack: a body is what Svix signed; one changed byte would break its
// signature, or worse, a name.
func (q *queue) bodiesComeBack() {
	want := make(map[string]string)
	for _, body := range []string{
		`{ "type" :"user.updated","data":{"n":1.0,"s":"\u00e9"}}` + "\n",
		"\r\n\t between \t\r\n", " ", "<a href='x'>&amp;</a>", "Zoé 🚒", "\\\"'%s%00",
		"\u007f\u0085\u00a0\u2028\u200b\ufeff", "\ud7ff\ue000\ufffd\U00010000\U0010ffff",
	} {
		want[q.send(body, nil)] = body
	}
	got := make(map[string]string)
	for id, m := range q.collect(len(want), 30) {
		got[id] = aws.ToString(m.Body)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		q.t.Errorf("bodies by message id (-want +got):\n%s", diff)
	}
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

// attributesComeBack: attributes carry the svix id and the times of a
// delivery.
func (q *queue) attributesComeBack() {
	want := sampleAttributes()
	q.send("with attributes", want)
	ignore := cmp.Options{cmpopts.IgnoreUnexported(types.MessageAttributeValue{}), cmpopts.EquateEmpty()}
	if diff := cmp.Diff(want, q.one(30).MessageAttributes, ignore); diff != "" {
		q.t.Errorf("receive: attributes (-want +got):\n%s", diff)
	}
}

// attributeChecksums: the SDK compares the digest of a body; the one of
// attributes is ours to hold.
func (q *queue) attributeChecksums() {
	out, err := q.trySend("checked", sampleAttributes())
	q.noError("send", err)
	m := q.one(30)
	for what, got := range map[string]*string{"send": out.MD5OfMessageAttributes, "receive": m.MD5OfMessageAttributes} {
		if want := checksum(sampleAttributes()); aws.ToString(got) != want {
			q.t.Errorf("%s = MD5OfMessageAttributes %q, want %q", what, aws.ToString(got), want)
		}
	}
}

// checksum is written from SQS's description, not from any emulator:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
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

// attributesArePicked: only the attributes that the receiver names come along.
func (q *queue) attributesArePicked() {
	q.send("m", attrs{"a": text("1"), "ab": text("2"), "b": text("3")})
	for _, test := range []struct{ ask, want []string }{
		{ask: nil, want: nil},
		{ask: []string{"b"}, want: []string{"b"}},
		{ask: []string{"missing", "a"}, want: []string{"a"}},
		{ask: []string{"a.*"}, want: []string{"a", "ab"}},
		{ask: []string{"All"}, want: []string{"a", "ab", "b"}},
		{ask: []string{".*"}, want: []string{"a", "ab", "b"}},
	} {
		q.eventually("receives", 20*time.Second, func() (_ any, ok bool) {
			out, err := q.c.ReceiveMessage(q.t.Context(), &sqs.ReceiveMessageInput{
				QueueUrl: &q.url, WaitTimeSeconds: 2, MessageAttributeNames: test.ask,
			})
			q.noError("receive", err)
			for _, m := range out.Messages {
				if got := slices.Sorted(maps.Keys(m.MessageAttributes)); !slices.Equal(got, test.want) {
					q.t.Errorf("receive with MessageAttributeNames %v = attributes %v, want %v",
						test.ask, got, test.want)
				}
				q.setVisibility(m, 0)
			}
			return "no message", len(out.Messages) > 0
		})
	}
}

// systemAttributes: the receive count and the times, by which sync finds a
// poison message, come from the queue.
func (q *queue) systemAttributes() {
	got := q.sendOne(30).Attributes
	if got["SenderId"] == "" {
		q.t.Errorf("receive = system attributes %v, want a SenderId", got)
	}
	for _, name := range []string{"SentTimestamp", "ApproximateFirstReceiveTimestamp"} {
		ms, err := strconv.ParseInt(got[name], 10, 64)
		if age := time.Since(time.UnixMilli(ms)); err != nil || age.Abs() > 5*time.Minute {
			q.t.Errorf("receive = %s %q, want now in milliseconds", name, got[name])
		}
	}
}

// mebibyteIsTaken: the largest message counts bytes, not characters.
func (q *queue) mebibyteIsTaken() {
	body := strings.Repeat("é", 1<<19)
	q.send(body, nil)
	if _, err := q.trySend(body+"x", nil); err == nil {
		q.t.Error("send of 1,048,577 bytes = no error, want a refusal")
	}
	if got := aws.ToString(q.one(30).Body); got != body {
		q.t.Errorf("receive = another body, of %d bytes", len(got))
	}
}
