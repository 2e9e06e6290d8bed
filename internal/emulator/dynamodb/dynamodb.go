// Package dynamodb is a DynamoDB for one process: it keeps everything in memory
// and refuses what the real service documents that it refuses. It serves the
// dev command and the tests, through the same SDK client that talks to AWS.
//
// # What it promises
//
// The strictest reading wins, so that code which passes here does not meet its
// first refusal on AWS: key types, key and item sizes, empty keys of tables and
// indexes, 38 digits, limits of transactions and batches, overlapping paths,
// names and values that no expression uses, reserved words. A transaction is
// atomic and isolated, and reports every failed action by its position. Reads
// are always consistent; an index follows its table at once (on AWS a moment
// later).
//
// It has the operations that New lists: those that clerksync sends, the ordinary
// ones on tables and items that the AWS CLI, an SDK or a table browser sends,
// and no more. A member of a request that it does not know (the legacy Expected,
// KeyConditions, AttributeUpdates, streams, tags, encryption) is refused by
// name, never ignored. Consumed capacity is reported as published, less the
// units of indexes; item collection metrics may be asked for and are not
// reported. TTL and point-in-time recovery settings are remembered and have no
// effect: no item expires here.
//
// # What is inside
//
// Tables of rows are in table.go and pack.go, keys in key.go, values in value.go and
// number.go. Each write is compiled, planned against the item as it is, and only
// then stored (write.go), so that a transaction (transact.go) is two plain steps
// under one lock. Query and Scan share search.go.
//
// The language of expressions (lexer, parser, reserved words) is that of
// github.com/truora/minidyn; expression.go turns it into functions and refuses
// what the parser lets through. minidyn's own tables are not used, because of
// what they do without a word as of v0.8.2: keys are joined by a dot, so
// ("a", "b.c") and ("a.b", "c") are one item; a page that starts after an item
// which was deleted in the meantime comes back empty, as if the list ended
// there; Limit counts items of other partitions once there is a filter; an item
// that is put again without its index attribute stays in the index; REMOVE does
// nothing; numbers are compared as float64; empty lists and maps lose their
// type; and two conditions without AND between them count as the last one.
//
// The conformance suite is package dynamodbtest; it takes any endpoint.
//
// Sources: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/,
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html and
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
package dynamodb

import (
	"maps"
	"sync"
	"time"

	"github.com/clerksync/clerksync/internal/emulator/awsjson"
)

// maxBody is the size in bytes of the largest request that DynamoDB takes.
const maxBody = 16 << 20

// service holds the tables of one account in one region.
type service struct {
	now func() time.Time

	mu     sync.RWMutex
	tables map[string]*table
	tokens map[string]spentToken
	swept  time.Time // when tokens were last forgotten
}

// New makes a DynamoDB without tables. The clock dates tables and ends the ten
// minutes in which a ClientRequestToken counts.
func New(now func() time.Time) awsjson.Service { return NewStore(now).Service() }

// Store is a DynamoDB that can be copied with all that it holds.
type Store struct{ service *service }

// NewStore is New for who wants copies.
func NewStore(now func() time.Time) *Store {
	return &Store{&service{now: now, tables: map[string]*table{}, tokens: map[string]spentToken{}}}
}

// Copy makes a DynamoDB with the same tables and items, of which neither sees what
// is written to the other from now on. It costs little: items are never changed,
// so that both hold the same ones.
func (s *Store) Copy() *Store {
	s.service.mu.Lock()
	defer s.service.mu.Unlock()
	c := NewStore(s.service.now)
	for name, t := range s.service.tables {
		c.service.tables[name] = t.copy()
	}
	maps.Copy(c.service.tokens, s.service.tokens)
	c.service.swept = s.service.swept
	return c
}

// Service serves the store.
func (s *Store) Service() awsjson.Service { return s.service.operations() }

func (s *service) operations() awsjson.Service {
	return awsjson.Service{
		Target: "DynamoDB_20120810", Version: "1.0", MaxBody: maxBody, Checksum: true,
		Operations: map[string]awsjson.Operation{
			"CreateTable":               awsjson.Handle(s.createTable),
			"DescribeTable":             onTable(s, describeTable),
			"ListTables":                awsjson.Handle(s.listTables),
			"DeleteTable":               onTable(s, s.deleteTable),
			"UpdateTimeToLive":          onTable(s, updateTimeToLive),
			"DescribeTimeToLive":        onTable(s, describeTimeToLive),
			"UpdateContinuousBackups":   onTable(s, updateContinuousBackups),
			"DescribeContinuousBackups": awsjson.Handle(s.describeContinuousBackups),
			"PutItem":                   awsjson.Handle(s.writeItem(put, "NONE", "ALL_OLD")),
			"UpdateItem": awsjson.Handle(s.writeItem(update,
				"NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")),
			"DeleteItem":         awsjson.Handle(s.writeItem(remove, "NONE", "ALL_OLD")),
			"GetItem":            awsjson.Handle(s.getItem),
			"BatchGetItem":       awsjson.Handle(s.batchGetItem),
			"BatchWriteItem":     awsjson.Handle(s.batchWriteItem),
			"TransactWriteItems": awsjson.Handle(s.transactWriteItems),
			"Query":              awsjson.Handle(s.query),
			"Scan":               awsjson.Handle(s.scan),
		},
	}
}
