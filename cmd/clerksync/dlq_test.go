package main_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	main "github.com/clerksync/clerksync/cmd/clerksync"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// Each command that reads dead letters fails where it cannot read all of them, and
// says how many it could not: here SQS hides no more than one batch at once.
func TestDeadLettersThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := deploymenttest.New(t)
	for range 11 {
		s.PutDeadLetter()
	}
	received, proxy := false, s.Proxy(s.Pipeline.Endpoint)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ReceiveMessage") {
			if received {
				w.Header().Set("Content-Type", "application/x-amz-json-1.0")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"__type":"com.amazonaws.sqs#OverLimit"}`)
				return
			}
			received = true
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	for _, command := range []string{
		"dlq ls", "dlq ls --json", "dlq show msg_never", "get delivery msg_never", "dlq redrive --all --dry-run",
		"dlq redrive msg_never", "dlq drop msg_never --yes", "dlq drop --all --yes", // the last one leaves a single one
	} {
		received = false
		var words bytes.Buffer
		line := append(strings.Fields("clerksync "+command), "--endpoint-url", front.URL)
		if got := main.Run(t.Context(), io.Discard, &words, line); got != terminal.ExitFailed ||
			!strings.Contains(words.String(), "dead letters could not be read") {
			t.Errorf("%s exits %d and says %q, want %d and how many could not be read",
				command, got, words.String(), terminal.ExitFailed)
		}
	}
}
