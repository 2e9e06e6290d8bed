package pipeline_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

const patience = 20 * time.Second

// world is a running pipeline and what it reported.
type world struct {
	*pipeline.Pipeline
	mu       sync.Mutex
	steps    map[string][]string // stages by svix id
	messages []consumer.Report
}

// start runs a pipeline on free ports until the test ends. What the options
// leave open is: one secret, soft deletion, whole objects.
func start(t *testing.T, o pipeline.Options) *world {
	t.Helper()
	w := &world{steps: map[string][]string{}}
	o.Addr = "127.0.0.1:0"
	if o.AWS == nil {
		o.AWSAddr = "127.0.0.1:0"
	}
	if o.Secret == "" {
		o.Secret = svixtest.Secret
	}
	var err error
	if o.Secrets, err = svix.ParseSecrets(o.Secret); err != nil {
		t.Fatal(err)
	}
	if o.Storage == (settings.Storage{}) {
		o.Storage = settings.Storage{DeletionPolicy: "soft", ObjectStorage: "full", Retention: 90 * 24 * time.Hour}
	}
	o.OnRequest = func(_ context.Context, r ingest.Report) { w.see(r.SvixID, string(r.Stage)) }
	o.OnMessage = func(_ context.Context, r consumer.Report) {
		w.see(r.SvixID, string(r.Outcome))
		w.mu.Lock()
		defer w.mu.Unlock()
		w.messages = append(w.messages, r)
	}
	o.Warn = func(context.Context, string, error) {}
	if w.Pipeline, err = pipeline.Start(t.Context(), o); err != nil {
		t.Fatalf("Start() = %v, want a pipeline", err)
	}
	t.Cleanup(func() { w.Stop(t.Context()) })
	return w
}

func (w *world) see(id, stage string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps[id] = append(w.steps[id], stage)
}

// stages are those of a message so far.
func (w *world) stages(id string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.steps[id])
}

// ended waits until the message came that often to an end, and says to which
// the last time.
func (w *world) ended(t *testing.T, id string, times int) (last string) {
	t.Helper()
	until(t, id+" comes to its end", func() bool {
		n := 0
		for _, stage := range w.stages(id) {
			if stage != string(ingest.Queued) {
				n, last = n+1, stage
			}
		}
		return n >= times
	})
	return last
}

// until polls until ok; it never relies on how long anything takes.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(3 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// signed is a request that is right in every way, now.
func signed(id, body string) svixtest.Request {
	return svixtest.SignedBy(svixtest.Secret, id, strconv.FormatInt(time.Now().Unix(), 10), body)
}

// do sends a request over HTTP.
func (w *world) do(t *testing.T, r svixtest.Request) (status int, body string, header http.Header) {
	t.Helper()
	url := strings.TrimSuffix(w.WebhookURL, ingest.Path) + r.Path
	req, err := http.NewRequestWithContext(t.Context(), r.Method, url, bytes.NewReader(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // follows no redirect
	if err != nil {
		t.Fatalf("POST %s = %v, want an answer", url, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

// accepted posts an event, wants it accepted, and says what became of it.
func (w *world) accepted(t *testing.T, id, body string) (outcome string) {
	t.Helper()
	before := len(slices.DeleteFunc(w.stages(id), func(s string) bool { return s == string(ingest.Queued) }))
	if status, reply, _ := w.do(t, signed(id, body)); status != http.StatusOK {
		t.Fatalf("POST of %s = %d %s, want 200", id, status, reply)
	}
	return w.ended(t, id, before+1)
}

func sample(t *testing.T, name string) string {
	t.Helper()
	body, err := events.Body(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// received are the messages of a queue, received by hand.
func received(t *testing.T, c *sqs.Client, url string) []sqstypes.Message {
	t.Helper()
	out, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Messages
}

// count is the number of a queue's messages, hidden ones too.
func count(t *testing.T, c *sqs.Client, url string) (n int) {
	t.Helper()
	out, err := c.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
		i, err := strconv.Atoi(out.Attributes[name])
		if err != nil {
			t.Fatal(err)
		}
		n += i
	}
	return n
}

func attributes(m sqstypes.Message) map[string]string {
	out := map[string]string{}
	for name, a := range m.MessageAttributes {
		out[name] = aws.ToString(a.StringValue)
	}
	return out
}

// byHand puts a message on the queue past ingest.
func (w *world) byHand(t *testing.T, m delivery.Message) {
	t.Helper()
	in := &sqs.SendMessageInput{QueueUrl: &w.QueueURL, MessageBody: &m.Body, MessageAttributes: map[string]sqstypes.MessageAttributeValue{}}
	for name, text := range m.Attributes {
		in.MessageAttributes[name] = sqstypes.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(text)}
	}
	if _, err := w.SQS.SendMessage(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}
