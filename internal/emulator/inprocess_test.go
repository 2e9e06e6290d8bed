package emulator_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/directory/directorytest"
	"github.com/clerksync/clerksync/pkg/dynamo"
)

// openInProcess makes both tables.
func openInProcess(t *testing.T) *emulator.Tables {
	t.Helper()
	tables := emulator.NewTables(time.Now)
	for _, schema := range []*dynamodb.CreateTableInput{dynamo.DirectorySchema("dir"), dynamo.DeliveriesSchema("del")} {
		if _, err := dynamodb.NewFromConfig(tables.Config).CreateTable(t.Context(), schema); err != nil {
			t.Fatal(err)
		}
	}
	return tables
}

func tableOf(e *emulator.Tables) *dynamo.Table {
	return dynamo.New(dynamodb.NewFromConfig(e.Config), "dir", "del")
}

// Without an address it is the same DynamoDB, and so is a copy.
func TestTablesInProcess(t *testing.T) {
	t.Parallel()
	t.Run("made", func(t *testing.T) {
		t.Parallel()
		directorytest.Run(t, func(t *testing.T) directory.Table { t.Helper(); return tableOf(openInProcess(t)) })
	})
	t.Run("copied", func(t *testing.T) {
		t.Parallel()
		directorytest.Run(t, func(t *testing.T) directory.Table { t.Helper(); return tableOf(openInProcess(t).Copy()) })
	})
}

// A copy has what was there, and neither sees what is written to the other after
// that, in its tables and its indexes.
func TestCopyIsApart(t *testing.T) {
	t.Parallel()
	write := func(e *emulator.Tables, ids ...string) {
		t.Helper()
		for _, id := range ids {
			r := directory.NewRow(directory.UserKey(id), directory.KindUser)
			r["by_email"], r[directory.AttrRev] = id+"@example.com", "1"
			if _, err := tableOf(e).Write(t.Context(), directory.Write{Row: r}); err != nil {
				t.Fatal(err)
			}
		}
	}
	users := func(e *emulator.Tables, index *string) string {
		t.Helper()
		in := &dynamodb.ScanInput{TableName: new("dir"), IndexName: index}
		out, err := dynamodb.NewFromConfig(e.Config).Scan(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, item := range out.Items {
			ids = append(ids, dynamo.PlainValues(item)["by_email"].(string)[:1])
		}
		slices.Sort(ids)
		return strings.Join(ids, "")
	}
	original := openInProcess(t)
	write(original, "m", "n", "o") // of three, a list has room for a fourth
	first, second := original.Copy(), original.Copy()
	write(original, "a", "z")
	write(first, "b")
	for _, index := range []*string{nil, new("by_email")} {
		got := [3]string{users(original, index), users(first, index), users(second, index)}
		if want := [3]string{"amnoz", "bmno", "mno"}; got != want {
			t.Errorf("users of the original, the first and the second copy = %v, want %v", got, want)
		}
	}
}

// A canceled context ends a call as it ends a request.
func TestTablesInProcessAreCanceled(t *testing.T) {
	t.Parallel()
	tables := openInProcess(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tableOf(tables).Read(ctx, directory.UserKey("u1")); !errors.Is(err, context.Canceled) {
		t.Errorf("Read = %v, want context.Canceled", err)
	}
}
