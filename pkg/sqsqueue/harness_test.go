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
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// harness is the SQS emulator with two queues, reached by the SDK's client.
type harness struct {
	client                   *sqs.Client
	clock                    *svixtest.Clock
	queueURL, deadLettersURL string

	mu      sync.Mutex
	actions []string // in the order in which they arrived
	// injectFault answers in place of the emulator where it returns true.
	injectFault func(action string, w http.ResponseWriter) bool
	loseAnswers bool // SendMessage has its effect, its answer is lost
}

func (h *harness) sender() *sqsqueue.Sender { return sqsqueue.NewSender(h.client, h.queueURL) }

func (h *harness) queue() *sqsqueue.Queue {
	return sqsqueue.NewQueue(h.client, h.queueURL, h.deadLettersURL)
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	h := &harness{clock: svixtest.NewClock()}
	server := emulator.New(emulator.Options{Now: h.clock.Now})
	cfg := emulatortest.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
		h.mu.Lock()
		h.actions = append(h.actions, action)
		fault, lose := h.injectFault, h.loseAnswers
		h.mu.Unlock()
		switch {
		case fault != nil && fault(action, w):
		case lose && action == "SendMessage":
			server.ServeHTTP(httptest.NewRecorder(), r)
			w.WriteHeader(http.StatusInternalServerError)
		default:
			server.ServeHTTP(w, r)
		}
	}))
	h.client = sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.RetryMaxAttempts = 1 })
	for name, url := range map[string]*string{"queue": &h.queueURL, "dead-letters": &h.deadLettersURL} {
		*url = emulatortest.CreateQueue(t, h.client, name, map[string]string{"MaximumMessageSize": "1048576"})
	}
	return h
}

// receive receives up to ten messages and hides them for a minute.
func (h *harness) receive(t *testing.T, url string) []types.Message {
	t.Helper()
	out, err := h.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}, VisibilityTimeout: 60,
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Messages
}

// wantCopy checks that a queue holds one message, a copy of the record with these
// attributes, and that the other queue holds none. It returns the copy.
func (h *harness) wantCopy(
	t *testing.T, url, other string, r delivery.Record, want map[string]delivery.Attribute,
) (found delivery.Record) {
	t.Helper()
	got := h.receive(t, url)
	if len(got) != 1 || *got[0].Body != r.Body || len(h.receive(t, other)) != 0 {
		t.Fatalf("queue holds %v, want the message there alone", got)
	}
	found = toRecord(got[0])
	if diff := cmp.Diff(want, found.Attributes); diff != "" {
		t.Errorf("attributes differ (-want +got):\n%s", diff)
	}
	return found
}

// toRecord is a received message as sync has it.
func toRecord(m types.Message) delivery.Record {
	r := delivery.Record{
		MessageID:  *m.MessageId,
		Receipt:    *m.ReceiptHandle,
		Body:       *m.Body,
		Attributes: map[string]delivery.Attribute{},
	}
	for name, a := range m.MessageAttributes {
		r.Attributes[name] = delivery.Attribute{
			DataType: *a.DataType, Text: aws.ToString(a.StringValue), Binary: a.BinaryValue,
		}
	}
	return r
}

// message is a delivery with that body as ingest sends it.
func message(body string) delivery.Message {
	return delivery.Delivery{
		SvixID:        "msg_a",
		SvixTimestamp: "1767225600",
		EventType:     "user.updated",
		ReceivedAt:    svixtest.Epoch(),
		Body:          []byte(body),
	}.Encode()
}
