// Package emulatortest starts emulators for tests.
package emulatortest

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/clerksync/clerksync/internal/emulator"
)

// Start serves a handler on a free port until the test ends, and returns the
// configuration with which the SDK reaches it; its BaseEndpoint is the URL. The
// handler is one of emulator.New, or one with faults in front of it.
func Start(t *testing.T, h http.Handler) aws.Config {
	t.Helper()
	e, err := emulator.Start(t.Context(), "127.0.0.1:0", h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e.Config
}

// Receive receives up to ten messages of a queue, with all their attributes.
func Receive(t *testing.T, client *sqs.Client, url string) []types.Message {
	t.Helper()
	out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Messages
}

// CreateQueue creates a queue with these attributes, or SQS's own for nil, and
// returns its URL.
func CreateQueue(t *testing.T, client *sqs.Client, name string, attributes map[string]string) (url string) {
	t.Helper()
	out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	return *out.QueueUrl
}

// WantCode fails the test unless a call failed with one of the codes.
func WantCode(t *testing.T, what string, err error, codes ...string) {
	t.Helper()
	var refusal smithy.APIError
	if !errors.As(err, &refusal) || !slices.Contains(codes, refusal.ErrorCode()) {
		t.Errorf("%s = %v, want code %v", what, err, codes)
	}
}

// WantType fails the test unless a call failed with an error of the SDK's type E.
func WantType[E error](t *testing.T, what string, err error) {
	t.Helper()
	var typed E
	if !errors.As(err, &typed) {
		t.Errorf("%s = %v, want %T", what, err, typed)
	}
}
