package eventsource_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
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
	patience    = time.Minute
)

// harness is a queue with a dead-letter queue, by their URLs, on a clock that
// only the test moves.
type harness struct {
	client      *sqs.Client
	clock       *svixtest.Clock
	queue, dead string
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	h := &harness{clock: svixtest.NewClock()}
	h.client = sqs.NewFromConfig(emulatortest.Start(t, emulator.New(emulator.Options{Now: h.clock.Now})))
	h.dead = emulatortest.CreateQueue(t, h.client, "dead", nil)
	arn := h.attributes(t, h.dead)["QueueArn"]
	h.queue = emulatortest.CreateQueue(t, h.client, "queue", map[string]string{
		"VisibilityTimeout": strconv.Itoa(int(visibility.Seconds())),
		"RedrivePolicy":     fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, arn, maxReceives),
	})
	return h
}

func (h *harness) send(t *testing.T, bodies ...string) {
	t.Helper()
	for _, b := range bodies {
		in := &sqs.SendMessageInput{QueueUrl: &h.queue, MessageBody: &b}
		if _, err := h.client.SendMessage(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
}

// counts are the queue's numbers of visible and hidden messages.
func (h *harness) counts(t *testing.T, url string) [2]string {
	t.Helper()
	all := h.attributes(t, url)
	return [2]string{all["ApproximateNumberOfMessages"], all["ApproximateNumberOfMessagesNotVisible"]}
}

func (h *harness) attributes(t *testing.T, url string) map[string]string {
	t.Helper()
	out, err := h.client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes
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

// answer is what a function does with one batch.
type answer func(events.SQSEvent) ([]byte, error)

// function is a function behind the source. Each batch is answered by the
// next of its answers, the last of which goes on; without any, by success.
type function struct {
	mu      sync.Mutex
	batches []events.SQSEvent
	answers []answer
	warned  []string
}

func (f *function) invoke(_ context.Context, payload []byte) ([]byte, error) {
	var e events.SQSEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.batches = append(f.batches, e)
	answer := text(`{"batchItemFailures":[]}`)
	if len(f.answers) > 0 {
		answer = f.answers[min(len(f.batches), len(f.answers))-1]
	}
	f.mu.Unlock()
	return answer(e)
}

func (f *function) warn(_ context.Context, operation string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.warned = append(f.warned, operation+": "+err.Error())
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
	return slices.Clone(f.warned)
}

// failures answers that the messages with these bodies failed.
func failures(bodies ...string) answer {
	return func(e events.SQSEvent) ([]byte, error) {
		var out events.SQSEventResponse
		for _, r := range e.Records {
			if slices.Contains(bodies, r.Body) {
				failure := events.SQSBatchItemFailure{ItemIdentifier: r.MessageId}
				out.BatchItemFailures = append(out.BatchItemFailures, failure)
			}
		}
		return json.Marshal(out)
	}
}

func text(s string) answer {
	return func(events.SQSEvent) ([]byte, error) { return []byte(s), nil }
}

// run runs a source until the test ends, or until stop is called.
func (h *harness) run(t *testing.T, f *function, concurrency int) (stop context.CancelFunc, done <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &eventsource.Source{
		Client: h.client, QueueURL: h.queue, Invoke: f.invoke, Warn: f.warn,
		Concurrency: concurrency, Timeout: time.Minute,
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

func str(s string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &s}
}
