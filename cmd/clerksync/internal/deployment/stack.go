package deployment

import (
	"cmp"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
)

// Stack is what CloudFormation says of a stack.
type Stack struct {
	Name       string
	Status     string            // such as UPDATE_COMPLETE
	Parameters map[string]string // values by key
	Outputs    map[string]string
}

// ReadStack describes a stack.
func ReadStack(ctx context.Context, cfg aws.Config, name string) (*Stack, error) {
	out, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return nil, fmt.Errorf("read stack %s: %w", name, err)
	}
	if len(out.Stacks) == 0 {
		return nil, fmt.Errorf("read stack %s: CloudFormation answered without it", name)
	}
	s := &Stack{
		Name: name, Status: string(out.Stacks[0].StackStatus),
		Parameters: map[string]string{}, Outputs: map[string]string{},
	}
	for _, p := range out.Stacks[0].Parameters {
		s.Parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	for _, o := range out.Stacks[0].Outputs {
		s.Outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return s, nil
}

// SecretParameter is the name of the SSM parameter with the signing secret.
func (s *Stack) SecretParameter() string {
	return cmp.Or(s.Parameters["SecretParameterName"], pipeline.SecretParameter)
}

// outputRedriveRole is the ARN of the role that may put messages on the queue.
const outputRedriveRole = "RedriveRoleArn"

// takeOutputs takes the names of tables and queues from the stack.
func (d *Deployment) takeOutputs() error {
	for _, name := range []string{
		"DirectoryTableName", "DeliveriesTableName", "QueueUrl", "DeadLetterQueueUrl", outputRedriveRole,
	} {
		if d.Stack.Outputs[name] == "" {
			return fmt.Errorf("stack %s has no output %s: is it a clerksync stack?", d.Stack.Name, name)
		}
	}
	d.DirectoryTable, d.DeliveriesTable = d.Stack.Outputs["DirectoryTableName"], d.Stack.Outputs["DeliveriesTableName"]
	d.QueueURL, d.DeadLetterQueueURL = d.Stack.Outputs["QueueUrl"], d.Stack.Outputs["DeadLetterQueueUrl"]
	d.WebhookURL = d.Stack.Outputs["WebhookUrl"]
	return nil
}

// FindFunctions asks for the names of the stack's functions. Without a stack it
// does nothing.
func (d *Deployment) FindFunctions(ctx context.Context) (err error) {
	if d.Stack == nil {
		return nil
	}
	if d.IngestFunction, err = d.physicalID(ctx, "IngestFunction"); err != nil {
		return err
	}
	d.SyncFunction, err = d.physicalID(ctx, "SyncFunction")
	return err
}

func (d *Deployment) physicalID(ctx context.Context, logicalID string) (string, error) {
	out, err := cloudformation.NewFromConfig(d.AWS).DescribeStackResource(ctx,
		&cloudformation.DescribeStackResourceInput{StackName: &d.Stack.Name, LogicalResourceId: &logicalID})
	if err != nil {
		return "", fmt.Errorf("find %s of stack %s: %w", logicalID, d.Stack.Name, err)
	}
	if out.StackResourceDetail == nil || aws.ToString(out.StackResourceDetail.PhysicalResourceId) == "" {
		return "", fmt.Errorf("find %s of stack %s: CloudFormation answered without its name", logicalID, d.Stack.Name)
	}
	return *out.StackResourceDetail.PhysicalResourceId, nil
}
