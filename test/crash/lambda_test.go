package crash_test

import (
	"encoding/json"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/clerksync/clerksync/test/program"
)

// lambda runs the function as Lambda does, one process after the other.
type lambda struct {
	bootstrap string // path of the function's binary
	env       []string
	// timeout is the function's, from the moment at which a process took a batch.
	timeout time.Duration
	// skipTo, unless 0, is how long a process has left once a call of it gets no
	// answer: the rest of the timeout, in which nothing happens, is skipped.
	skipTo time.Duration
	hangs  <-chan struct{} // the proxy's

	mu      sync.Mutex
	process *process
}

// process is one sandbox: a process and its runtime API.
type process struct {
	api     *httptest.Server
	command *exec.Cmd
	event   chan []byte   // that the process takes next
	answer  chan []byte   // nil for an invocation that failed as a whole
	gone    chan struct{} // closed when the process is
}

// invocationEnd is how an invocation ended.
type invocationEnd string

const (
	answered invocationEnd = "answered"
	died     invocationEnd = "died"
	timedOut invocationEnd = "timed out" // Lambda killed it at its timeout
)

// templateTimeout is the function's timeout in the template.
const templateTimeout = time.Minute

func newLambda(t *testing.T, bootstrap string, e *environment) *lambda {
	t.Helper()
	l := &lambda{bootstrap: bootstrap, env: e.variables(), timeout: templateTimeout, hangs: e.proxy.hangs}
	e.proxy.signal = l.signal
	t.Cleanup(func() {
		l.mu.Lock()
		p := l.process
		l.mu.Unlock()
		if p != nil {
			l.signal(syscall.SIGKILL)
			<-p.gone
		}
	})
	return l
}

// signal sends the process a signal: SIGKILL, as the kernel does when memory
// runs out and Lambda does at the timeout, or SIGSTOP, after which nothing in it
// runs.
func (l *lambda) signal(s syscall.Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.process != nil {
		_ = l.process.command.Process.Signal(s)
	}
}

// start returns the process that runs, or starts a new one.
func (l *lambda) start(t *testing.T) *process {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.process != nil {
		return l.process
	}
	p := &process{event: make(chan []byte), answer: make(chan []byte, 1), gone: make(chan struct{})}
	p.api = httptest.NewServer(program.RuntimeAPI{
		Next: program.NextOf(p.event),
		Answer: func(body []byte, failed bool) {
			if failed {
				body = nil
			}
			p.answer <- body
		},
		Timeout: l.timeout,
	})
	p.command = exec.CommandContext(t.Context(), l.bootstrap)
	p.command.Env = append(l.env, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(p.api.URL, "http://"))
	if err := p.command.Start(); err != nil {
		p.api.Close()
		t.Fatal(err)
	}
	l.process = p
	go func() {
		_ = p.command.Wait()
		l.mu.Lock()
		l.process = nil
		l.mu.Unlock()
		p.api.Close()
		close(p.gone)
	}()
	return p
}

// invoke hands the batch to a process, kills it at its timeout, and returns the
// ids of the messages that failed. Unless it answered, all of them did.
func (l *lambda) invoke(t *testing.T, batch events.SQSEvent) (failed map[string]bool, end invocationEnd) {
	t.Helper()
	payload, err := json.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	p := l.start(t)
	select {
	case p.event <- payload:
	case <-p.gone:
		t.Fatal("the function died before it took a batch")
	case <-time.After(templateTimeout):
		t.Fatal("the function does not start")
	}
	timeout := time.After(l.timeout)
	for {
		select {
		case <-l.hangs:
			if l.skipTo > 0 {
				timeout = time.After(l.skipTo)
			}
		case <-p.gone:
			return nil, died
		case <-timeout:
			l.signal(syscall.SIGKILL)
			<-p.gone
			return nil, timedOut
		case answer := <-p.answer:
			return failedIDs(t, answer), answered
		}
	}
}

func failedIDs(t *testing.T, answer []byte) map[string]bool {
	t.Helper()
	var r events.SQSEventResponse
	if err := json.Unmarshal(answer, &r); err != nil {
		t.Fatalf("the function answered %q: %v", answer, err)
	}
	failed := map[string]bool{}
	for _, f := range r.BatchItemFailures {
		failed[f.ItemIdentifier] = true
	}
	return failed
}
