package program

import (
	"context"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// Function is a Lambda function's process with a runtime API of its own, for one invocation after the other.
type Function struct {
	events  chan []byte
	answers chan []byte
	output  string // path of the file that has what the process wrote
}

// invocationTimeout is that of the functions in the template, or longer.
const invocationTimeout = time.Minute

// StartFunction starts a function and waits until it asks for its first event: its init is then over.
func StartFunction(tb testing.TB, bootstrap string, env ...string) *Function {
	tb.Helper()
	f := &Function{events: make(chan []byte), answers: make(chan []byte, 1)}
	ready := make(chan struct{}, 1)
	next := NextOf(f.events)
	api := httptest.NewServer(RuntimeAPI{
		Next: func(ctx context.Context) ([]byte, bool) {
			select {
			case ready <- struct{}{}:
			default: // nobody waits for it any more
			}
			return next(ctx)
		},
		Answer:  func(body []byte, _ bool) { f.answers <- body },
		Timeout: invocationTimeout,
	})
	tb.Cleanup(func() {
		api.CloseClientConnections() // the process waits at /next without end
		api.Close()
	})
	env = append(env, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(api.URL, "http://"))
	f.output = Command{Args: []string{bootstrap}, Env: env}.Start(tb)
	select {
	case <-ready:
	case <-time.After(invocationTimeout):
		tb.Fatalf("%s does not ask for an event:\n%s", bootstrap, Tail(f.output))
	}
	return f
}

// Invoke hands the event to the function and returns its answer, or the error that it reported.
func (f *Function) Invoke(tb testing.TB, event []byte) []byte {
	tb.Helper()
	timeout := time.After(invocationTimeout)
	select {
	case f.events <- event:
	case <-timeout:
		tb.Fatalf("the function takes no event:\n%s", Tail(f.output))
	}
	select {
	case answer := <-f.answers:
		return answer
	case <-timeout:
		tb.Fatalf("the function does not answer:\n%s", Tail(f.output))
	}
	return nil
}

// Output is what the function has written so far: its log with the metrics.
func (f *Function) Output(tb testing.TB) string {
	tb.Helper()
	text, err := os.ReadFile(f.output)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}
