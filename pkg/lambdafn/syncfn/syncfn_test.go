package syncfn_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/lambdafn/syncfn"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
)

// deadLetters is a consumer.Queue that keeps dead letters, or fails with err.
type deadLetters struct {
	mu      sync.Mutex
	records []delivery.Record
	err     error
	delays  []delivery.Delay
}

func (q *deadLetters) DeadLetter(_ context.Context, r delivery.Record, _ string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.records = append(q.records, r)
	}
	return q.err
}

func (q *deadLetters) Requeue(context.Context, delivery.Record, string) error { return nil }

func (q *deadLetters) Acknowledge(context.Context, []delivery.Record) error { return nil }

func (q *deadLetters) Delay(_ context.Context, d []delivery.Delay) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.delays = append(q.delays, d...)
	return nil
}

// newHandler is the function with a consumer that needs no table: its messages
// cannot be read.
func newHandler(q consumer.Queue) *syncfn.Handler {
	return &syncfn.Handler{Consumer: consumer.New(consumer.Config{
		Queue: q, Projector: projector.New(projector.StoreFull), Policy: consumer.Soft, Retention: time.Hour,
		Now: time.Now, Random: func() float64 { return 0 },
		Observe: func(context.Context, consumer.Report) {}, Warn: func(context.Context, string, error) {},
	})}
}

const noFailures = `{"batchItemFailures":[]}`

const batch = `{"Records":[
	{"messageId":"m-1","receiptHandle":"r-1","body":"{\"n\": 1.0}\n","eventSource":"aws:sqs","awsRegion":"us-east-1",
	 "attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1767225600000"},
	 "messageAttributes":{
		"svix-id":{"stringValue":"msg_a","stringListValues":[],"binaryListValues":[],"dataType":"String"},
		"bytes":{"binaryValue":"AP8=","stringListValues":[],"binaryListValues":[],"dataType":"Binary.png"},
		"n":{"stringValue":"7","dataType":"Number"}}},
	{"messageId":"m-2","receiptHandle":"r-2","body":"",
	 "attributes":{"ApproximateReceiveCount":"12"},"messageAttributes":{}},
	{"messageId":"m-3","body":"x"}]}`

func TestInvokeDecodesRecords(t *testing.T) {
	t.Parallel()
	q := &deadLetters{}
	got, err := newHandler(q).Invoke(t.Context(), []byte(batch))
	if err != nil || string(got) != noFailures {
		t.Errorf("Invoke = %s, %v, want no failures", got, err)
	}
	want := []delivery.Record{
		{
			MessageID: "m-1", Receipt: "r-1", Receives: 1, Body: "{\"n\": 1.0}\n",
			Attributes: map[string]delivery.Attribute{
				"svix-id": {DataType: "String", Text: "msg_a"},
				"bytes":   {DataType: "Binary.png", Binary: []byte{0, 0xff}},
				"n":       {DataType: "Number", Text: "7"},
			},
		},
		{MessageID: "m-2", Receipt: "r-2", Receives: 12, Attributes: map[string]delivery.Attribute{}},
		{MessageID: "m-3", Receives: 1, Body: "x", Attributes: map[string]delivery.Attribute{}},
	}
	byID := cmpopts.SortSlices(func(a, b delivery.Record) bool { return a.MessageID < b.MessageID })
	if diff := cmp.Diff(want, q.records, byID, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("records: %s", diff)
	}
}

// A queue that takes no dead letter fails each message alone.
// https://github.com/floci-io/floci/issues/3152
func TestFailuresAreNamedByMessageID(t *testing.T) {
	t.Parallel()
	q := &deadLetters{err: errors.New("throttled")}
	got, err := newHandler(q).Invoke(t.Context(), []byte(batch))
	if err != nil {
		t.Fatal(err)
	}
	ids := identifiers(t, got)
	if diff := cmp.Diff([]string{"m-1", "m-2", "m-3"}, ids, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("failures: %s", diff)
	}
	if len(q.delays) != 3 {
		t.Errorf("%d messages were delayed, want 3", len(q.delays))
	}
}

func identifiers(t *testing.T, reply []byte) (ids []string) {
	t.Helper()
	var out struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(reply, &out); err != nil {
		t.Fatal(err)
	}
	for _, f := range out.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

// Where a variable is missing, every message fails, so that it is delivered
// again, and the alarms see it.
func TestUnconfiguredFailsEveryMessage(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	h := &syncfn.Handler{Metrics: syncfn.NewMetrics(&out, "sync", time.Now)}
	got, err := h.Invoke(t.Context(), []byte(batch))
	const want = `{"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"},{"itemIdentifier":"m-3"}]}`
	if err != nil || string(got) != want {
		t.Errorf("Invoke = %s, %v, want %s", got, err, want)
	}
	if text := out.String(); !strings.Contains(text, `"Failed":3`) || !strings.Contains(text, `"BatchSize":3`) {
		t.Errorf("metrics = %s, want three failed of three", text)
	}
}

func TestInvokeWithSomethingElse(t *testing.T) {
	t.Parallel()
	for _, in := range []string{`{}`, `{"Records":[]}`, `{"Records":null}`, `{"rawPath":"/webhooks/clerk"}`} {
		got, err := newHandler(&deadLetters{}).Invoke(t.Context(), []byte(in))
		if err != nil || string(got) != noFailures {
			t.Errorf("Invoke(%s) = %s, %v, want no failures", in, got, err)
		}
	}
	for _, in := range []string{``, `{`, `{"Records":"canary"}`, `[]`} {
		got, err := newHandler(&deadLetters{}).Invoke(t.Context(), []byte(in))
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("Invoke(%s) = %s, %v, want an error without the payload", in, got, err)
		}
	}
}

// A message that can never work reaches the dead letters through the real
// client, with every attribute as Lambda handed it over, and a new reason.
func TestDeadLettersThroughSQS(t *testing.T) {
	t.Parallel()
	client := sqs.NewFromConfig(emulatortest.Start(t, emulator.New(emulator.Options{})))
	queue := emulatortest.CreateQueue(t, client, "queue", nil)
	dead := emulatortest.CreateQueue(t, client, "dead", nil)
	const in = `{"Records":[{"messageId":"m-1","receiptHandle":"r-1","body":"not an event",
		"attributes":{"ApproximateReceiveCount":"1"},
		"messageAttributes":{
			"svix-id":{"stringValue":"msg_a","dataType":"String"},
			"bytes":{"binaryValue":"AP8=","dataType":"Binary"},
			"reason":{"stringValue":"an old reason","dataType":"String"}}}]}`
	got, err := newHandler(sqsqueue.NewQueue(client, queue, dead)).Invoke(t.Context(), []byte(in))
	if err != nil || string(got) != noFailures {
		t.Fatalf("Invoke = %s, %v, want no failures", got, err)
	}
	letters := emulatortest.Receive(t, client, dead)
	if len(letters) != 1 {
		t.Fatalf("dead letters = %v, want one", letters)
	}
	m := letters[0]
	attr := func(name string) string { return aws.ToString(m.MessageAttributes[name].StringValue) }
	if *m.Body != "not an event" || attr("svix-id") != "msg_a" ||
		string(m.MessageAttributes["bytes"].BinaryValue) != "\x00\xff" {
		t.Errorf("dead letter = %q %v, want it as it was", *m.Body, m.MessageAttributes)
	}
	if r := attr("reason"); r == "" || r == "an old reason" {
		t.Errorf("reason = %q, want that of this receive", r)
	}
}
