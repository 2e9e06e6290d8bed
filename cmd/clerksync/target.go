package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/pkg/awsclient"
)

// target is where a command looks: a deployed stack, named tables, or a
// `clerksync dev`.
type target struct {
	aws aws.Config

	DirectoryTable, DeliveriesTable string // names
	QueueURL, DeadLetterQueueURL    string

	redriveRole string // ARN; "" where none is needed
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

// queueFlags say where the queues are.
func queueFlags() []cli.Flag {
	return append(queueURLFlags(),
		&cli.StringFlag{Name: "stack", Usage: "read the URLs from the outputs of stack `NAME`"},
		endpointFlag())
}

func queueURLFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "queue-url", Usage: "`URL` of the queue", Sources: cli.EnvVars("QUEUE_URL")},
		&cli.StringFlag{Name: "dead-letter-queue-url", Usage: "`URL` of the dead-letter queue", Sources: cli.EnvVars("DEAD_LETTER_QUEUE_URL")},
	}
}

func endpointFlag() cli.Flag {
	return &cli.StringFlag{Name: "endpoint-url", Usage: "talk to the AWS endpoint at `URL` instead of AWS"}
}

// target finds out where to look. With no flag and no variable it is a
// `clerksync dev` at its default address.
func (e program) target(ctx context.Context, c *cli.Command) (t target, err error) {
	stack := c.String("stack")
	named := slices.ContainsFunc([]string{"directory-table", "deliveries-table", "queue-url", "dead-letter-queue-url"},
		func(flag string) bool { return c.String(flag) != "" })
	t.aws, err = e.awsConfig(ctx, c.String("endpoint-url"), stack == "" && !named)
	if err != nil {
		return t, err
	}
	t.DirectoryTable, t.DeliveriesTable = pipeline.DirectoryTable, pipeline.DeliveriesTable
	if stack != "" {
		if err := t.readOutputs(ctx, stack); err != nil {
			return t, err
		}
	}
	for flag, field := range map[string]*string{
		"directory-table": &t.DirectoryTable, "deliveries-table": &t.DeliveriesTable,
		"queue-url": &t.QueueURL, "dead-letter-queue-url": &t.DeadLetterQueueURL,
	} {
		if v := c.String(flag); v != "" {
			*field = v
		}
	}
	return t, nil
}

// place says to people where the tables are.
func (t *target) place() string {
	where := "region " + t.aws.Region
	if t.aws.BaseEndpoint != nil {
		where = *t.aws.BaseEndpoint
	}
	return fmt.Sprintf("tables %s and %s, %s", t.DirectoryTable, t.DeliveriesTable, where)
}

// findQueues asks for the URLs of the queues that a `clerksync dev` makes,
// where no others are named.
func (t *target) findQueues(ctx context.Context) error {
	client := sqs.NewFromConfig(t.aws)
	for name, field := range map[string]*string{pipeline.QueueName: &t.QueueURL, pipeline.DeadLetterQueueName: &t.DeadLetterQueueURL} {
		if *field != "" {
			continue
		}
		out, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		if err != nil {
			return fmt.Errorf("find queue %s: %w\nIs `clerksync dev` running? --stack names a deployed stack", name, err)
		}
		*field = aws.ToString(out.QueueUrl)
	}
	return nil
}

// awsConfig is for an endpoint that is named, for a `clerksync dev` where
// nothing is, or for AWS.
func (e program) awsConfig(ctx context.Context, endpoint string, dev bool) (aws.Config, error) {
	if endpoint == "" {
		endpoint = e.getenv("AWS_ENDPOINT_URL")
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
	cfg.HTTPClient = awsclient.NewHTTPClient(cfg.HTTPClient)
	return cfg, nil
}

// readOutputs reads a stack's outputs.
func (t *target) readOutputs(ctx context.Context, stack string) error {
	out, err := cloudformation.NewFromConfig(t.aws).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		return fmt.Errorf("read stack %s: %w", stack, err)
	}
	if len(out.Stacks) == 0 {
		return fmt.Errorf("read stack %s: there is none", stack)
	}
	fields := map[string]*string{
		"DirectoryTableName": &t.DirectoryTable, "DeliveriesTableName": &t.DeliveriesTable,
		"QueueUrl": &t.QueueURL, "DeadLetterQueueUrl": &t.DeadLetterQueueURL, "RedriveRoleArn": &t.redriveRole,
	}
	for _, f := range fields {
		*f = ""
	}
	for _, o := range out.Stacks[0].Outputs {
		if f := fields[aws.ToString(o.OutputKey)]; f != nil {
			*f = aws.ToString(o.OutputValue)
		}
	}
	for name, f := range fields {
		if *f == "" {
			return fmt.Errorf("stack %s has no output %s: is it a clerksync stack?", stack, name)
		}
	}
	return nil
}
