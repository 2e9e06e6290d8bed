package emulator_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
)

// One address and one configuration reach all services, and the parameters that
// the options name are there.
func TestOneAddressServesAll(t *testing.T) {
	t.Parallel()
	cfg := emulatortest.Start(t, emulator.New(emulator.Options{SecureStrings: map[string]string{"/secret": "whsec_x"}}))
	if _, err := dynamodb.NewFromConfig(cfg).ListTables(t.Context(), &dynamodb.ListTablesInput{}); err != nil {
		t.Errorf("ListTables = %v, want no error", err)
	}
	if _, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), &sqs.ListQueuesInput{}); err != nil {
		t.Errorf("ListQueues = %v, want no error", err)
	}
	out, err := ssm.NewFromConfig(cfg).GetParameter(t.Context(), &ssm.GetParameterInput{
		Name: aws.String("/secret"), WithDecryption: aws.Bool(true),
	})
	if err != nil || aws.ToString(out.Parameter.Value) != "whsec_x" || out.Parameter.Type != "SecureString" {
		t.Errorf("GetParameter(/secret) = %v, %v, want the SecureString whsec_x", out, err)
	}
}

// GET / answers what the process says of itself, once it has something to say.
func TestDescribe(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		describe func() any
		status   int
		body     string
	}{
		"nothing to say": {status: 404, body: "404 page not found\n"},
		"nothing to say yet": {
			describe: func() any { return nil }, status: 404, body: "404 page not found\n",
		},
		"ready": {
			describe: func() any { return map[string]string{"event": "ready"} },
			status:   200, body: "{\"event\":\"ready\"}\n",
		},
		"no JSON": {
			describe: func() any { return func() {} }, status: 500,
			body: "encode the description: json: unsupported type: func()\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
			w := httptest.NewRecorder()
			emulator.New(emulator.Options{Describe: test.describe}).ServeHTTP(w, r)
			if w.Code != test.status || w.Body.String() != test.body {
				t.Errorf("GET / = %d %q, want %d %q", w.Code, w.Body, test.status, test.body)
			}
		})
	}
}

// What Start serves is guarded: a page whose name was rebound gets no secret.
func TestStartIsGuarded(t *testing.T) {
	t.Parallel()
	const secret = "whsec_x"
	h := emulator.New(emulator.Options{SecureStrings: map[string]string{"/secret": secret}})
	url := *emulatortest.Start(t, h).BaseEndpoint
	for host, want := range map[string]int{"": 200, "evil.example": 403} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url,
			strings.NewReader(`{"Name":"/secret","WithDecryption":true}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host // "" is the URL's
		r.Header.Set("X-Amz-Target", "AmazonSSM.GetParameter")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != want || strings.Contains(string(body), secret) != (want == 200) {
			t.Errorf("GetParameter by Host %q = %d %s, %v, want %d", host, answer.StatusCode, body, err, want)
		}
	}
}

// An old client, or a curl without the header, learns what it has to send.
func TestUnknownService(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"", "AmazonS3.ListBuckets"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody)
		r.Header.Set("X-Amz-Target", target)
		w := httptest.NewRecorder()
		emulator.New(emulator.Options{}).ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "UnknownOperationException") {
			t.Errorf("X-Amz-Target %q = %d %s, want 400 with UnknownOperationException", target, w.Code, w.Body)
		}
	}
}

// A taken address is an error that names it.
func TestStartOnTakenAddress(t *testing.T) {
	t.Parallel()
	first, err := emulator.Start(t.Context(), "127.0.0.1:0", http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	addr := strings.TrimPrefix(first.URL, "http://")
	_, err = emulator.Start(t.Context(), addr, http.NotFoundHandler())
	if err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("Start(%s) = %v, want an error that names the address", addr, err)
	}
}
