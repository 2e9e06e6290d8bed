// Package dynamotest opens the pair of tables for tests, on the emulator
// or, where a test has a client for it, on any other engine.
package dynamotest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

// Prefix starts the names of the tables that OpenAt makes, so that what a run
// that was killed leaves in an account is found by it.
const Prefix = "dynamotest-"

// tableWait is how long a table may take to appear: on a real account some
// seconds, more for each of its indexes.
const tableWait = 5 * time.Minute

// Names are the tables' names.
type Names struct{ Directory, Deliveries string }

// Open makes both tables, of random names, on an emulator of their own and
// returns a client for them. own options can give the client faults.
func Open(t *testing.T, own ...func(*dynamodb.Options)) (*dynamodb.Client, Names) {
	t.Helper()
	cfg := emulatortest.Start(t, emulator.New(emulator.Options{}))
	return dynamodb.NewFromConfig(cfg, own...), OpenAt(t, dynamodb.NewFromConfig(cfg))
}

// OpenAt makes both tables with that client and deletes them at the end. A
// table that stays behind fails the test: on a real account it costs money.
func OpenAt(t *testing.T, admin *dynamodb.Client) Names {
	t.Helper()
	suffix := rand.Text()
	names := Names{Prefix + "directory-" + suffix, Prefix + "deliveries-" + suffix}
	t.Cleanup(func() {
		// The test's own context has ended by now.
		if err := names.Delete(context.WithoutCancel(t.Context()), admin); err != nil {
			t.Error(err)
		}
	})
	Create(t, admin, names)
	return names
}

// Delete deletes both tables, those that are there. The error names every one
// that may have stayed behind.
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
	for _, in := range []*dynamodb.CreateTableInput{dynamo.DirectorySchema(names.Directory), dynamo.DeliveriesSchema(names.Deliveries)} {
		if _, err := client.CreateTable(t.Context(), in); err != nil {
			t.Fatalf("CreateTable(%s): %v", *in.TableName, err)
		}
		wait := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = time.Second })
		if err := wait.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: in.TableName}, tableWait); err != nil {
			t.Fatalf("wait for table %s: %v", *in.TableName, err)
		}
	}
}
