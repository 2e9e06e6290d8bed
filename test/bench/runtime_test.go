package bench_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clerksync/clerksync/test/program"
)

// runtimeAPI is Lambda's runtime API for one process at a time: it hands out one event a number of times and records
// when the first response came.
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
	a.Server = httptest.NewServer(program.RuntimeAPI{Next: a.next, Answer: a.answer, Timeout: 10 * time.Second})
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

// answer takes a response or an error.
func (a *runtimeAPI) answer(body []byte, failed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if failed {
		a.failure = string(body)
	}
	if a.got++; a.got == 1 {
		a.first = time.Now()
	}
	a.last = body
	if a.got == a.want {
		close(a.done)
	}
}

// next hands out the event. A function that has given enough responses waits until it is killed.
func (a *runtimeAPI) next(ctx context.Context) ([]byte, bool) {
	a.mu.Lock()
	enough, event := a.got >= a.want, a.event
	if a.beforeFirst != nil {
		a.beforeFirst()
		a.beforeFirst = nil
	}
	a.mu.Unlock()
	if enough {
		<-ctx.Done()
	}
	return event, !enough
}
