package sqs_test

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/internal/emulator/sqs/sqstest"
)

// client serves the handler for the length of the test.
func client(t *testing.T, h http.Handler) *sqs.Client {
	t.Helper()
	return sqs.NewFromConfig(emulatortest.Start(t, h))
}

func TestConformance(t *testing.T) {
	t.Parallel()
	sqstest.Run(t, client(t, emulator.New(emulator.Options{})), sqstest.Options{})
}
