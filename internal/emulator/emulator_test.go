package emulator_test

import (
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
