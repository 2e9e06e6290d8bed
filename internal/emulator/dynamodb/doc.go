// Package dynamodb is a DynamoDB for one process: an http.Handler that
// speaks the JSON protocol 1.0 of the real service, keeps everything in memory
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
// later). A member of a request that the engine does not know (the legacy
// Expected, KeyConditions, AttributeUpdates ... among them), an operation or a
// feature (streams, local indexes) it does not have is refused by name, never
// ignored. Capacity and item collection metrics may be asked for and are not
// reported; TTL and point-in-time recovery settings are remembered and have no
// effect: no item expires here.
//
// # What is inside
//
// The language of expressions (lexer, parser, reserved words) is that of
// github.com/truora/minidyn. Its server and its tables are not used, because of
// what they do silently as of v0.8.2: keys are joined by a dot, so ("a", "b.c")
// and ("a.b", "c") are one item; a page that starts after an item which was
// deleted in the meantime comes back empty, as if the list ended there; Limit
// counts items of other partitions once there is a filter; an item that is put
// again without its index attribute stays in the index; REMOVE does nothing;
// numbers are compared as float64; empty lists and maps lose their type; and
// two conditions without AND between them count as the last one. Rows here are
// immutable and sorted by position (see keySchema.position), which makes the
// checks of a transaction and their effect two plain steps under one lock.
//
// The conformance suite is package dynamodbtest; it takes any endpoint.
//
// Sources: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/,
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html and
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
package dynamodb
