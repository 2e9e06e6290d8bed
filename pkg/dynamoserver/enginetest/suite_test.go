package enginetest_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/pkg/awsenv"
	"github.com/clerksync/clerksync/pkg/dynamoserver"
	"github.com/clerksync/clerksync/pkg/dynamoserver/enginetest"
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
		HTTPClient:       awsenv.WholeAnswers(nil),
		Region:           "us-east-1",
		BaseEndpoint:     &endpoint,
		Credentials:      credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 1,
	})
}

func TestEmbeddedEngine(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, clientFor(t, dynamoserver.New(time.Now)), enginetest.Options{})
}

// TestOutsideEngine runs the suite against whatever listens at an endpoint of
// the tester's choice, an emulator for instance. ENGINETEST_SKIP names, by
// commas, the checks that it is known to fail.
func TestOutsideEngine(t *testing.T) {
	t.Parallel()
	endpoint := os.Getenv("ENGINETEST_ENDPOINT")
	if endpoint == "" {
		t.Skip("ENGINETEST_ENDPOINT names no engine")
	}
	client := clientAt(endpoint)
	if _, err := client.ListTables(t.Context(), &dynamodb.ListTablesInput{Limit: aws.Int32(1)}); err != nil {
		t.Fatalf("list the tables at %s: %v", endpoint, err)
	}
	skip := map[string]string{}
	for name := range strings.SplitSeq(os.Getenv("ENGINETEST_SKIP"), ",") {
		if name != "" {
			skip[name] = "named in ENGINETEST_SKIP"
		}
	}
	enginetest.Run(t, client, enginetest.Options{Skip: skip})
}
