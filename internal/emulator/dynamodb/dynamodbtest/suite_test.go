package dynamodbtest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	dynamodbemulator "github.com/clerksync/clerksync/internal/emulator/dynamodb"
	"github.com/clerksync/clerksync/internal/emulator/dynamodb/dynamodbtest"
	"github.com/clerksync/clerksync/pkg/awsclient"
)

// clientFor talks to an engine over a loopback socket.
func clientFor(t *testing.T, engine http.Handler) *dynamodb.Client {
	t.Helper()
	listener := httptest.NewServer(engine)
	t.Cleanup(listener.Close)
	return clientAt(listener.URL)
}

func clientAt(endpoint string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		HTTPClient:       awsclient.WholeAnswers(nil),
		Region:           "us-east-1",
		BaseEndpoint:     &endpoint,
		Credentials:      credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 1,
	})
}

func TestEmbeddedEngine(t *testing.T) {
	t.Parallel()
	dynamodbtest.Run(t, clientFor(t, dynamodbemulator.New(time.Now)), dynamodbtest.Options{})
}
