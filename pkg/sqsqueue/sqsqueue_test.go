package sqsqueue_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/clerktest"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
	"github.com/clerksync/clerksync/pkg/sqsserver"
)

// bench is an SQS with two queues, reached by the real client.
type bench struct {
	client      *sqs.Client
	clock       *clerktest.Clock
	queue, dead string

	mu      sync.Mutex
	actions []string // as they came
	fault   func(action string, w http.ResponseWriter) bool
	lost    bool // SendMessage is done, its answer is lost
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{clock: clerktest.NewClock()}
	server := sqsserver.New(sqsserver.Options{Now: b.clock.Now})
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
		b.mu.Lock()
		b.actions = append(b.actions, action)
		fault, lost := b.fault, b.lost
		b.mu.Unlock()
		switch {
		case fault != nil && fault(action, w):
		case lost && action == "SendMessage":
			server.ServeHTTP(httptest.NewRecorder(), r)
			w.WriteHeader(http.StatusInternalServerError)
		default:
			server.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(host.Close)
	b.client = sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: &host.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	for name, url := range map[string]*string{"queue": &b.queue, "dead": &b.dead} {
		out, err := b.client.CreateQueue(t.Context(), &sqs.CreateQueueInput{
			QueueName: aws.String(name), Attributes: map[string]string{"MaximumMessageSize": "1048576"},
		})
		if err != nil {
			t.Fatal(err)
		}
		*url = *out.QueueUrl
	}
	return b
}

func (b *bench) receive(t *testing.T, url string) []types.Message {
	t.Helper()
	out, err := b.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}, VisibilityTimeout: 60,
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Messages
}

// record is a received message as the function has it.
func record(m types.Message) delivery.Record {
	r := delivery.Record{MessageID: *m.MessageId, Receipt: *m.ReceiptHandle, Body: *m.Body, Attributes: map[string]delivery.Attribute{}}
	for name, a := range m.MessageAttributes {
		r.Attributes[name] = delivery.Attribute{DataType: *a.DataType, Text: aws.ToString(a.StringValue), Binary: a.BinaryValue}
	}
	return r
}

func message(body string) delivery.Message {
	return delivery.Delivery{SvixID: "msg_a", SvixTimestamp: "1767225600", EventType: "user.updated", ReceivedAt: clerktest.Epoch(), Body: []byte(body)}.Encode()
}

// What is sent comes out as it was, byte for byte.
func TestSend(t *testing.T) {
	bodies := map[string]string{
		"white space kept":   "{ \"n\":1.0 }\r\n\t",
		"emoji":              `{"n":"Zoé 🚒"}`,
		"noncharacters":      "{\"n\":\"\ufffe\uffff\"}",
		"controls escaped":   `{"n":"\u0000\u001f"}`,
		"1,000,000 bytes":    `{"n":"` + strings.Repeat("a", 999_992) + `"}`,
		"750,000 as base64":  strings.Repeat("\uffff", 250_000),
		"signs of XML, HTML": `{"n":"<&>'\u2028"}`,
	}
	for _, name := range events.Names() {
		body, err := events.Body(name)
		if err != nil {
			t.Fatal(err)
		}
		bodies[name] = string(body)
	}
	b := newBench(t)
	for name, body := range bodies {
		m := message(body)
		if err := sqsqueue.NewSender(b.client, b.queue).Send(t.Context(), m); err != nil {
			t.Errorf("Send(%s) = %v, want nil", name, err)
			continue
		}
		got := b.receive(t, b.queue)
		if len(got) != 1 {
			t.Fatalf("Send(%s): %d messages, want 1", name, len(got))
		}
		r := record(got[0])
		if diff := cmp.Diff(m, r.Message()); diff != "" {
			t.Errorf("Send(%s): %.300s", name, diff)
		}
		if d, err := r.Message().Decode(); err != nil || string(d.Body) != body {
			t.Errorf("Decode of %s = %.80q, %v, want the body", name, d.Body, err)
		}
	}
}

