package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/pkg/directory"
)

const deployAgain = "deploy again: sam build && sam deploy"

// checkCredentials checks that there are any, and a region.
func checkCredentials(ctx context.Context, cfg aws.Config, err error) Verdict {
	if err != nil {
		return fail("set AWS_REGION and AWS_PROFILE, or sign in with: aws sso login", "%v", err)
	}
	if cfg.BaseEndpoint != nil {
		return pass("region %s; %s takes any credentials", cfg.Region, *cfg.BaseEndpoint)
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return fail("sign in with: aws sso login, or choose another AWS_PROFILE",
			"AWS does not know these credentials: %v", err)
	}
	return pass("account %s, region %s, as %s", aws.ToString(who.Account), cfg.Region, aws.ToString(who.Arn))
}

// checkStack finds the deployment, nil where it fails, and judges the state of
// its stack. A stack that was rolled back runs well, as the version before: that
// is a warning.
func checkStack(
	ctx context.Context, cfg aws.Config, err error, names deployment.Names,
) (d *deployment.Deployment, v Verdict) {
	if err == nil {
		d, err = deployment.Find(ctx, cfg, names)
	}
	if err == nil {
		err = d.FindAll(ctx)
	}
	switch {
	case err != nil && names.Local():
		return nil, fail("start it with: clerksync dev, or name a stack with --stack", "%s", firstLine(err))
	case err != nil:
		mend := "name the stack with --stack, and its region with AWS_REGION"
		if action := deployment.MissingPermission(err); action != "" {
			mend += "; if they are right, ask for the permission " + action
		}
		return nil, fail(mend, "%s", firstLine(err))
	case d.Local:
		return d, skipStackOnly("clerksync dev has none")
	case d.Stack == nil:
		return d, skip("tables and queues are named, no stack")
	}
	name, status := d.Stack.Name, d.Stack.Status
	switch {
	case strings.HasSuffix(status, "_IN_PROGRESS"):
		v = warn("wait until it is done, then ask again", "%s is %s", name, status)
	case status == "CREATE_COMPLETE", status == "UPDATE_COMPLETE", status == "IMPORT_COMPLETE":
		v = pass("%s is %s, and has its outputs", name, status)
	case status == "UPDATE_ROLLBACK_COMPLETE":
		v = warn("look at the stack's events, mend the template and "+deployAgain,
			"%s is %s: it runs the version before the last deployment", name, status)
	default:
		v = fail("look at the stack's events in CloudFormation, then "+deployAgain, "%s is %s", name, status)
	}
	return d, v
}

// checkTables checks that both are there, with their keys and indexes.
func checkTables(ctx context.Context, d *deployment.Deployment, _ Options) Verdict {
	client := dynamodb.NewFromConfig(d.AWS)
	for _, table := range []struct {
		name, key string
		indexes   []string
	}{
		{d.DirectoryTable, "pk sk", directory.Indexes()},
		{d.DeliveriesTable, "svix_id", nil},
	} {
		out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table.name})
		if err != nil {
			return fail("is it the right stack and region, and may you describe its tables? Else "+deployAgain,
				"describe table %s: %v", table.name, err)
		}
		var keys []string
		for _, k := range out.Table.KeySchema {
			keys = append(keys, aws.ToString(k.AttributeName))
		}
		if got := strings.Join(keys, " "); got != table.key {
			return fail("name another table: this one is not clerksync's",
				"table %s has the key %s, want %s", table.name, got, table.key)
		}
		if s := out.Table.TableStatus; s != types.TableStatusActive && s != types.TableStatusUpdating {
			return fail("wait, or restore it from a backup", "table %s is %s", table.name, s)
		}
		if missing := missingIndexes(out.Table, table.indexes); len(missing) > 0 {
			return fail(deployAgain, "table %s lacks the index %s", table.name, strings.Join(missing, ", "))
		}
	}
	return pass("%s and %s are there, with keys and indexes", d.DirectoryTable, d.DeliveriesTable)
}

func missingIndexes(t *types.TableDescription, want []string) []string {
	return slices.DeleteFunc(want, func(name string) bool {
		return slices.ContainsFunc(t.GlobalSecondaryIndexes, func(x types.GlobalSecondaryIndexDescription) bool {
			usable := x.IndexStatus == types.IndexStatusActive || x.IndexStatus == types.IndexStatusUpdating
			return usable && aws.ToString(x.IndexName) == name
		})
	})
}

// checkExpiry checks that entries of the Deliveries table expire. DynamoDB allows
// one change an hour, which the advice has to say.
func checkExpiry(ctx context.Context, d *deployment.Deployment, _ Options) Verdict {
	mend := "aws dynamodb update-time-to-live --table-name " + d.DeliveriesTable +
		" --time-to-live-specification Enabled=true,AttributeName=expires_at"
	out, err := dynamodb.NewFromConfig(d.AWS).DescribeTimeToLive(ctx,
		&dynamodb.DescribeTimeToLiveInput{TableName: &d.DeliveriesTable})
	if err != nil {
		return couldNotRead(d, err, "dynamodb:DescribeTimeToLive")
	}
	var ttl types.TimeToLiveDescription
	if out.TimeToLiveDescription != nil {
		ttl = *out.TimeToLiveDescription
	}
	if s := ttl.TimeToLiveStatus; s != types.TimeToLiveStatusEnabled && s != types.TimeToLiveStatusEnabling {
		return fail(mend, "nothing expires from %s: it grows for ever", d.DeliveriesTable)
	}
	if a := aws.ToString(ttl.AttributeName); a != "expires_at" {
		return fail("switch it off, wait an hour, then: "+mend,
			"%s expires by %q, which no row has", d.DeliveriesTable, a)
	}
	return pass("records of messages expire from %s", d.DeliveriesTable)
}

// checkBackups checks point-in-time recovery. Off by the stack's own parameter it
// is a choice, and so a warning.
func checkBackups(ctx context.Context, d *deployment.Deployment, _ Options) Verdict {
	if d.Local {
		return skipStackOnly("clerksync dev keeps its tables in memory")
	}
	for _, name := range []string{d.DirectoryTable, d.DeliveriesTable} {
		out, err := dynamodb.NewFromConfig(d.AWS).DescribeContinuousBackups(ctx,
			&dynamodb.DescribeContinuousBackupsInput{TableName: &name})
		if err != nil {
			return couldNotRead(d, err, "dynamodb:DescribeContinuousBackups")
		}
		var recovery types.PointInTimeRecoveryDescription
		if b := out.ContinuousBackupsDescription; b != nil && b.PointInTimeRecoveryDescription != nil {
			recovery = *b.PointInTimeRecoveryDescription
		}
		switch {
		case recovery.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled:
		case d.Stack != nil && d.Stack.Parameters["TablePointInTimeRecovery"] == "false":
			return warn("set the parameter TablePointInTimeRecovery to true, if anyone would miss the table",
				"point-in-time recovery of %s is off by the stack's parameter", name)
		default:
			return fail(fmt.Sprintf("aws dynamodb update-continuous-backups --table-name %s "+
				"--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true", name),
				"point-in-time recovery of %s is off: a mistake in the table cannot be undone", name)
		}
	}
	return pass("both tables can be restored to any second of the last 35 days")
}
