package recorder_test

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// patience is far above what anything here takes.
const patience = time.Minute

// harness is a pipeline that is recorded.
type harness struct {
	*recorder.Recorder
	t *testing.T
	p *pipeline.Pipeline
}

// start runs a recorded pipeline on free ports until the test ends. wrap is put
// round the table below the recorder; nil for nothing.
func start(t *testing.T, l recorder.Limits, wrap func(directory.Table) directory.Table) *harness {
	t.Helper()
	r := recorder.New(recorder.Options{Now: time.Now, Projector: projector.New(projector.StoreFull), Limits: l})
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	if wrap == nil {
		wrap = func(t directory.Table) directory.Table { return t }
	}
	p, err := pipeline.Start(t.Context(), pipeline.Options{
		Addr: "127.0.0.1:0", AWSAddr: "127.0.0.1:0", Secrets: secrets,
		Storage:     settings.Storage{DeletionPolicy: "soft", ObjectStorage: "full", Retention: time.Hour},
		OnRequest:   r.OnRequest,
		OnMessage:   r.OnMessage,
		Warn:        func(context.Context, string, error) {},
		WrapWebhook: r.Handler,
		WrapTable:   func(next directory.Table) directory.Table { return r.Table(wrap(next)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(t.Context()) })
	r.ReadBy(p.LocalTable())
	return &harness{r, t, p}
}

// signed is a request that is right in every way, now.
func signed(id, body string) svixtest.Request {
	return svixtest.SignedBy(svixtest.Secret, id, strconv.FormatInt(time.Now().Unix(), 10), body)
}

// forged is a request that nobody signed.
func forged(id, body string) svixtest.Request {
	return svixtest.SignedBy(svixtest.OtherSecret, id, strconv.FormatInt(time.Now().Unix(), 10), body)
}

// post sends a request and returns the status of the answer.
func (h *harness) post(r svixtest.Request, header ...string) int {
	h.t.Helper()
	q, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.p.WebhookURL, bytes.NewReader(r.Body))
	if err != nil {
		h.t.Fatal(err)
	}
	for name, value := range r.Header {
		q.Header.Set(name, value)
	}
	for i := 0; i < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		h.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// wait waits until the message has this outcome.
func (h *harness) wait(id, outcome string) recorder.Message {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	m, _, err := h.Wait(ctx, id, outcome)
	if err != nil {
		h.t.Fatalf("wait for %s of %s: %v; it is %s", outcome, id, err, m.Outcome)
	}
	return m
}

// sendStale posts an event that loses, and waits until what it wanted is known, too:
// its request may be reported after its outcome.
func (h *harness) sendStale(id, body string) recorder.Write {
	h.t.Helper()
	h.send(id, body, "stale")
	var m recorder.Message
	h.until("what "+id+" wanted is recorded", func() bool {
		m, _ = h.Message(id)
		return len(m.Writes) > 0
	})
	return m.Writes[0]
}

// send posts an event and waits for its outcome.
func (h *harness) send(id, body, outcome string) recorder.Message {
	h.t.Helper()
	h.post(signed(id, body))
	return h.wait(id, outcome)
}

// requeue puts a message back on the queue, as a redrive does.
func (h *harness) requeue(m types.Message) {
	h.t.Helper()
	if _, err := h.p.SQS.SendMessage(h.t.Context(), &sqs.SendMessageInput{
		QueueUrl: &h.p.QueueURL, MessageBody: m.Body, MessageAttributes: m.MessageAttributes,
	}); err != nil {
		h.t.Fatal(err)
	}
}

// until polls until ok.
func (h *harness) until(what string, ok func() bool) {
	h.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(3 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// sample is an event, with texts replaced: old, new, old, new.
func sample(t *testing.T, name string, replace ...string) string {
	t.Helper()
	body, err := events.Body(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(replace...).Replace(string(body))
}
