// Package dynamotest opens the pair of tables for tests, on the embedded
// engine or on any other.
package dynamotest

import (
	"context"
	"crypto/rand"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/pkg/awsenv"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamoserver"
)

// Endpoint names the environment variable by which tests may be pointed at
// another engine, such as http://127.0.0.1:8000.
const Endpoint = "CLERKSYNC_TEST_DYNAMODB"

// Names are the tables' names.
type Names struct{ Directory, Deliveries string }

// Open makes both tables, of random names, and returns a client for them.
// endpoint is Endpoint's value, "" for an embedded engine. own options can give the client faults.
func Open(t *testing.T, endpoint string, own ...func(*dynamodb.Options)) (*dynamodb.Client, Names) {
	t.Helper()
	url := endpoint
	if url == "" {
		url = Serve(t)
	}
	return Client(url, own...), OpenAt(t, Client(url))
}

// OpenAt makes both tables with that client and drops them at the end.
func OpenAt(t *testing.T, admin *dynamodb.Client) Names {
	t.Helper()
	suffix := rand.Text()
	names := Names{"directory-" + suffix, "deliveries-" + suffix}
	t.Cleanup(func() {
		over := context.WithoutCancel(t.Context())
		for _, name := range []string{names.Directory, names.Deliveries} {
			_, _ = admin.DeleteTable(over, &dynamodb.DeleteTableInput{TableName: aws.String(name)})
		}
	})
	Create(t, admin, names)
	return names
}

// Serve runs an embedded engine of its own until the test ends.
func Serve(t *testing.T) (url string) {
	t.Helper()
	host := httptest.NewServer(dynamoserver.New(time.Now))
	t.Cleanup(host.Close)
	return host.URL
}

// Client is a client for an engine that takes any credentials.
func Client(url string, own ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		HTTPClient:   awsenv.WholeAnswers(nil),
		Region:       "us-east-1",
		BaseEndpoint: aws.String(url),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, own...)
}

// Create makes both tables as the template does.
func Create(t *testing.T, client *dynamodb.Client, names Names) {
	t.Helper()
	for _, in := range []*dynamodb.CreateTableInput{dynamo.DirectorySchema(names.Directory), dynamo.DeliveriesSchema(names.Deliveries)} {
		if _, err := client.CreateTable(t.Context(), in); err != nil {
			t.Fatalf("CreateTable(%s): %v", *in.TableName, err)
		}
		wait := dynamodb.NewTableExistsWaiter(client)
		if err := wait.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: in.TableName}, time.Minute); err != nil {
			t.Fatalf("wait for table %s: %v", *in.TableName, err)
		}
	}
}
