// Package dynamotest opens the pair of tables for tests, on the emulator or,
// where a test has a client for it, on any other engine, and records what a
// client asks of them.
package dynamotest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

// Prefix starts the names of the tables that OpenAt makes. What a killed run
// leaves behind in an AWS account is found by it.
const Prefix = "dynamotest-"

// tableWait is how long a table may take to appear: on a real account some
// seconds, more for each of its indexes.
const tableWait = 5 * time.Minute

// Names are the tables' names.
type Names struct{ Directory, Deliveries string }

// Open makes both tables, of random names, on an emulator of their own and
// returns a client for them. The options are the client's, so that its requests
// can be recorded or made to fail.
func Open(t *testing.T, options ...func(*dynamodb.Options)) (*dynamodb.Client, Names) {
	t.Helper()
	cfg := emulatortest.Start(t, emulator.New(emulator.Options{}))
	return dynamodb.NewFromConfig(cfg, options...), OpenAt(t, dynamodb.NewFromConfig(cfg))
}

// OpenAt makes both tables with that client and deletes them when the test
// ends. A table that is left behind fails the test: on a real account it costs
// money.
func OpenAt(t *testing.T, admin *dynamodb.Client) Names {
	t.Helper()
	suffix := rand.Text()
	names := Names{Prefix + "directory-" + suffix, Prefix + "deliveries-" + suffix}
	t.Cleanup(func() {
		// The test's own context is canceled before its cleanups run.
		if err := names.Delete(context.WithoutCancel(t.Context()), admin); err != nil {
			t.Error(err)
		}
	})
	Create(t, admin, names)
	return names
}

// Delete deletes those of the two tables that exist. The error names each one
// that may be left behind.
func (n Names) Delete(ctx context.Context, admin *dynamodb.Client) error {
	var all error
	for _, name := range []string{n.Directory, n.Deliveries} {
		var missing *types.ResourceNotFoundException
		_, err := admin.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
		if err != nil && !errors.As(err, &missing) {
			all = errors.Join(all, fmt.Errorf("delete table %s: %w", name, err))
		}
	}
	return all
}

// Create makes both tables as the template does.
func Create(t *testing.T, client *dynamodb.Client, names Names) {
	t.Helper()
	for _, in := range []*dynamodb.CreateTableInput{
		dynamo.DirectorySchema(names.Directory), dynamo.DeliveriesSchema(names.Deliveries),
	} {
		if _, err := client.CreateTable(t.Context(), in); err != nil {
			t.Fatalf("CreateTable(%s): %v", *in.TableName, err)
		}
		waiter := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
			o.MinDelay = time.Second
		})
		err := waiter.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: in.TableName}, tableWait)
		if err != nil {
			t.Fatalf("wait for table %s: %v", *in.TableName, err)
		}
	}
}

// Requests is an HTTP client for one test's client that records which
// operations it asks for.
type Requests struct {
	mu              sync.Mutex
	operations      []string
	consistentReads int
}

// Do records the request and sends it.
func (r *Requests) Do(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	r.operations = append(r.operations, strings.TrimPrefix(req.Header.Get("X-Amz-Target"), "DynamoDB_20120810."))
	r.consistentReads += bytes.Count(body, []byte(`"ConsistentRead":true`))
	r.mu.Unlock()
	return http.DefaultTransport.RoundTrip(req)
}

// Take returns the operations since the last call, such as PutItem.
func (r *Requests) Take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	operations := r.operations
	r.operations = nil
	return operations
}

// ConsistentReads returns the number of consistent reads since the start, each
// table of a batch counted once.
func (r *Requests) ConsistentReads() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.consistentReads
}
