package pipeline_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// endpoint is an AWS endpoint, outside of the pipeline, that injects faults, on
// a clock that only the test moves.
type endpoint struct {
	cfg    aws.Config // through the faults
	queues *sqs.Client
	clock  *svixtest.Clock

	mu     sync.Mutex
	faults map[string]fault // by X-Amz-Target, or its service alone
	hold   chan struct{}    // if there, ReceiveMessage waits for its end
	done   map[string]int   // answers by X-Amz-Target
}

// fault is an answer that is an error.
type fault struct {
	status int
	code   string
	after  bool // what was asked is done all the same, and its answer lost
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{clock: svixtest.NewClock(), faults: map[string]fault{}, done: map[string]int{}}
	services := emulator.New(emulator.Options{Now: e.clock.Now})
	e.cfg = emulatortest.Start(t, e.injectFaults(services))
	t.Cleanup(e.releaseMessages)
	e.cfg.RetryMaxAttempts = 1
	e.queues = sqs.NewFromConfig(emulatortest.Start(t, services))
	return e
}

// start runs a pipeline on the endpoint.
func (e *endpoint) start(t *testing.T) *harness {
	t.Helper()
	h := start(t, pipeline.Options{AWS: &e.cfg})
	h.queues = e.queues
	return h
}

func (e *endpoint) injectFaults(services http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target := r.Header.Get("X-Amz-Target")
		service, _, _ := strings.Cut(target, ".")
		e.mu.Lock()
		f, ok := e.faults[target]
		if !ok {
			f, ok = e.faults[service]
		}
		hold := e.hold
		e.mu.Unlock()
		if hold != nil && target == "AmazonSQS.ReceiveMessage" {
			select {
			case <-hold:
			case <-r.Context().Done():
				return
			}
		}
		defer func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.done[target]++
		}()
		if !ok {
			services.ServeHTTP(w, r)
			return
		}
		if f.after {
			services.ServeHTTP(httptest.NewRecorder(), r)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.Header().Set("X-Amzn-Query-Error", f.code+";Sender")
		w.WriteHeader(f.status)
		_, _ = w.Write([]byte(`{"__type":"` + f.code + `","message":"injected"}`))
	})
}

// inject makes an operation or a service fail until mend.
func (e *endpoint) inject(target string, f fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults[target] = f
}

func (e *endpoint) mend() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = map[string]fault{}
}

// redeliver waits until failed messages were delayed so many times, and moves
// the clock past their delay.
func (e *endpoint) redeliver(h *harness, delays int) {
	h.t.Helper()
	h.until("failed messages are delayed", func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.done["AmazonSQS.ChangeMessageVisibilityBatch"] >= delays
	})
	e.clock.Advance(time.Minute)
}

// holdMessages keeps messages on the queue: only the test receives any.
func (e *endpoint) holdMessages() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hold = make(chan struct{})
}

// releaseMessages ends holdMessages.
func (e *endpoint) releaseMessages() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.hold != nil {
		close(e.hold)
		e.hold = nil
	}
}
