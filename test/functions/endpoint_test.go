package functions_test

import (
	"bytes"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// endpoint is an emulator's address with a certificate of its own. It notes what comes.
type endpoint struct {
	url, certFile string

	mu          sync.Mutex
	connections int
	requests    []request
}

type request struct {
	target, authorization, token, body string
}

func newEndpoint(t *testing.T, emulator http.Handler) *endpoint {
	t.Helper()
	e := &endpoint{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the sender is gone
		}
		if r.Method == http.MethodPost { // a warm-up is a GET
			e.mu.Lock()
			e.requests = append(e.requests, request{
				target: r.Header.Get("X-Amz-Target"), authorization: r.Header.Get("Authorization"),
				token: r.Header.Get("X-Amz-Security-Token"), body: string(body),
			})
			e.mu.Unlock()
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		emulator.ServeHTTP(w, r)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			e.mu.Lock()
			e.connections++
			e.mu.Unlock()
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	e.url = server.URL
	e.certFile = filepath.Join(t.TempDir(), "roots.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	if err := os.WriteFile(e.certFile, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return e
}

// seen returns how many connections were opened and which requests came.
func (e *endpoint) seen() (connections int, requests []request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.connections, append([]request(nil), e.requests...)
}

// checkSigner checks that every request is signed with the environment's keys for its region and service.
func (e *endpoint) checkSigner(t *testing.T, service string) {
	t.Helper()
	credential := regexp.MustCompile(`Credential=AKIDOTHER/\d{8}/eu-central-1/` + service + `/aws4_request`)
	_, requests := e.seen()
	for _, r := range requests {
		if !credential.MatchString(r.authorization) || r.token != "a session's token" {
			t.Errorf("%s has Authorization %q, token %q, want key, region, service and token of the environment",
				r.target, r.authorization, r.token)
		}
	}
	if len(requests) == 0 {
		t.Errorf("no request came to the endpoint of %s", service)
	}
}

// account is what Lambda sets, every value another than a test elsewhere has. The endpoint for all services is one
// that nothing listens on: each service's own comes before it.
func account(name, certFile string) []string {
	return []string{
		"AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=AKIDOTHER", "AWS_SECRET_ACCESS_KEY=example",
		"AWS_SESSION_TOKEN=a session's token", "AWS_LAMBDA_FUNCTION_NAME=" + name, "SSL_CERT_FILE=" + certFile,
		"AWS_ENDPOINT_URL=http://127.0.0.1:1",
	}
}

// checkLine checks that some line of the output has all of the parts, in any order.
func checkLine(t *testing.T, output string, parts ...string) {
	t.Helper()
lines:
	for line := range strings.Lines(output) {
		for _, p := range parts {
			if !strings.Contains(line, p) {
				continue lines
			}
		}
		return
	}
	t.Errorf("no line has all of %q:\n%s", parts, output)
}
