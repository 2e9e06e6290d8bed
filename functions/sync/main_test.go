package main

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
)

// start makes the function with a complete environment, of which some variables
// are changed. out has what it writes, metrics included.
func start(out *bytes.Buffer, changes map[string]string) lambda.Handler {
	env := map[string]string{
		"DIRECTORY_TABLE": "directory", "DELIVERIES_TABLE": "deliveries",
		"QUEUE_URL": "http://127.0.0.1:1/q", "DEAD_LETTER_QUEUE_URL": "http://127.0.0.1:1/d",
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "WARM_UP": "off",
	}
	maps.Copy(env, changes)
	return handler(func(name string) string { return env[name] }, out)
}

// Which variables are bad is tested in pkg/settings. Here it is what the
// function makes of them: it fails every message, and one line names them all.
func TestBadEnvironment(t *testing.T) {
	t.Parallel()
	bad := map[string]string{
		"DIRECTORY_TABLE": "", "AWS_REGION": "", "DELETION_POLICY": "canary", "OBJECT_STORAGE": "canary",
		"LOG_LEVEL": "canary", "AWS_ENDPOINT_URL_DYNAMODB": "canary",
	}
	var out bytes.Buffer
	const batch = `{"Records":[{"messageId":"a","body":"{}"},{"messageId":"b"}]}`
	got, err := start(&out, bad).Invoke(t.Context(), []byte(batch))
	const want = `{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]}`
	if string(got) != want || err != nil {
		t.Errorf("Invoke = %s, %v, want %s", got, err, want)
	}
	lines := regexp.MustCompile(`(?m)^.*"level":"ERROR".*$`).FindAllString(out.String(), -1)
	if len(lines) != 1 || strings.Contains(out.String(), "canary") {
		t.Fatalf("log = %s, want one error and no value", out.String())
	}
	for name := range bad {
		if !strings.Contains(lines[0], name) {
			t.Errorf("line %s does not name %s", lines[0], name)
		}
	}
}

// The connection to the tables is opened before the first batch.
func TestPreconnect(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	host := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer host.Close()
	start(&bytes.Buffer{}, map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": host.URL, "WARM_UP": ""})
	if got := calls.Load(); got != 1 {
		t.Errorf("handler made %d calls to the tables, want 1", got)
	}
}
