package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/clerksync/clerksync/pkg/directory"
)

const deployAgain = "deploy again: sam build && sam deploy"

// credentials checks that there are any, and a region.
func (d *doctor) credentials(ctx context.Context) verdict {
	cfg, err := d.awsConfig(ctx, d.c.String("endpoint-url"), d.local)
	if err != nil {
		return fail("set AWS_REGION and AWS_PROFILE, or sign in with: aws sso login", "%v", err)
	}
	if d.emulated {
		return pass("region %s; %s takes any credentials", cfg.Region, aws.ToString(cfg.BaseEndpoint))
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return fail("sign in with: aws sso login, or choose another AWS_PROFILE", "AWS does not know these credentials: %v", err)
	}
	return pass("account %s, region %s, as %s", aws.ToString(who.Account), cfg.Region, aws.ToString(who.Arn))
}

// checkStack finds the stores, and with a stack what it says of itself.
func (d *doctor) checkStack(ctx context.Context) verdict {
	if err := d.locate(ctx, d.c, d.place); err != nil {
		mend := "name the stack with --stack, and its region with AWS_REGION"
		if d.local {
			mend = "start it with: clerksync dev, or name a stack with --stack"
		}
		return fail(mend, "%s", firstLine(err))
	}
	d.found = true
	switch s := d.stackStatus; {
	case d.stack == "" && d.local:
		return skip("clerksync dev has none")
	case d.stack == "":
		return skip("tables and queues are named, no stack")
	case strings.HasSuffix(s, "_IN_PROGRESS"):
		return warn("wait until it is done, then ask again", "%s is %s", d.stack, s)
	case s == "CREATE_COMPLETE" || s == "UPDATE_COMPLETE" || s == "IMPORT_COMPLETE":
		return pass("%s is %s, and has its outputs", d.stack, s)
	case s == "UPDATE_ROLLBACK_COMPLETE":
		return warn("look at the stack's events, mend the template and "+deployAgain, "%s is %s: it runs the version before the last deployment", d.stack, s)
	default:
		return fail("look at the stack's events in CloudFormation, then "+deployAgain, "%s is %s", d.stack, s)
	}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// tables checks that both are there, with their keys and indexes.
func (d *doctor) tables(ctx context.Context) verdict {
	want := map[string]string{d.DirectoryTable: "pk sk", d.DeliveriesTable: "svix_id"}
	client := dynamodb.NewFromConfig(d.aws)
	for _, name := range []string{d.DirectoryTable, d.DeliveriesTable} {
		out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		if err != nil {
			return fail("is it the right stack and region, and may you describe its tables? Else "+deployAgain, "describe table %s: %v", name, err)
		}
		var keys []string
		for _, k := range out.Table.KeySchema {
			keys = append(keys, aws.ToString(k.AttributeName))
		}
		if got := strings.Join(keys, " "); got != want[name] {
			return fail("name another table: this is none of clerksync's", "table %s has the key %s, want %s", name, got, want[name])
		}
		if out.Table.TableStatus != types.TableStatusActive && out.Table.TableStatus != types.TableStatusUpdating {
			return fail("wait, or restore it from a backup", "table %s is %s", name, out.Table.TableStatus)
		}
		if name == d.DirectoryTable {
			if missing := missingIndexes(out.Table); len(missing) > 0 {
				return fail(deployAgain, "table %s lacks the index %s", name, strings.Join(missing, ", "))
			}
		}
	}
	return pass("%s and %s are there, with keys and indexes", d.DirectoryTable, d.DeliveriesTable)
}

func missingIndexes(t *types.TableDescription) []string {
	return slices.DeleteFunc(directory.Indexes(), func(name string) bool {
		return slices.ContainsFunc(t.GlobalSecondaryIndexes, func(x types.GlobalSecondaryIndexDescription) bool {
			return aws.ToString(x.IndexName) == name && (x.IndexStatus == types.IndexStatusActive || x.IndexStatus == types.IndexStatusUpdating)
		})
	})
}

// ttl checks that records of messages expire.
func (d *doctor) ttl(ctx context.Context) verdict {
	mend := fmt.Sprintf("aws dynamodb update-time-to-live --table-name %s --time-to-live-specification Enabled=true,AttributeName=expires_at", d.DeliveriesTable)
	out, err := dynamodb.NewFromConfig(d.aws).DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &d.DeliveriesTable})
	if err != nil {
		return d.unknown(err, "dynamodb:DescribeTimeToLive")
	}
	ttl := out.TimeToLiveDescription
	if ttl == nil || ttl.TimeToLiveStatus != types.TimeToLiveStatusEnabled && ttl.TimeToLiveStatus != types.TimeToLiveStatusEnabling {
		return fail(mend, "nothing expires from %s: it grows for ever", d.DeliveriesTable)
	}
	if a := aws.ToString(ttl.AttributeName); a != "expires_at" {
		return fail("switch it off, wait an hour, then: "+mend, "%s expires by %q, which no row has", d.DeliveriesTable, a)
	}
	return pass("records of messages expire from %s", d.DeliveriesTable)
}

// backups checks point-in-time recovery.
func (d *doctor) backups(ctx context.Context) verdict {
	if d.local {
		return skip("clerksync dev keeps its tables in memory")
	}
	for _, name := range []string{d.DirectoryTable, d.DeliveriesTable} {
		out, err := dynamodb.NewFromConfig(d.aws).DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &name})
		if err != nil {
			return d.unknown(err, "dynamodb:DescribeContinuousBackups")
		}
		on := out.ContinuousBackupsDescription != nil && out.ContinuousBackupsDescription.PointInTimeRecoveryDescription != nil &&
			out.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled
		switch {
		case on:
		case d.parameters["TablePointInTimeRecovery"] == "false":
			return warn("set the parameter TablePointInTimeRecovery to true, if anybody would miss the table", "point-in-time recovery of %s is off by the stack's parameter", name)
		default:
			return fail(fmt.Sprintf("aws dynamodb update-continuous-backups --table-name %s --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true", name),
				"point-in-time recovery of %s is off: what a mistake spoils stays spoilt", name)
		}
	}
	return pass("both tables can be restored to any second of the last 35 days")
}

// unknown is for what could not be read: an emulator may lack it, AWS refuses
// it to who lacks the permission.
func (d *doctor) unknown(err error, action string) verdict {
	if d.emulated {
		return skip("%s does not tell: %s", aws.ToString(d.aws.BaseEndpoint), firstLine(err))
	}
	return fail("ask for the permission "+action, "cannot tell: %s", firstLine(err))
}
