package order

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

const directoryTable, deliveriesTable = "directory", "deliveries"

// tables are a pair of tables in memory, behind DynamoDB's protocol. They need no
// end: nothing listens, so the garbage collector finds them.
type tables struct {
	*dynamo.Table
	engine *emulator.Tables
}

// newTables makes empty tables.
func newTables(ctx context.Context) (tables, error) {
	engine := emulator.NewTables(func() time.Time { return at })
	for _, schema := range []*dynamodb.CreateTableInput{
		dynamo.DirectorySchema(directoryTable), dynamo.DeliveriesSchema(deliveriesTable),
	} {
		if _, err := dynamodb.NewFromConfig(engine.Config).CreateTable(ctx, schema); err != nil {
			return tables{}, fmt.Errorf("create table %s: %w", *schema.TableName, err)
		}
	}
	return tablesOf(engine), nil
}

func tablesOf(e *emulator.Tables) tables {
	return tables{dynamo.New(dynamodb.NewFromConfig(e.Config), directoryTable, deliveriesTable), e}
}

// copy makes tables that hold the same, and no longer change with these.
func (t tables) copy() tables { return tablesOf(t.engine.Copy()) }

// allRows reads the whole Directory table.
func (t tables) allRows(ctx context.Context) (all []directory.Row, err error) {
	for after := (directory.Key{}); ; {
		rows, next, err := t.Scan(ctx, after)
		if err != nil {
			return nil, fmt.Errorf("read the rows of an order: %w", err)
		}
		all = append(all, rows...)
		if after = next; after == (directory.Key{}) {
			break
		}
	}
	sortByKey(all)
	return all, nil
}

func sortByKey(rows []directory.Row) {
	slices.SortFunc(rows, func(x, y directory.Row) int {
		a, b := x.Key(), y.Key()
		return cmp.Or(strings.Compare(a.PK, b.PK), strings.Compare(a.SK, b.SK))
	})
}
