package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
)

const (
	// maxRestoreSize bounds the cost, 0.15 USD a GB.
	maxRestoreSize = 1 << 30
	// maxRestore is how long the restoration of so small a table may take: mostly a quarter of an hour.
	maxRestore = time.Hour
)

// restored is a table that is restored from another one.
type restored struct{ from, to string }

// startRestore begins to restore both tables to now, under names of their own. The rest of the runbook deletes the
// stack's own tables and is not for trying.
func (t *trial) startRestore(ctx context.Context) {
	client := dynamodb.NewFromConfig(t.deployment.AWS)
	for _, from := range []string{t.deployment.DirectoryTable, t.deployment.DeliveriesTable} {
		if t.restoreErr = t.mayRestore(ctx, from); t.restoreErr != nil {
			return
		}
		// The name is random, so that it is no table of anybody's: it is deleted at the end.
		r := restored{from: from, to: webhook.RandomID(t.deployment.Stack.Name + "-accept-")}
		t.later("the table "+r.to+" is still there; delete it: aws dynamodb delete-table --table-name "+r.to,
			func(ctx context.Context) error { return deleteTable(ctx, client, r.to) })
		started, cancel := unbroken(ctx)
		_, t.restoreErr = client.RestoreTableToPointInTime(started, &dynamodb.RestoreTableToPointInTimeInput{
			SourceTableName: &r.from, TargetTableName: &r.to, UseLatestRestorableTime: aws.Bool(true),
		})
		cancel()
		if t.restoreErr != nil {
			t.restoreErr = fmt.Errorf("restore %s to %s: %w", r.from, r.to, t.restoreErr)
			return
		}
		t.restored = append(t.restored, r)
	}
}

// noRestoreError says why a table is not to be restored.
type noRestoreError string

func (e noRestoreError) Error() string { return string(e) }

// mayRestore is a noRestoreError where the table is not to be restored.
func (t *trial) mayRestore(ctx context.Context, table string) error {
	if t.deployment.Stack.Parameters["TablePointInTimeRecovery"] == "false" {
		return noRestoreError("the stack's parameter TablePointInTimeRecovery is false: there is no backup")
	}
	d, err := describe(ctx, dynamodb.NewFromConfig(t.deployment.AWS), table)
	if err != nil {
		return err
	}
	if size := aws.ToInt64(d.TableSizeBytes); size > maxRestoreSize {
		return noRestoreError(fmt.Sprintf("%s has %d MB, and a restoration costs 0.15 USD a GB: see docs/operations.md",
			table, size>>20))
	}
	return nil
}

func describe(ctx context.Context, client *dynamodb.Client, table string) (*types.TableDescription, error) {
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return nil, fmt.Errorf("describe the table %s: %w", table, err)
	}
	return out.Table, nil
}

// deleteTable deletes a restored table. DynamoDB refuses that while the table is being restored, so that after Ctrl-C
// the clean-up says what is left.
func deleteTable(ctx context.Context, client *dynamodb.Client, name string) error {
	var gone *types.ResourceNotFoundException
	_, err := client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
	// It was never made, if the start was refused.
	if err != nil && !errors.As(err, &gone) {
		return fmt.Errorf("delete it: %w", err)
	}
	return nil
}

// checkRestore waits for the restored tables and compares their keys and indexes with those they come from.
func (t *trial) checkRestore(ctx context.Context) verdict {
	if why := noRestoreError(""); errors.As(t.restoreErr, &why) {
		return notTried("%s", why)
	}
	if t.restoreErr != nil {
		return t.cannot(t.restoreErr)
	}
	client := dynamodb.NewFromConfig(t.deployment.AWS)
	finished := dynamodb.NewTableExistsWaiter(client)
	for _, r := range t.restored {
		err := finished.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &r.to}, maxRestore)
		if err != nil {
			return t.cannot(fmt.Errorf("wait for the table %s: %w", r.to, err))
		}
		from, err := describe(ctx, client, r.from)
		if err != nil {
			return t.cannot(err)
		}
		to, err := describe(ctx, client, r.to)
		if err != nil {
			return t.cannot(err)
		}
		if shape(from) != shape(to) {
			return fail("%s was restored as %s, want %s", r.from, shape(to), shape(from))
		}
	}
	return pass("both tables were restored with keys and indexes, in %s", time.Since(t.began).Round(time.Second))
}

// shape is a table's keys and those of its indexes.
func shape(d *types.TableDescription) string {
	keys := func(schema []types.KeySchemaElement) (text string) {
		var names []string
		for _, k := range schema {
			names = append(names, aws.ToString(k.AttributeName))
		}
		return " " + strings.Join(names, " ")
	}
	indexes := []string{}
	for _, i := range d.GlobalSecondaryIndexes {
		indexes = append(indexes, aws.ToString(i.IndexName)+keys(i.KeySchema))
	}
	slices.Sort(indexes)
	return "table" + keys(d.KeySchema) + "; " + strings.Join(indexes, "; ")
}

// checkAdopt says why it is not tried: it would delete the stack.
func (t *trial) checkAdopt(context.Context) verdict {
	return notTried("it deletes the stack. On one that you can do without: docs/operations.md, " +
		"\"Remove a stack\", then \"Adopt the tables of an earlier stack\"")
}
