// Package dynamotest opens the pair of tables for tests: on the embedded
// engine, or on any other by the environment variable that Endpoint names.
package dynamotest

import (
	"context"
	"crypto/rand"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamoserver"
)

// Endpoint is the environment variable that points the tests at another
// engine, such as http://127.0.0.1:8000. Tables of random names are made there
// and dropped at the end.
const Endpoint = "CLERKSYNC_TEST_DYNAMODB"

// Names are the tables' names.
type Names struct{ Directory, Deliveries string }

// Open makes both tables and returns a client for them. With own options an
// embedded engine's client can be given faults.
func Open(t *testing.T, own ...func(*dynamodb.Options)) (*dynamodb.Client, Names) {
	t.Helper()
	url := os.Getenv(Endpoint)
	if url == "" {
		url = Serve(t)
	}
	admin := Client(url)
	suffix := rand.Text()
	names := Names{"directory-" + suffix, "deliveries-" + suffix}
	Create(t, admin, names)
	if os.Getenv(Endpoint) != "" {
		t.Cleanup(func() {
			over := context.WithoutCancel(t.Context())
			for _, name := range []string{names.Directory, names.Deliveries} {
				_, _ = admin.DeleteTable(over, &dynamodb.DeleteTableInput{TableName: aws.String(name)})
			}
		})
	}
	return Client(url, own...), names
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
		Region:       "us-east-1",
		BaseEndpoint: aws.String(url),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, own...)
}

// Create makes both tables as the template does.
func Create(t *testing.T, client *dynamodb.Client, names Names) {
	t.Helper()
	text := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS}
	}
	key := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: aws.String(name), KeyType: kind}
	}
	attributes := []types.AttributeDefinition{text(directory.AttrPK), text(directory.AttrSK)}
	var indexes []types.GlobalSecondaryIndex
	for _, name := range directory.Indexes() {
		attributes = append(attributes, text(name))
		indexes = append(indexes, types.GlobalSecondaryIndex{
			IndexName:  aws.String(name),
			KeySchema:  []types.KeySchemaElement{key(name, types.KeyTypeHash)},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		})
	}
	for _, in := range []*dynamodb.CreateTableInput{
		{
			TableName: aws.String(names.Directory), BillingMode: types.BillingModePayPerRequest, AttributeDefinitions: attributes,
			KeySchema:              []types.KeySchemaElement{key(directory.AttrPK, types.KeyTypeHash), key(directory.AttrSK, types.KeyTypeRange)},
			GlobalSecondaryIndexes: indexes,
		},
		{
			TableName: aws.String(names.Deliveries), BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{text("svix_id")},
			KeySchema:            []types.KeySchemaElement{key("svix_id", types.KeyTypeHash)},
		},
	} {
		if _, err := client.CreateTable(t.Context(), in); err != nil {
			t.Fatalf("CreateTable(%s): %v", *in.TableName, err)
		}
		wait := dynamodb.NewTableExistsWaiter(client)
		if err := wait.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: in.TableName}, time.Minute); err != nil {
			t.Fatalf("wait for table %s: %v", *in.TableName, err)
		}
	}
}
