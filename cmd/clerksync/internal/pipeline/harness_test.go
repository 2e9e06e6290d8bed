package pipeline_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/lambdafn/ingestfn"
	"github.com/clerksync/clerksync/pkg/lambdafn/syncfn"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// patience is far above what anything here takes.
const patience = time.Minute

// harness is a running pipeline, what it reported and what it logged.
type harness struct {
	t *testing.T
	p *pipeline.Pipeline
	// queues reaches the queues past the faults of an endpoint.
	queues *sqs.Client

	slowRequests atomic.Bool // reports of requests take their time

	mu    sync.Mutex
	steps map[string][]string // stages by svix id
	log   bytes.Buffer
}

// Write takes a line of the log.
func (h *harness) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.Write(b)
}

// start runs a pipeline on free ports until the test ends. What the options
// leave open is: one secret, soft deletion, whole objects.
func start(t *testing.T, o pipeline.Options) *harness {
	t.Helper()
	h := &harness{t: t, steps: map[string][]string{}}
	log := lambdafn.NewLogger(h, slog.LevelDebug)
	o.Addr = "127.0.0.1:0"
	if o.AWS == nil {
		o.AWSAddr = "127.0.0.1:0"
	}
	if o.Secrets == nil {
		o.Secrets = secrets(t, svixtest.Secret)
	}
	if o.Storage == (settings.Storage{}) {
		o.Storage = settings.Storage{DeletionPolicy: "soft", ObjectStorage: "full", Retention: 90 * 24 * time.Hour}
	}
	o.OnRequest = func(ctx context.Context, r ingest.Report) {
		if h.slowRequests.Load() {
			time.Sleep(200 * time.Millisecond)
		}
		ingestfn.Observer{Log: log}.Request(ctx, r)
		h.note(r.SvixID, string(r.Stage))
	}
	o.OnMessage = func(ctx context.Context, r consumer.Report) {
		syncfn.Observer{Log: log}.Message(ctx, r)
		h.note(r.SvixID, string(r.Outcome))
	}
	o.Warn = lambdafn.Warn(log)
	var err error
	if h.p, err = pipeline.Start(t.Context(), o); err != nil {
		t.Fatalf("Start() = %v, want a pipeline", err)
	}
	t.Cleanup(func() { h.p.Stop(t.Context()) })
	h.queues = h.p.SQS
	return h
}

func secrets(t *testing.T, text string) *svix.Secrets {
	t.Helper()
	parsed, err := svix.ParseSecrets(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func (h *harness) note(id, stage string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.steps[id] = append(h.steps[id], stage)
}

// stages are those of a message so far.
func (h *harness) stages(id string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.steps[id])
}

// outcomes are the stages of a message less those of its way into the queue.
func (h *harness) outcomes(id string) []string {
	return slices.DeleteFunc(h.stages(id), func(s string) bool { return s == string(ingest.Queued) })
}

// outcome waits until the message had so many outcomes, and returns the last.
func (h *harness) outcome(id string, times int) string {
	h.t.Helper()
	var got []string
	h.until(id+" has an outcome", func() bool {
		got = h.outcomes(id)
		return len(got) >= times
	})
	return got[len(got)-1]
}

// wantOutcome waits until the message had so many outcomes, and fails unless
// the last is this one.
func (h *harness) wantOutcome(id string, times int, want string) {
	h.t.Helper()
	if got := h.outcome(id, times); got != want {
		h.t.Errorf("outcome %d of %s = %s, want %s", times, id, got, want)
	}
}

// until polls until ok; it never relies on how long anything takes.
func (h *harness) until(what string, ok func() bool) {
	h.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(3 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// signed is a request that is right in every way, now.
func signed(id, body string) svixtest.Request {
	return svixtest.SignedBy(svixtest.Secret, id, strconv.FormatInt(time.Now().Unix(), 10), body)
}

// do sends a request over HTTP.
func (h *harness) do(r svixtest.Request) (status int, body string, header http.Header) {
	h.t.Helper()
	url := strings.TrimSuffix(h.p.WebhookURL, ingest.Path) + r.Path
	req, err := http.NewRequestWithContext(h.t.Context(), r.Method, url, bytes.NewReader(r.Body))
	if err != nil {
		h.t.Fatal(err)
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // follows no redirect
	if err != nil {
		h.t.Fatalf("%s %s = %v, want an answer", r.Method, url, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

// post posts a request that has to be accepted.
func (h *harness) post(r svixtest.Request) {
	h.t.Helper()
	if status, reply, _ := h.do(r); status != http.StatusOK {
		h.t.Fatalf("POST of %s = %d %s, want 200", r.Header["svix-id"], status, reply)
	}
}

// send posts an event and returns its outcome.
func (h *harness) send(id, body string) string {
	h.t.Helper()
	before := len(h.outcomes(id))
	h.post(signed(id, body))
	return h.outcome(id, before+1)
}

// wantSent posts an event and fails unless its outcome is this one.
func (h *harness) wantSent(id, body, want string) {
	h.t.Helper()
	if got := h.send(id, body); got != want {
		h.t.Errorf("outcome of %s = %s, want %s", id, got, want)
	}
}

func sample(t *testing.T, name string) string {
	t.Helper()
	body, err := events.Body(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
