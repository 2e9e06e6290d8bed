package sqs_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	sqsemulator "github.com/clerksync/clerksync/internal/emulator/sqs"
	"github.com/clerksync/clerksync/internal/emulator/sqs/sqstest"
	"github.com/clerksync/clerksync/pkg/awsclient"
)

// client serves the handler for the length of the test.
func client(t *testing.T, h http.Handler) *sqs.Client {
	t.Helper()
	host := httptest.NewServer(h)
	t.Cleanup(host.Close)
	return sqs.New(sqs.Options{
		HTTPClient: awsclient.WholeAnswers(nil),
		Region:     "us-east-1", BaseEndpoint: aws.String(host.URL),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	sqstest.Run(t, client(t, sqsemulator.New(sqsemulator.Options{})), sqstest.Options{})
}
