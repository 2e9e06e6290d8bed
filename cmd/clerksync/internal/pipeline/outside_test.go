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

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// outside is an AWS endpoint whose answers a test may spoil, on an SQS clock
// that only the test moves.
type outside struct {
	cfg   *aws.Config // through the faults
	sqs   *sqs.Client // past them
	clock *svixtest.Clock

	mu     sync.Mutex
	faults map[string]fault // by action, as AmazonSQS.SendMessage or DynamoDB_20120810
	hold   chan struct{}    // ReceiveMessage waits for its end
	done   map[string]int   // answers by action
}

// fault spoils an answer.
type fault struct {
	status int
	code   string
	after  bool // with effect: what was asked is done and the answer lost
}

func newOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{clock: svixtest.NewClock(), faults: map[string]fault{}, done: map[string]int{}}
	services := emulator.New(emulator.Options{Now: o.clock.Now})
	cfg := emulatortest.Start(t, o.spoil(services))
	t.Cleanup(o.let)
	cfg.RetryMaxAttempts = 1
	o.cfg = &cfg
	o.sqs = sqs.NewFromConfig(emulatortest.Start(t, services))
	return o
}

func (o *outside) spoil(services http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action := r.Header.Get("X-Amz-Target")
		service, _, _ := strings.Cut(action, ".")
		o.mu.Lock()
		f, ok := o.faults[action]
		if !ok {
			f, ok = o.faults[service]
		}
		hold := o.hold
		o.mu.Unlock()
		if hold != nil && action == "AmazonSQS.ReceiveMessage" {
			select {
			case <-hold:
			case <-r.Context().Done():
				return
			}
		}
		defer func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.done[action]++
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
		_, _ = w.Write([]byte(`{"__type":"` + f.code + `","message":"made up"}`))
	})
}

// fail spoils an action or service until mend.
func (o *outside) fail(action string, f fault) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.faults[action] = f
}

func (o *outside) mend() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.faults = map[string]fault{}
}

// comeAgain waits until failed messages were delayed that often, and lets the
// time pass.
func (o *outside) comeAgain(t *testing.T, delays int) {
	t.Helper()
	until(t, "failed messages are delayed", func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.done["AmazonSQS.ChangeMessageVisibilityBatch"] >= delays
	})
	o.clock.Advance(time.Minute)
}

// stay keeps messages on the queue: nobody but the test receives any.
func (o *outside) stay() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hold = make(chan struct{})
}

// let undoes stay.
func (o *outside) let() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.hold != nil {
		close(o.hold)
		o.hold = nil
	}
}
