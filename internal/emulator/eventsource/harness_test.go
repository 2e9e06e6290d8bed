package eventsource_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/internal/emulator/eventsource"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

const (
	visibility  = 30 * time.Second
	maxReceives = 3
	patience    = 20 * time.Second
)

// world is a queue with dead letters, on a clock that only the test moves.
type world struct {
	client      *sqs.Client
	clock       *svixtest.Clock
	url, deadly string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{clock: svixtest.NewClock()}
	w.client = sqs.NewFromConfig(emulatortest.Start(t, emulator.New(emulator.Options{Now: w.clock.Now})))
	w.deadly = w.create(t, "dead", nil)
	out, err := w.client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &w.deadly, AttributeNames: []types.QueueAttributeName{"QueueArn"}})
	if err != nil {
		t.Fatal(err)
	}
	w.url = w.create(t, "queue", map[string]string{
		"VisibilityTimeout": strconv.Itoa(int(visibility.Seconds())),
		"RedrivePolicy":     fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, out.Attributes["QueueArn"], maxReceives),
	})
	return w
}

func (w *world) create(t *testing.T, name string, attributes map[string]string) string {
	t.Helper()
	out, err := w.client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return *out.QueueUrl
}

func (w *world) send(t *testing.T, bodies ...string) {
	t.Helper()
	for _, b := range bodies {
		if _, err := w.client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &w.url, MessageBody: &b}); err != nil {
			t.Fatal(err)
		}
	}
}

// counts are the queue's numbers of visible and hidden messages.
func (w *world) counts(t *testing.T, url string) [2]string {
	t.Helper()
	out, err := w.client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	return [2]string{out.Attributes["ApproximateNumberOfMessages"], out.Attributes["ApproximateNumberOfMessagesNotVisible"]}
}

// until polls until ok; it never relies on how long anything takes.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// function is a function behind the source. Each batch is answered by the
// next of its answers, the last of which goes on; none answers "all done".
type function struct {
	mu      sync.Mutex
	batches []events.SQSEvent
	answers []func(events.SQSEvent) ([]byte, error)
	warned  []string
}

func (f *function) invoke(_ context.Context, payload []byte) ([]byte, error) {
	var e events.SQSEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.batches = append(f.batches, e)
	answer := func(events.SQSEvent) ([]byte, error) { return []byte(`{"batchItemFailures":[]}`), nil }
	if len(f.answers) > 0 {
		answer = f.answers[min(len(f.batches), len(f.answers))-1]
	}
	f.mu.Unlock()
	return answer(e)
}

func (f *function) warn(_ context.Context, deed string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.warned = append(f.warned, deed+": "+err.Error())
}

// bodies are those received so far, by batch.
func (f *function) bodies() (out [][]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.batches {
		var batch []string
		for _, r := range e.Records {
			batch = append(batch, r.Body)
		}
		out = append(out, batch)
	}
	return out
}

func (f *function) warnings() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.warned...)
}

// failures answers that the messages with these bodies failed.
func failures(bodies ...string) func(events.SQSEvent) ([]byte, error) {
	return func(e events.SQSEvent) ([]byte, error) {
		var out events.SQSEventResponse
		for _, r := range e.Records {
			for _, b := range bodies {
				if r.Body == b {
					out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: r.MessageId})
				}
			}
		}
		return json.Marshal(out)
	}
}

func text(s string) func(events.SQSEvent) ([]byte, error) {
	return func(events.SQSEvent) ([]byte, error) { return []byte(s), nil }
}

// run runs a source until the test ends, or until stop is called.
func (w *world) run(t *testing.T, f *function, concurrency int) (stop context.CancelFunc, done <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &eventsource.Source{
		Client: w.client, QueueURL: w.url, Invoke: f.invoke, Concurrency: concurrency, Timeout: time.Minute, Warn: f.warn,
	}
	ended := make(chan struct{})
	go func() {
		s.Run(ctx)
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return cancel, ended
}

// received are the messages of a queue, received by hand.
func (w *world) received(t *testing.T, url string) []types.Message {
	t.Helper()
	out, err := w.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Messages
}

func str(s string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &s}
}
