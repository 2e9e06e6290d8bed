package crash_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// lambda runs the program as Lambda does, one process after the other.
type lambda struct {
	program string
	env     []string
	// deadline is a batch's, from the moment at which a process took it.
	deadline time.Duration
	// lapse, unless 0, is what a process is left with from when it hangs: the
	// rest of its time, in which nothing happens, is skipped.
	lapse time.Duration
	hangs <-chan struct{}

	mu      sync.Mutex
	process *process
}

// process is one sandbox: a process and its runtime API,
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type process struct {
	api      *httptest.Server
	command  *exec.Cmd
	deadline time.Duration
	event    chan []byte
	answer   chan []byte // nil for an invocation that failed as a whole
	gone     chan struct{}
}

// end is how an invocation ended.
type end string

const (
	answered end = "answered"
	died     end = "died"
	late     end = "killed at the deadline"
)

// timeout is the function's in the template.
const timeout = time.Minute

func newLambda(t *testing.T, program string, w *world) *lambda {
	t.Helper()
	l := &lambda{program: program, env: w.env(), deadline: timeout, hangs: w.hangs}
	w.signal = l.signal
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

func (p *process) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/next"):
		select {
		case <-r.Context().Done():
		case event := <-p.event:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(p.deadline).UnixMilli(), 10))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:sync")
			_, _ = w.Write(event)
		}
	case strings.HasSuffix(r.URL.Path, "/response"):
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // it died while it answered
		}
		w.WriteHeader(http.StatusAccepted)
		p.answer <- body
	default:
		w.WriteHeader(http.StatusAccepted)
		p.answer <- nil
	}
}

// signal sends the process a signal: SIGKILL, as an out-of-memory killer does
// and Lambda at the deadline, or SIGSTOP, after which nothing in it moves.
func (l *lambda) signal(s syscall.Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.process != nil {
		_ = l.process.command.Process.Signal(s)
	}
}

// running is the process there is, or a new one.
func (l *lambda) running(t *testing.T) *process {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.process != nil {
		return l.process
	}
	p := &process{deadline: l.deadline, event: make(chan []byte), answer: make(chan []byte, 1), gone: make(chan struct{})}
	p.api = httptest.NewServer(p)
	p.command = exec.CommandContext(t.Context(), l.program)
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

// invoke hands the batch to a process and kills it at the deadline. Unless it
// answered, the batch failed as a whole.
func (l *lambda) invoke(t *testing.T, batch events.SQSEvent) (failed map[string]bool, how end) {
	t.Helper()
	payload, err := json.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	p := l.running(t)
	select {
	case p.event <- payload:
	case <-p.gone:
		t.Fatal("the function died before it took a batch")
	case <-time.After(timeout):
		t.Fatal("the function does not start")
	}
	deadline := time.After(l.deadline)
	for {
		select {
		case <-l.hangs:
			if l.lapse > 0 {
				deadline = time.After(l.lapse)
			}
		case <-p.gone:
			return nil, died
		case <-deadline:
			l.signal(syscall.SIGKILL)
			<-p.gone
			return nil, late
		case answer := <-p.answer:
			return failures(t, answer), answered
		}
	}
}

func failures(t *testing.T, answer []byte) map[string]bool {
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
