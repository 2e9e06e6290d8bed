// Package dynamodbtest is the one conformance suite for whatever calls itself
// DynamoDB: our emulator, another one, a real account. It speaks through the
// SDK's client and checks what this project's tables rely on, each property by
// a name of its own:
//
//	dynamodbtest.Run(t, client, dynamodbtest.Options{})
//
// Two tables are created, pay per request, shared by all checks (a check keeps
// to partition keys of its own) and deleted afterwards.
package dynamodbtest

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Prefix starts the names of both tables, so that what a run that was killed
// leaves in an account is found by it.
const Prefix = "dynamodbtest-"

// tableWait is how long a table may take to appear: on a real account some
// seconds, more with an index.
const tableWait = 5 * time.Minute

// Options adapt a run to an engine.
type Options struct {
	// Skip names checks that the engine is known to fail, each with the reason.
	// A name that no check has fails the run.
	Skip map[string]string
}

// suite is a client and the names of the two tables that the checks share.
type suite struct {
	t      *testing.T // that the check fails
	client *dynamodb.Client
	// rows has the key pk and sk, both S, and the index by_email, KEYS_ONLY,
	// with the hash key email (S).
	rows string
	// seen has the hash key id (S).
	seen string
}

// Run creates the tables, runs every check as a subtest and deletes the tables.
func Run(t *testing.T, client *dynamodb.Client, options Options) {
	t.Helper()
	suffix := strings.ToLower(rand.Text()[:10])
	s := suite{t: t, client: client, rows: Prefix + "rows-" + suffix, seen: Prefix + "seen-" + suffix}
	for _, in := range s.tables() {
		s.create(in)
	}
	known := map[string]bool{}
	for _, check := range checks() {
		known[check.name] = true
		t.Run(check.name, func(t *testing.T) {
			if reason, ok := options.Skip[check.name]; ok {
				t.Skip(reason)
			}
			own := s
			own.t = t
			check.run(&own)
		})
	}
	for name := range options.Skip {
		if !known[name] {
			t.Errorf("Skip[%q] names no check", name)
		}
	}
}

func (s *suite) tables() []*dynamodb.CreateTableInput {
	attribute := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	key := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	return []*dynamodb.CreateTableInput{
		{
			TableName: &s.rows, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{attribute("pk"), attribute("sk"), attribute("email")},
			KeySchema:            []types.KeySchemaElement{key("pk", types.KeyTypeHash), key("sk", types.KeyTypeRange)},
			GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
				IndexName:  aws.String("by_email"),
				KeySchema:  []types.KeySchemaElement{key("email", types.KeyTypeHash)},
				Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
			}},
		},
		{
			TableName: &s.seen, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{attribute("id")},
			KeySchema:            []types.KeySchemaElement{key("id", types.KeyTypeHash)},
		},
	}
}

// create makes a table, waits until it is usable and deletes it at the end. A
// table that stays behind fails the test: on a real account it costs money.
func (s *suite) create(in *dynamodb.CreateTableInput) {
	s.t.Helper()
	s.t.Cleanup(func() {
		// The test's own context has ended by now.
		ctx := context.WithoutCancel(s.t.Context())
		_, err := s.client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: in.TableName})
		var missing *types.ResourceNotFoundException
		if err != nil && !errors.As(err, &missing) {
			s.t.Errorf("delete table %s: %v", *in.TableName, err)
		}
	})
	if _, err := s.client.CreateTable(s.t.Context(), in); err != nil {
		s.t.Fatalf("create table %s: %v", *in.TableName, err)
	}
	waiter := dynamodb.NewTableExistsWaiter(s.client)
	wait := func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = time.Second }
	table := &dynamodb.DescribeTableInput{TableName: in.TableName}
	if err := waiter.Wait(s.t.Context(), table, tableWait, wait); err != nil {
		s.t.Fatalf("wait for table %s: %v", *in.TableName, err)
	}
}

// Names are those of all checks.
func Names() []string {
	var names []string
	for _, c := range checks() {
		names = append(names, c.name)
	}
	return names
}

// check is one property of an engine.
type check struct {
	name string
	run  func(s *suite)
}

func checks() []check {
	return []check{
		{"put-if-absent", (*suite).putIfAbsent},
		{"put-if-rev-smaller", (*suite).putIfRevSmaller},
		{"text-sorts-by-bytes", (*suite).textSortsByBytes},
		{"types-do-not-compare", (*suite).typesDoNotCompare},
		{"remove-takes-attribute-away", (*suite).removeTakesAway},
		{"values-kept-exactly", (*suite).valuesKept},
		{"keys-never-collide", (*suite).keysNeverCollide},

		{"transaction-all-or-nothing", (*suite).allOrNothing},
		{"transaction-reasons-by-position", (*suite).reasonsByPosition},
		{"transaction-duplicate-first", (*suite).duplicateFirst},
		{"condition-failure-shows-item", (*suite).failureShowsItem},
		{"transaction-one-operation-per-item", (*suite).oneOperationPerItem},
		{"transaction-100-actions", (*suite).hundredActions},
		{"transaction-request-token", (*suite).requestToken},
		{"race-one-conditional-writer-wins", (*suite).oneWriterWins},
		{"race-transactions-never-both-win", (*suite).transactionsExclude},

		{"limit-item-400-kb", (*suite).itemLimit},
		{"limit-empty-keys", (*suite).emptyKeys},
		{"limit-long-keys", (*suite).longKeys},
		{"limit-index-key-type", (*suite).indexKeyType},
		{"limit-numbers", (*suite).numberLimits},

		{"index-sparse-and-forgetting", (*suite).sparseIndex},
		{"index-refuses-consistent-read", (*suite).indexConsistentRead},
		{"query-pages-over-1-mb", (*suite).queryPages},
		{"query-page-after-deleted-item", (*suite).pageAfterDeleted},
		{"query-limit-before-filter", (*suite).limitBeforeFilter},
		{"query-begins-with", (*suite).beginsWith},
		{"batch-get-100", (*suite).batchGet},
		{"scan-segments-partition", (*suite).scanSegments},
		{"consumed-capacity-names-tables", (*suite).consumedCapacity},
		{"time-to-live-settings", (*suite).timeToLive},
	}
}