// https://github.com/prisma/prisma-examples/pull/8389
func TestSendFails(t *testing.T) {
	answer := func(status int, body string) func(string, http.ResponseWriter) bool {
		return func(_ string, w http.ResponseWriter) bool {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			return true
		}
	}
	for name, fault := range map[string]func(string, http.ResponseWriter) bool{
		"server error": answer(500, `{"__type":"InternalFailure"}`),
		"throttled":    answer(400, `{"__type":"com.amazonaws.sqs#RequestThrottled","message":"slow down"}`),
		"refused":      answer(400, `{"__type":"com.amazonaws.sqs#InvalidMessageContents","message":"no"}`),
		"no queue":     answer(400, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}`),
		"no JSON":      answer(200, `<html>`),
		// https://github.com/aws/aws-sdk-go/issues/339
		"other bytes stored": answer(200, `{"MessageId":"x","MD5OfMessageBody":"00000000000000000000000000000000"}`),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.fault = fault
			err := sqsqueue.NewSender(b.client, b.queue).Send(t.Context(), message(`{"canary":1}`))
			if err == nil || !strings.HasPrefix(err.Error(), "send to the queue: ") || strings.Contains(err.Error(), "canary") {
				t.Errorf("Send = %v, want an error that names the deed and not the body", err)
			}
		})
	}
	// https://github.com/aws/aws-sdk-js/issues/1567
	t.Run("with effect", func(t *testing.T) {
		b := newBench(t)
		b.lost = true
		if err := sqsqueue.NewSender(b.client, b.queue).Send(t.Context(), message("{}")); err == nil {
			t.Error("Send = nil, want an error")
		}
		if n := len(b.receive(t, b.queue)); n != 1 {
			t.Errorf("%d messages, want 1", n)
		}
	})
}

func text(s string) delivery.Attribute { return delivery.Attribute{DataType: "String", Text: s} }

func TestDeadLetterKeepsTheMessage(t *testing.T) {
	ours := map[string]delivery.Attribute{
		"svix-id": text("msg_a"), "svix-timestamp": text("1"), "event-type": text("t"), "received-at": text("x"), "v": text("1"), "encoding": text("base64"),
	}
	with := func(n int, more map[string]delivery.Attribute) map[string]delivery.Attribute {
		out := map[string]delivery.Attribute{}
		for k, v := range ours {
			out[k] = v
		}
		for i := range n {
			out[fmt.Sprintf("a-%d", i)] = text("theirs") // sorts before ours
		}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	for name, c := range map[string]struct {
		attributes map[string]delivery.Attribute
		lost       []string
	}{
		"none":                   {nil, nil},
		"ours":                   {ours, nil},
		"a reason of before":     {with(0, map[string]delivery.Attribute{"reason": text("of before")}), nil},
		"binary, number, labels": {map[string]delivery.Attribute{"b": {DataType: "Binary.png", Binary: []byte{0, 255}}, "n": {DataType: "Number", Text: "1.50"}, "l": {DataType: "String.x", Text: "é"}}, nil},
		// As Lambda's event decodes: an empty, not a nil value.
		"text with an empty binary":  {map[string]delivery.Attribute{"svix-id": {DataType: "String", Text: "msg_a", Binary: []byte{}}}, nil},
		"nine":                       {with(3, nil), nil},
		"ten":                        {with(4, nil), []string{"a-3"}},
		"ten, one before z a reason": {with(2, map[string]delivery.Attribute{"reason": text("of before"), "z": text("last")}), nil},
		"ten, one a reason":          {with(3, map[string]delivery.Attribute{"reason": text("of before")}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			r := delivery.Record{Body: "{ not an event\n", Attributes: c.attributes}
			if err := sqsqueue.NewQueue(b.client, b.queue, b.dead).DeadLetter(t.Context(), r, "because"); err != nil {
				t.Fatalf("DeadLetter = %v, want nil", err)
			}
			got := b.receive(t, b.dead)
			if len(got) != 1 || *got[0].Body != r.Body || len(b.receive(t, b.queue)) != 0 {
				t.Fatalf("dead letters = %v, want the message, and none on the queue", got)
			}
			want := map[string]delivery.Attribute{}
			for k, v := range c.attributes {
				if len(v.Binary) == 0 {
					v.Binary = nil
				}
				want[k] = v
			}
			want["reason"] = text("because")
			for _, k := range c.lost {
				delete(want, k)
			}
			if diff := cmp.Diff(want, record(got[0]).Attributes); diff != "" {
				t.Errorf("attributes: %s", diff)
			}
		})
	}
}

func TestDeadLetterFails(t *testing.T) {
	b := newBench(t)
	b.fault = func(_ string, w http.ResponseWriter) bool { w.WriteHeader(http.StatusServiceUnavailable); return true }
	err := sqsqueue.NewQueue(b.client, b.queue, b.dead).DeadLetter(t.Context(), delivery.Record{Body: "canary"}, "x")
	if err == nil || !strings.HasPrefix(err.Error(), "send to the dead letters: ") || strings.Contains(err.Error(), "canary") {
		t.Errorf("DeadLetter = %v, want an error that names the deed", err)
	}
}

// fill puts n messages on the queue and receives them.
func (b *bench) fill(t *testing.T, n int) (records []delivery.Record) {
	t.Helper()
	for range n {
		if err := sqsqueue.NewSender(b.client, b.queue).Send(t.Context(), message("{}")); err != nil {
			t.Fatal(err)
		}
	}
	for len(records) < n {
		for _, m := range b.receive(t, b.queue) {
			records = append(records, record(m))
		}
	}
	return records
}

func (b *bench) count(action string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.actions {
		if a == action {
			n++
		}
	}
	return n
}

func TestAcknowledge(t *testing.T) {
	for _, c := range []struct{ n, calls int }{{0, 0}, {1, 1}, {10, 1}, {11, 2}, {25, 3}} {
		b := newBench(t)
		if err := sqsqueue.NewQueue(b.client, b.queue, b.dead).Acknowledge(t.Context(), b.fill(t, c.n)); err != nil {
			t.Errorf("Acknowledge(%d) = %v, want nil", c.n, err)
		}
		if got := b.count("DeleteMessageBatch"); got != c.calls {
			t.Errorf("Acknowledge(%d) made %d calls, want %d", c.n, got, c.calls)
		}
		b.clock.Advance(time.Hour)
		if left := b.receive(t, b.queue); len(left) != 0 {
			t.Errorf("Acknowledge(%d) left %d messages", c.n, len(left))
		}
	}
}

// One entry that fails, or one call, is told and does not hold up the others.
func TestAcknowledgeInPart(t *testing.T) {
	t.Run("an entry", func(t *testing.T) {
		b := newBench(t)
		records := b.fill(t, 3)
		records[1].Receipt = "no receipt"
		err := sqsqueue.NewQueue(b.client, b.queue, b.dead).Acknowledge(t.Context(), records)
		if err == nil || !strings.Contains(err.Error(), "delete from the queue: 1 entries failed") {
			t.Errorf("Acknowledge = %v, want one entry named as failed", err)
		}
		b.clock.Advance(time.Hour)
		if left := b.receive(t, b.queue); len(left) != 1 {
			t.Errorf("%d messages are left, want 1", len(left))
		}
	})
	t.Run("the first call", func(t *testing.T) {
		b := newBench(t)
		records := b.fill(t, 12)
		first := true
		b.fault = func(action string, w http.ResponseWriter) bool {
			if action != "DeleteMessageBatch" || !first {
				return false
			}
			first = false
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		if err := sqsqueue.NewQueue(b.client, b.queue, b.dead).Acknowledge(t.Context(), records); err == nil {
			t.Error("Acknowledge = nil, want an error")
		}
		b.clock.Advance(time.Hour)
		if left := b.receive(t, b.queue); len(left) != 10 {
			t.Errorf("%d messages are left, want 10", len(left))
		}
	})
}

func TestDelay(t *testing.T) {
	b := newBench(t)
	records := b.fill(t, 12)
	delays := make([]delivery.Delay, len(records))
	for i, r := range records {
		delays[i] = delivery.Delay{Record: r, For: 30 * time.Second}
	}
	delays[0].For = 0
	delays[1].For = 15 * time.Minute
	if err := sqsqueue.NewQueue(b.client, b.queue, b.dead).Delay(t.Context(), delays); err != nil {
		t.Fatalf("Delay = %v, want nil", err)
	}
	if got := b.count("ChangeMessageVisibilityBatch"); got != 2 {
		t.Errorf("Delay made %d calls, want 2", got)
	}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {29 * time.Second, 0}, {time.Second, 10}} {
		b.clock.Advance(c.after)
		if got := len(b.receive(t, b.queue)); got != c.want {
			t.Errorf("%v later %d messages come, want %d", c.after, got, c.want)
		}
	}
	delays[2].Record.Receipt = "no receipt"
	err := sqsqueue.NewQueue(b.client, b.queue, b.dead).Delay(t.Context(), delays[2:3])
	if err == nil || !strings.Contains(err.Error(), "change visibility: 1 entries failed") {
		t.Errorf("Delay with a bad receipt = %v, want an error", err)
	}
}

// Attributes go out as text: a svix id in a Number attribute would be changed.
func TestSendTypesAttributes(t *testing.T) {
	b := newBench(t)
	if err := sqsqueue.NewSender(b.client, b.queue).Send(t.Context(), message("{}")); err != nil {
		t.Fatal(err)
	}
	for name, a := range b.receive(t, b.queue)[0].MessageAttributes {
		if *a.DataType != "String" {
			t.Errorf("attribute %s has type %s, want String", name, *a.DataType)
		}
	}
}
