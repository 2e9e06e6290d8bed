package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
)

// target is where a command looks: a deployed stack, named tables, or a
// `clerksync dev`.
type target struct {
	aws aws.Config
	pipeline.Stores
}

// targetFlags say where the tables are.
func targetFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "directory-table", Usage: "`NAME` of the Directory table", Sources: cli.EnvVars("DIRECTORY_TABLE")},
		&cli.StringFlag{Name: "deliveries-table", Usage: "`NAME` of the Deliveries table", Sources: cli.EnvVars("DELIVERIES_TABLE")},
		&cli.StringFlag{Name: "stack", Usage: "read the names from the outputs of stack `NAME`"},
		endpointFlag(),
	}
}

func endpointFlag() cli.Flag {
	return &cli.StringFlag{Name: "endpoint-url", Usage: "talk to the AWS endpoint at `URL` instead of AWS"}
}

// target finds out where to look. With no flag and no variable it is a
// `clerksync dev` at its default address.
func (e env) target(ctx context.Context, c *cli.Command) (t target, err error) {
	stack, named := c.String("stack"), c.String("directory-table") != "" || c.String("deliveries-table") != ""
	t.aws, err = e.awsConfig(ctx, c.String("endpoint-url"), stack == "" && !named)
	if err != nil {
		return t, err
	}
	t.DirectoryTable, t.DeliveriesTable = pipeline.DirectoryTable, pipeline.DeliveriesTable
	if stack != "" {
		if t.Stores, err = outputs(ctx, t.aws, stack); err != nil {
			return t, err
		}
	}
	if name := c.String("directory-table"); name != "" {
		t.DirectoryTable = name
	}
	if name := c.String("deliveries-table"); name != "" {
		t.DeliveriesTable = name
	}
	return t, nil
}

// awsConfig is for an endpoint that is named, for a `clerksync dev` where
// nothing is, or for AWS.
func (e env) awsConfig(ctx context.Context, endpoint string, dev bool) (aws.Config, error) {
	if endpoint == "" {
		endpoint = e.get("AWS_ENDPOINT_URL")
	}
	if endpoint == "" && dev {
		endpoint = "http://" + defaultAWSAddr
	}
	if endpoint != "" {
		cfg, err := outside(ctx, e, endpoint)
		if err != nil {
			return aws.Config{}, err
		}
		return *cfg, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return cfg, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return cfg, errors.New("no AWS region: set AWS_REGION or choose a profile that has one")
	}
	return cfg, nil
}

// outputs reads a stack's outputs.
func outputs(ctx context.Context, cfg aws.Config, stack string) (s pipeline.Stores, err error) {
	out, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		return s, fmt.Errorf("read stack %s: %w", stack, err)
	}
	fields := map[string]*string{
		"DirectoryTableName": &s.DirectoryTable, "DeliveriesTableName": &s.DeliveriesTable,
		"QueueUrl": &s.QueueURL, "DeadLetterQueueUrl": &s.DeadLetterQueueURL,
	}
	for _, o := range out.Stacks[0].Outputs {
		if f := fields[aws.ToString(o.OutputKey)]; f != nil {
			*f = aws.ToString(o.OutputValue)
		}
	}
	for name, f := range fields {
		if *f == "" {
			return s, fmt.Errorf("stack %s has no output %s: is it a clerksync stack?", stack, name)
		}
	}
	return s, nil
}
