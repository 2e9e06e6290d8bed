// Package dynamodbtest is the one conformance suite for whatever calls itself
// DynamoDB: the embedded engine, an emulator, a real account. It speaks through
// the SDK's client and checks what this project's tables rely on, each property
// by a name of its own:
//
//	dynamodbtest.Run(t, client, dynamodbtest.Options{})
//
// Two tables are created, pay per request, shared by all checks (a check keeps
// to partition keys of its own) and deleted afterwards. A check is a plain
// function that returns what it found wrong, so that it can also be held
// against an engine that is broken on purpose.
package dynamodbtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// tableWait is how long a table may take to appear: on a real account some
// seconds, more with an index.
const tableWait = 5 * time.Minute

// indexWait is far above the fraction of a second by which an index of the real
// service lags.
const indexWait = 20 * time.Second

// Options adapt a run to an engine.
type Options struct {
	// Skip names checks that the engine is known to fail, each with the reason.
	// A name that no check has fails the run.
	Skip map[string]string
}

// Run creates the tables, runs every check as a subtest and deletes the tables.
func Run(t *testing.T, client *dynamodb.Client, options Options) {
	t.Helper()
	tables, err := CreateTables(t.Context(), client, strings.ToLower(rand.Text()[:10]))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The test's own context has ended by now.
		if err := tables.Delete(context.WithoutCancel(t.Context()), client); err != nil {
			t.Error(err)
		}
	})
	known := map[string]bool{}
	for _, check := range Checks(tables) {
		known[check.Name] = true
		t.Run(check.Name, func(t *testing.T) {
			if reason, ok := options.Skip[check.Name]; ok {
				t.Skip(reason)
			}
			if err := check.Run(t.Context(), client); err != nil {
				t.Error(err)
			}
		})
	}
	for name := range options.Skip {
		if !known[name] {
			t.Errorf("Skip[%q] names no check", name)
		}
	}
}

// Tables are the names of the two tables that the checks share.
type Tables struct {
	// Rows has the key pk and sk, both S, and the index by_email, KEYS_ONLY,
	// with the hash key email (S).
	Rows string
	// Seen has the hash key id (S).
	Seen string
	// IndexWait is how long an index may lag behind its table.
	IndexWait time.Duration
}

// CreateTables creates both tables and waits until they are usable. The suffix
// makes their names unique in the account.
func CreateTables(ctx context.Context, client *dynamodb.Client, suffix string) (Tables, error) {
	tables := Tables{Rows: "dynamodbtest-rows-" + suffix, Seen: "dynamodbtest-seen-" + suffix, IndexWait: indexWait}
	rows := &dynamodb.CreateTableInput{
		TableName:   &tables.Rows,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("email"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String("by_email"),
			KeySchema:  []types.KeySchemaElement{{AttributeName: aws.String("email"), KeyType: types.KeyTypeHash}},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	}
	seen := &dynamodb.CreateTableInput{
		TableName:            &tables.Seen,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
	}
	for _, in := range []*dynamodb.CreateTableInput{rows, seen} {
		if _, err := client.CreateTable(ctx, in); err != nil {
			return tables, errors.Join(fmt.Errorf("create table %s: %w", *in.TableName, err), tables.Delete(ctx, client))
		}
		waiter := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = time.Second })
		if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: in.TableName}, tableWait); err != nil {
			return tables, errors.Join(fmt.Errorf("wait for table %s: %w", *in.TableName, err), tables.Delete(ctx, client))
		}
	}
	return tables, nil
}

// Delete deletes both tables, those that are there.
func (t Tables) Delete(ctx context.Context, client *dynamodb.Client) error {
	var all error
	for _, name := range []string{t.Rows, t.Seen} {
		var missing *types.ResourceNotFoundException
		_, err := client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
		if err != nil && !errors.As(err, &missing) {
			all = errors.Join(all, fmt.Errorf("delete table %s: %w", name, err))
		}
	}
	return all
}

// Check is one property of an engine.
type Check struct {
	Name string
	// Run returns nil, or an error that says what the engine did instead. It may
	// be run once per pair of tables.
	Run func(ctx context.Context, client *dynamodb.Client) error
}

// Checks lists all checks, for the given tables.
func Checks(tables Tables) []Check {
	return []Check{
		{"put-if-absent", tables.putIfAbsent},
		{"put-if-rev-smaller", tables.putIfRevSmaller},
		{"text-sorts-by-bytes", tables.textSortsByBytes},
		{"types-do-not-compare", tables.typesDoNotCompare},
		{"remove-takes-attribute-away", tables.removeTakesAway},
		{"values-kept-exactly", tables.valuesKept},
		{"keys-never-collide", tables.keysNeverCollide},

		{"transaction-all-or-nothing", tables.allOrNothing},
		{"transaction-reasons-by-position", tables.reasonsByPosition},
		{"transaction-duplicate-first", tables.duplicateFirst},
		{"condition-failure-shows-item", tables.failureShowsItem},
		{"transaction-one-operation-per-item", tables.oneOperationPerItem},
		{"transaction-100-actions", tables.hundredActions},
		{"transaction-request-token", tables.requestToken},
		{"race-one-conditional-writer-wins", tables.oneWriterWins},
		{"race-transactions-never-both-win", tables.transactionsExclude},

		{"limit-item-400-kb", tables.itemLimit},
		{"limit-empty-keys", tables.emptyKeys},
		{"limit-long-keys", tables.longKeys},
		{"limit-index-key-type", tables.indexKeyType},
		{"limit-numbers", tables.numberLimits},

		{"index-sparse-and-forgetting", tables.sparseIndex},
		{"index-refuses-consistent-read", tables.indexConsistentRead},
		{"query-pages-over-1-mb", tables.queryPages},
		{"query-page-after-deleted-item", tables.pageAfterDeleted},
		{"query-limit-before-filter", tables.limitBeforeFilter},
		{"query-begins-with", tables.beginsWith},
		{"batch-get-100", tables.batchGet},
		{"scan-segments-partition", tables.scanSegments},
		{"time-to-live-settings", tables.timeToLive},
	}
}
