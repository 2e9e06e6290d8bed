package sqsserver_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/pkg/awsenv"
	"github.com/clerksync/clerksync/pkg/sqsserver"
	"github.com/clerksync/clerksync/pkg/sqsserver/queuetest"
)

// client serves the handler for the length of the test.
func client(t *testing.T, h http.Handler) *sqs.Client {
	t.Helper()
	host := httptest.NewServer(h)
	t.Cleanup(host.Close)
	return sqs.New(sqs.Options{
		HTTPClient: awsenv.WholeAnswers(nil),
		Region:     "us-east-1", BaseEndpoint: aws.String(host.URL),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	queuetest.Run(t, client(t, sqsserver.New(sqsserver.Options{})), queuetest.Options{})
}
