package deployed_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/test/program"
)

// ministack is a running ministack, reached through a proxy. The proxy says, as one that ends TLS does, that requests
// came by https, for the queues' policies refuse plain http; and it can refuse DynamoDB's calls for a while.
type ministack struct {
	url    string // of the proxy, which everything calls
	config aws.Config

	down    atomic.Bool
	refused atomic.Int64 // calls of DynamoDB while it was down
}

// startMinistack starts ministack and the proxy. Everything is given the proxy's address, the functions in it too.
func startMinistack(t *testing.T, path string) *ministack {
	t.Helper()
	m := &ministack{}
	port := program.FreePort(t)
	proxy := httptest.NewServer(m.proxy(&url.URL{Scheme: "http", Host: "127.0.0.1:" + port}))
	t.Cleanup(proxy.Close)
	m.url = proxy.URL
	m.config = emulator.Config(m.url)
	m.config.Credentials = credentials.NewStaticCredentialsProvider("test", "test", "")
	program.StartMinistack(t, path, port, append(emulatorEnv(m.url), "AUTH=true")...) // AUTH: IAM is enforced
	return m
}

// emulatorEnv are the variables that point every AWS program at an endpoint, and at no account of the user's.
func emulatorEnv(endpoint string) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + endpoint, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "SAM_CLI_TELEMETRY=0",
	}
}

func (m *ministack) proxy(target *url.URL) http.Handler {
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed, and names the API
			r.Out.Header.Set("X-Forwarded-Proto", "https")
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !m.down.Load() || !strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB") {
			forward.ServeHTTP(w, r)
			return
		}
		// It is overloaded and broken by turns.
		status, code := http.StatusInternalServerError, "InternalServerError"
		if m.refused.Add(1)%2 == 0 {
			status, code = http.StatusBadRequest, "ThrottlingException"
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"down"}`, code)
	})
}

// callREST makes a signed call of a REST service, of those that no SDK client among this module's dependencies could
// call.
func (m *ministack) callREST(t *testing.T, service, method, path string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	text := m.send(t, service, method, path, http.Header{"Content-Type": {"application/json"}}, body)
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, text)
	}
}

// send signs and sends a request and returns the answer's body.
func (m *ministack) send(t *testing.T, service, method, path string, header http.Header, body []byte) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, m.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	c, err := m.config.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(t.Context(), c, r, hex.EncodeToString(hash[:]), service, m.config.Region, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s %s = %d, %v: %s", method, path, answer.StatusCode, err, text)
	}
	return text
}
