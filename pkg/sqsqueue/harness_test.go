package sqsqueue_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// bench is an SQS with two queues, reached by the real client.
type bench struct {
	client      *sqs.Client
	clock       *svixtest.Clock
	queue, dead string

	mu      sync.Mutex
	actions []string // as they came
	fault   func(action string, w http.ResponseWriter) bool
	lost    bool // SendMessage is done, its answer is lost
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{clock: svixtest.NewClock()}
	server := emulator.New(emulator.Options{Now: b.clock.Now})
	cfg := emulatortest.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	b.client = sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.RetryMaxAttempts = 1 })
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
	return delivery.Delivery{SvixID: "msg_a", SvixTimestamp: "1767225600", EventType: "user.updated", ReceivedAt: svixtest.Epoch(), Body: []byte(body)}.Encode()
}
