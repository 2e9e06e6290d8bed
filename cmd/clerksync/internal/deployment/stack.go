package deployment

import (
	"cmp"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/pkg/settings"
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
	in := &cloudformation.DescribeStacksInput{StackName: &name}
	out, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, in)
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

// Outputs that every clerksync stack has.
const (
	outputDirectoryTable  = "DirectoryTableName"
	outputDeliveriesTable = "DeliveriesTableName"
	outputQueue           = "QueueUrl"
	outputDeadLetterQueue = "DeadLetterQueueUrl"
	outputRedriveRole     = "RedriveRoleArn" // of the role that may put messages on the queue
)

// checkedOutputs returns the outputs where all of these are there.
func (s *Stack) checkedOutputs() (map[string]string, error) {
	for _, name := range []string{
		outputDirectoryTable, outputDeliveriesTable, outputQueue, outputDeadLetterQueue, outputRedriveRole,
	} {
		if s.Outputs[name] == "" {
			return nil, fmt.Errorf("stack %s has no output %s: is it a clerksync stack?", s.Name, name)
		}
	}
	return s.Outputs, nil
}

// FindAll finds what names, outputs and the ready line do not tell: the functions and
// the queues.
func (d *Deployment) FindAll(ctx context.Context) error {
	if err := d.FindFunctions(ctx); err != nil {
		return err
	}
	return d.findQueues(ctx)
}

// FindFunctions asks for the names of the stack's functions. Without a stack it
// does nothing.
func (d *Deployment) FindFunctions(ctx context.Context) (err error) {
	if d.Stack == nil {
		return nil
	}
	if d.IngestFunction, err = d.PhysicalID(ctx, "IngestFunction"); err != nil {
		return err
	}
	d.SyncFunction, err = d.PhysicalID(ctx, "SyncFunction")
	return err
}

// PhysicalID asks for the name that a resource of the stack's template got.
func (d *Deployment) PhysicalID(ctx context.Context, logicalID string) (string, error) {
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

// ReadStorage returns what the tables keep: as the stack's sync function is
// deployed, else as this environment says.
func (d *Deployment) ReadStorage(ctx context.Context, getenv func(string) string) (s settings.Storage, err error) {
	if getenv, err = d.environmentOf(ctx, &d.SyncFunction, getenv); err != nil {
		return s, err
	}
	if s, err = settings.ReadStorage(getenv); err != nil {
		return s, fmt.Errorf("read what the tables keep: %w", err)
	}
	return s, nil
}

// ReadInstances returns the Clerk instances whose events are kept, none for all:
// as the stack's ingest function is deployed, else as this environment says.
func (d *Deployment) ReadInstances(ctx context.Context, getenv func(string) string) (ids []string, err error) {
	if getenv, err = d.environmentOf(ctx, &d.IngestFunction, getenv); err != nil {
		return nil, err
	}
	if ids, err = settings.ReadInstances(getenv); err != nil {
		return nil, fmt.Errorf("read which Clerk instances are kept: %w", err)
	}
	return ids, nil
}

// environmentOf is the environment of one of the stack's functions, whose name is
// known after FindFunctions; without a stack it is this process's own.
func (d *Deployment) environmentOf(
	ctx context.Context, function *string, getenv func(string) string,
) (func(string) string, error) {
	if d.Stack == nil {
		return getenv, nil
	}
	if err := d.FindFunctions(ctx); err != nil {
		return nil, err
	}
	out, err := lambda.NewFromConfig(d.AWS).GetFunctionConfiguration(ctx,
		&lambda.GetFunctionConfigurationInput{FunctionName: function})
	if err != nil {
		return nil, fmt.Errorf("read the settings of function %s: %w", *function, err)
	}
	if out.Environment == nil || len(out.Environment.Variables) == 0 {
		return nil, fmt.Errorf("read the settings of function %s: Lambda answered without them", *function)
	}
	return func(name string) string { return out.Environment.Variables[name] }, nil
}
