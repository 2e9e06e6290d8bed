package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/urfave/cli/v3"
)

// place is a target and what status and doctor need to know beside it.
type place struct {
	target
	stack    string // "" where there is none
	local    bool   // a clerksync dev at its default address
	emulated bool   // an endpoint that is not AWS: it may lack services

	webhookURL       string            // "" where it is not known
	stackStatus      string            // CloudFormation's
	parameters       map[string]string // the stack's
	ingestFn, syncFn string            // names; "" without a stack
}

// placeFlags say where to look, and where the webhook is.
func placeFlags() []cli.Flag {
	return append(append(targetFlags(), queueURLFlags()...),
		&cli.StringFlag{Name: "url", Usage: "`URL` of the webhook (default: the stack's output, or clerksync dev's)"})
}

// unplaced is what the flags alone tell.
func (e program) unplaced(c *cli.Command) *place {
	named := slices.ContainsFunc([]string{"directory-table", "deliveries-table", "queue-url", "dead-letter-queue-url"},
		func(flag string) bool { return c.String(flag) != "" })
	p := &place{stack: c.String("stack"), webhookURL: c.String("url")}
	p.local = p.stack == "" && !named
	p.emulated = p.local || c.String("endpoint-url") != "" || e.getenv("AWS_ENDPOINT_URL") != ""
	if p.local && p.webhookURL == "" {
		p.webhookURL = defaultURL
	}
	return p
}

// locate finds the stores and what belongs to them.
func (e program) locate(ctx context.Context, c *cli.Command, p *place) (err error) {
	if p.target, err = e.target(ctx, c); err != nil {
		return err
	}
	if p.stack != "" {
		if err := p.describe(ctx); err != nil {
			return err
		}
	}
	return p.findQueues(ctx)
}

// describe reads the stack's parameters and the names of its functions.
func (p *place) describe(ctx context.Context) error {
	client := cloudformation.NewFromConfig(p.aws)
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &p.stack})
	if err != nil {
		return fmt.Errorf("read stack %s: %w", p.stack, err)
	}
	if len(out.Stacks) == 0 {
		return fmt.Errorf("read stack %s: not there", p.stack)
	}
	p.stackStatus, p.parameters = string(out.Stacks[0].StackStatus), map[string]string{}
	for _, v := range out.Stacks[0].Parameters {
		p.parameters[aws.ToString(v.ParameterKey)] = aws.ToString(v.ParameterValue)
	}
	for _, o := range out.Stacks[0].Outputs {
		if aws.ToString(o.OutputKey) == "WebhookUrl" && p.webhookURL == "" {
			p.webhookURL = aws.ToString(o.OutputValue)
		}
	}
	names := map[string]*string{"IngestFunction": &p.ingestFn, "SyncFunction": &p.syncFn}
	for _, id := range slices.Sorted(maps.Keys(names)) {
		r, err := client.DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{StackName: &p.stack, LogicalResourceId: &id})
		if err != nil {
			return fmt.Errorf("find %s of stack %s: %w", id, p.stack, err)
		}
		if r.StackResourceDetail == nil || aws.ToString(r.StackResourceDetail.PhysicalResourceId) == "" {
			return fmt.Errorf("find %s of stack %s: it has no name", id, p.stack)
		}
		*names[id] = *r.StackResourceDetail.PhysicalResourceId
	}
	return nil
}

// queueState is what SQS says of a queue; counts are approximate.
type queueState struct {
	Visible       int  `json:"visible"`
	InFlight      int  `json:"in_flight"`
	Delayed       int  `json:"delayed"`
	OldestSeconds *int `json:"oldest_seconds,omitempty"` // where CloudWatch tells

	attributes map[string]string
}

func (p *place) queue(ctx context.Context, url string) (q queueState, err error) {
	out, err := sqs.NewFromConfig(p.aws).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		return q, fmt.Errorf("read queue %s: %w", url, err)
	}
	q.attributes = out.Attributes
	for name, field := range map[types.QueueAttributeName]*int{
		types.QueueAttributeNameApproximateNumberOfMessages:           &q.Visible,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible: &q.InFlight,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed:    &q.Delayed,
	} {
		*field, _ = strconv.Atoi(out.Attributes[string(name)]) // absent is 0
	}
	return q, nil
}

// walk reads a table's rows with these attributes alone, at most limit of them
// (0 for no limit). Reads are eventually consistent, at half the price; a
// projection saves none of it.
func (p *place) walk(ctx context.Context, table string, limit int, attributes []string, see func(record)) (complete bool, err error) {
	in := &dynamodb.ScanInput{TableName: &table, ExpressionAttributeNames: map[string]string{}}
	names := make([]string, len(attributes)) // # escapes DynamoDB's reserved words
	for i, a := range attributes {
		names[i] = "#" + a
		in.ExpressionAttributeNames[names[i]] = a
	}
	in.ProjectionExpression = aws.String(strings.Join(names, ", "))
	pages, n := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(p.aws), in), 0
	for pages.HasMorePages() {
		if limit > 0 && n >= limit {
			return false, nil
		}
		out, err := pages.NextPage(ctx)
		if err != nil {
			return false, fmt.Errorf("read table %s: %w", table, err)
		}
		for _, item := range out.Items {
			see(toRecord(item))
		}
		n += int(out.ScannedCount)
	}
	return true, nil
}
