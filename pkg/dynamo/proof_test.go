package dynamo_test

import (
	"context"
	"testing"

	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

// tableCall is one call of a Table, of which only the error matters.
type tableCall func(context.Context, *dynamo.Table) error

func write(w directory.Write) tableCall {
	return func(ctx context.Context, t *dynamo.Table) error {
		_, err := t.Write(ctx, w)
		return err
	}
}

func read(keys ...directory.Key) tableCall {
	return func(ctx context.Context, t *dynamo.Table) error {
		_, err := t.Read(ctx, keys...)
		return err
	}
}

func live(partition string) tableCall {
	return func(ctx context.Context, t *dynamo.Table) error {
		_, _, err := t.Live(ctx, partition, "", "")
		return err
	}
}

func scan(ctx context.Context, t *dynamo.Table) error {
	_, _, err := t.Scan(ctx, directory.Key{})
	return err
}

// operations are calls of each of DynamoDB's operations that a Table uses.
func operations() map[string]tableCall {
	a, b := directory.UserKey("a"), directory.UserKey("b")
	return map[string]tableCall{
		"TransactWriteItems":     write(directory.Write{LedgerEntry: ledgerEntry("msg_1"), Row: user("a", "1")}),
		"TransactWriteItems row": write(directory.Write{Row: user("a", "1"), Drop: []directory.Key{b}}),
		"PutItem row":            write(directory.Write{Row: user("a", "1")}),
		"PutItem ledger entry":   write(directory.Write{LedgerEntry: ledgerEntry("msg_1")}),
		"GetItem":                read(a),
		"BatchGetItem":           read(a, b),
		"Query":                  live(a.PK),
		"Scan":                   scan,
	}
}

// An answer 200 that the table did not give is no write and no read: a proxy, a
// health page or another service may give it. It is retried.
func TestAnswersWithoutProof(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty":            ``,
		"an object":        `{}`,
		"a health page":    `{"status":"ok"}`,
		"no capacity":      `{"ConsumedCapacity":null,"Item":{"pk":{"S":"USER#a"}},"Count":0,"Items":[]}`,
		"an empty list":    `{"ConsumedCapacity":[]}`,
		"other rows":       `{"Responses":{"other":[]},"Item":{},"Items":[]}`,
		"no table":         `{"ConsumedCapacity":{"CapacityUnits":1}}`,
		"no table in list": `{"ConsumedCapacity":[{"CapacityUnits":1}]}`,
		"another table":    `{"ConsumedCapacity":{"TableName":"Directory","CapacityUnits":1}}`,
		"other tables":     `{"ConsumedCapacity":[{"TableName":"other","CapacityUnits":1},{"TableName":"directory2"}]}`,
	} {
		for operation, call := range operations() {
			t.Run(name+"/"+operation, func(t *testing.T) {
				t.Parallel()
				if err := call(t.Context(), tableAnswering(t, 200, body)); errorKind(err) != "unknown" {
					t.Errorf("%s answered with 200 and %q = %v, want an error that says unknown", operation, body, err)
				}
			})
		}
	}
}

// Both tables must have taken their part of a transaction.
func TestHalfOfAProof(t *testing.T) {
	t.Parallel()
	w := directory.Write{LedgerEntry: ledgerEntry("msg_1"), Row: user("a", "1")}
	const row, entry = `{"TableName":"directory","CapacityUnits":2}`, `{"TableName":"deliveries","CapacityUnits":2}`
	for name, c := range map[string]struct{ consumed, want string }{
		"both":                 {consumed: row + `,` + entry},
		"the other way round":  {consumed: entry + `,` + row},
		"the row alone":        {consumed: row, want: "unknown"},
		"the entry alone":      {consumed: entry, want: "unknown"},
		"the row twice":        {consumed: row + `,` + row, want: "unknown"},
		"both and one further": {consumed: row + `,` + entry + `,{"TableName":"other"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := tableAnswering(t, 200, `{"ConsumedCapacity":[`+c.consumed+`]}`)
			if got, err := table.Write(t.Context(), w); errorKind(err) != c.want {
				t.Errorf("Write = %v, %v, want an error of kind %q", got, err, c.want)
			}
		})
	}
}
