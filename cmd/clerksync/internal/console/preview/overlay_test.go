package preview_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/preview"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

// split writes the first transaction below the overlay, and the others to it, once
// the first has taken place: nobody writes below while an overlay is there. Reads see
// both.
type split struct {
	directory.Table
	below directory.Table
	first sync.Once
}

func (s *split) Write(ctx context.Context, w directory.Write) (result directory.Result, err error) {
	isFirst := false
	s.first.Do(func() {
		isFirst = true
		result, err = s.below.Write(ctx, w)
	})
	if isFirst {
		return result, err
	}
	return s.Table.Write(ctx, w)
}

// An overlay keeps the contract of every table, over rows that were there before.
func TestOverlayKeepsTheContract(t *testing.T) {
	t.Parallel()
	const reason = "it takes every write: the projector makes none that a table refuses"
	skip := map[string]string{}
	for _, name := range []string{
		"an empty pk is refused", "an empty sk is refused", "a pk over 2,048 bytes is refused",
		"a sk over 1,024 bytes is refused", "a row over 400 KB is refused", "an empty index key is refused",
		"an index key over 2,048 bytes is refused", "an index key that is no text is refused",
		"one item has one operation",
	} {
		skip[name] = reason
	}
	directorytest.RunBut(t, skip, func(t *testing.T) directory.Table {
		t.Helper()
		engine := emulator.NewTables(time.Now)
		client := dynamodb.NewFromConfig(engine.Config)
		for _, schema := range []*dynamodb.CreateTableInput{
			dynamo.DirectorySchema("directory"), dynamo.DeliveriesSchema("deliveries"),
		} {
			if _, err := client.CreateTable(t.Context(), schema); err != nil {
				t.Fatal(err)
			}
		}
		below := dynamo.New(client, "directory", "deliveries")
		return &split{
			Table: preview.NewOverlay(below, deployment.NewRows(client, "directory", "deliveries")), below: below,
		}
	})
}
