package bench_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// runtimeAPI is Lambda's runtime API for one process at a time: it hands out one event a number of times and records
// when the first response came.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type runtimeAPI struct {
	*httptest.Server

	mu          sync.Mutex
	event       []byte
	want, got   int // responses
	first       time.Time
	last        []byte
	failure     string        // the error that the function reported
	beforeFirst func()        // called before the first event is handed out; may be nil
	done        chan struct{} // closed after the last response
}

func newRuntimeAPI(tb testing.TB) *runtimeAPI {
	tb.Helper()
	a := &runtimeAPI{}
	a.Server = httptest.NewServer(a)
	tb.Cleanup(func() {
		a.CloseClientConnections() // a function waits at /next without end
		a.Close()
	})
	return a
}

// expect starts anew with an event and a number of responses.
func (a *runtimeAPI) expect(event []byte, responses int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.event, a.want, a.got, a.failure, a.last = event, responses, 0, "", nil
	a.first, a.done = time.Time{}, make(chan struct{})
}

func (a *runtimeAPI) address() string { return strings.TrimPrefix(a.URL, "http://") }

// ServeHTTP takes responses and errors; a function that has given enough responses waits at /next.
func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/next") {
		a.handOut(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	if !strings.HasSuffix(r.URL.Path, "/response") {
		a.failure = string(body)
	}
	if a.got++; a.got == 1 {
		a.first = time.Now()
	}
	a.last = body
	if a.got == a.want {
		close(a.done)
	}
	w.WriteHeader(http.StatusAccepted)
}

func (a *runtimeAPI) handOut(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	enough, event, n := a.got >= a.want, a.event, a.got
	if a.beforeFirst != nil {
		a.beforeFirst()
		a.beforeFirst = nil
	}
	a.mu.Unlock()
	if enough {
		<-r.Context().Done() // until the process is killed
		return
	}
	h := w.Header()
	h.Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprintf("8476a536-e9f4-11e8-9739-%012d", n))
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(10*time.Second).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:bench")
	h.Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0")
	_, _ = w.Write(event)
}
