package dynamo

import (
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/clerksync/clerksync/pkg/directory"
)

// askForProof is in every request. DynamoDB then names in its answer each table
// that the request consumed capacity of, by the name that the request has. This
// costs nothing:
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ConsumedCapacity.html
const askForProof = types.ReturnConsumedCapacityTotal

var errUnconfirmed = errors.New(
	"the answer does not show that the table gave it: check that the endpoint is DynamoDB's own")

// Confirm returns nil where the consumed capacity of an answer proves that the
// table gave it. The SDK takes any answer 200 for success, also the empty one
// of a proxy, a health page or a wrong port. Without this proof a message would
// be acknowledged that no table has, or a row that was not found would count as
// missing. So an answer without it is an unknown outcome, which is retried.
func Confirm(consumed *types.ConsumedCapacity, table string) error {
	if consumed == nil || aws.ToString(consumed.TableName) != table {
		return errUnconfirmed
	}
	return nil
}

// confirmEach is Confirm for an operation on several tables.
func confirmEach(consumed []types.ConsumedCapacity, tables ...string) error {
	for _, table := range tables {
		if !slices.ContainsFunc(consumed, func(c types.ConsumedCapacity) bool { return Confirm(&c, table) == nil }) {
			return errUnconfirmed
		}
	}
	return nil
}

// confirmBatch is Confirm for a batch of reads. It also takes the answer's list of
// the table's rows for a proof, which has the table's name even if it is empty:
// DynamoDB gives both, ministack this one alone.
func (t *Table) confirmBatch(out *dynamodb.BatchGetItemOutput) error {
	if _, ok := out.Responses[t.directory]; ok {
		return nil
	}
	return confirmEach(out.ConsumedCapacity, t.directory)
}

// tablesOf returns the names of the tables that the write is on.
func (t *Table) tablesOf(w directory.Write) (names []string) {
	if w.LedgerEntry != nil {
		names = append(names, t.deliveries)
	}
	if w.Row != nil || len(w.Put)+len(w.Drop) > 0 {
		names = append(names, t.directory)
	}
	return names
}
