package crashtest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// build makes the program that is deployed, for this machine.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bootstrap")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc,nethttpomithttp2", "-o", path, "../../functions/sync").CombinedOutput()
	if err != nil {
		t.Fatalf("build sync: %v\n%s", err, out)
	}
	return path
}

// lambda is Lambda's runtime API, for one process after the other:
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type lambda struct {
	*httptest.Server
	program string
	env     []string

	mu      sync.Mutex
	process *exec.Cmd
	event   chan []byte
	answer  chan []byte
	died    chan struct{}
}

func newLambda(t *testing.T, program string, env ...string) *lambda {
	t.Helper()
	l := &lambda{program: program, env: env, event: make(chan []byte, 1), answer: make(chan []byte, 1)}
	l.Server = httptest.NewServer(l)
	t.Cleanup(func() {
		l.kill()
		l.CloseClientConnections()
		l.Close()
	})
	return l
}

func (l *lambda) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/next") {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		l.answer <- body
		return
	}
	select {
	case <-r.Context().Done():
	case event := <-l.event:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:sync")
		_, _ = w.Write(event)
	}
}

// kill ends the process as an out-of-memory killer does.
func (l *lambda) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.process != nil {
		_ = l.process.Process.Kill()
	}
}

// invoke starts a process where none is and hands it the batch. ok is false if
// it died before it answered.
func (l *lambda) invoke(t *testing.T, batch events.SQSEvent) (failed map[string]bool, ok bool) {
	t.Helper()
	l.mu.Lock()
	if l.process == nil {
		c := exec.CommandContext(t.Context(), l.program)
		c.Env = append(l.env, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(l.URL, "http://"))
		if err := c.Start(); err != nil {
			l.mu.Unlock()
			t.Fatal(err)
		}
		died := make(chan struct{})
		l.process, l.died = c, died
		go func() {
			_ = c.Wait()
			l.mu.Lock()
			l.process = nil
			l.mu.Unlock()
			close(died)
		}()
	}
	died := l.died
	l.mu.Unlock()
	payload, err := json.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	l.event <- payload
	select {
	case <-died:
		select { // it may have died before it took the batch
		case <-l.event:
		default:
		}
		return nil, false
	case answer := <-l.answer:
		var r events.SQSEventResponse
		if err := json.Unmarshal(answer, &r); err != nil {
			t.Fatalf("the function answered %s", answer)
		}
		failed = map[string]bool{}
		for _, f := range r.BatchItemFailures {
			failed[f.ItemIdentifier] = true
		}
		return failed, true
	case <-time.After(time.Minute):
		t.Fatal("the function does not answer")
		return nil, false
	}
}
