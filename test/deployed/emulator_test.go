package deployed_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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

	"github.com/clerksync/clerksync/pkg/awsclient"
)

// emulator is a running ministack, reached through a proxy. The proxy says, as
// one that ends TLS does, that requests came by https, for the queues' policies
// refuse plain http; and it can refuse DynamoDB's calls for a while.
type emulator struct {
	url    string // of the proxy: what everything calls
	config aws.Config

	down    atomic.Bool
	refused atomic.Int64 // calls of DynamoDB while it was down
}

func startEmulator(t *testing.T, ministack string) *emulator {
	t.Helper()
	e := &emulator{}
	port := freePort(t)
	target := &url.URL{Scheme: "http", Host: "127.0.0.1:" + port}
	proxy := httptest.NewServer(e.proxy(target))
	t.Cleanup(proxy.Close)
	e.url = proxy.URL
	e.config = aws.Config{
		HTTPClient: awsclient.WholeAnswers(nil), Region: "us-east-1", BaseEndpoint: &e.url, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	command{
		args: []string{ministack},
		// AUTH: IAM is enforced. IOT_MTLS: it would listen on every interface.
		env: append(fakeAWS(e.url), "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port, "AUTH=true", "IOT_MTLS_ENABLED=0",
			"TMPDIR="+t.TempDir(), "S3_DATA_DIR="+t.TempDir()),
	}.start(t)
	within(t, time.Minute, "ministack answers", func() bool {
		out, err := http.Get(target.String() + "/_ministack/health")
		if err != nil {
			return false
		}
		defer out.Body.Close()
		return out.StatusCode == http.StatusOK
	})
	return e
}

func (e *emulator) proxy(target *url.URL) http.Handler {
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed, and names the API
			r.Out.Header.Set("X-Forwarded-Proto", "https")
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e.down.Load() && strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB") {
			e.refused.Add(1)
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"down"}`)
			return
		}
		forward.ServeHTTP(w, r)
	})
}

// call makes a signed call of a REST service of the emulator, of those that no
// SDK client among this module's dependencies could call.
func (e *emulator) call(t *testing.T, service, method, path string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	text := e.send(t, service, method, path, http.Header{"Content-Type": {"application/json"}}, body)
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, text)
	}
}

// send signs and sends, and returns the answer's body.
func (e *emulator) send(t *testing.T, service, method, path string, header http.Header, body []byte) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, e.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	c, err := e.config.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(t.Context(), c, r, hex.EncodeToString(hash[:]), service, e.config.Region, time.Now()); err != nil {
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
