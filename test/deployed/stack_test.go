package deployed_test

import (
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/clerksync/clerksync/test/program"
)

const stackName = "clerksync-local"

// stack is the deployed template.
type stack struct {
	aws            *ministack
	sam, clerksync string // the programs' paths
	built          string // the folder that sam built into

	api, ingest, sync     string // id; names
	queue, deadLetters    string // URLs
	directory, deliveries string // names
	tables                *dynamodb.Client
	queues                *sqs.Client
	stacks                *cloudformation.Client
}

func newStack(t *testing.T, m *ministack, sam string) *stack {
	t.Helper()
	return &stack{
		aws: m, sam: sam, clerksync: program.Build(t, "./cmd/clerksync"),
		built:  filepath.Join(t.TempDir(), "sam", "build"),
		tables: dynamodb.NewFromConfig(m.config),
		queues: sqs.NewFromConfig(m.config),
		stacks: cloudformation.NewFromConfig(m.config),
	}
}

// architecture is this machine's, as the template's parameter names it.
func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// run runs a program on the emulator and returns what it printed.
func (s *stack) run(t *testing.T, args ...string) string {
	t.Helper()
	return program.Command{Env: emulatorEnv(s.aws.url), Args: args}.Run(t)
}

// build makes the functions, with these variables in addition to the usual ones.
func (s *stack) build(t *testing.T, env ...string) {
	t.Helper()
	program.Command{Env: append(emulatorEnv(s.aws.url), env...), Args: []string{
		s.sam, "build", "--config-env", "local", "--build-dir", s.built,
		"--parameter-overrides", "Architecture=" + architecture(),
	}}.Run(t)
}

// deploy deploys the template with these parameters in addition to the architecture and the endpoint, fills the
// emulator's gaps and reads the outputs.
func (s *stack) deploy(t *testing.T, parameters ...string) {
	t.Helper()
	s.run(t, append([]string{
		s.sam, "deploy", "--config-file", samConfig(t), "--config-env", "local", "--stack-name", stackName,
		"--template-file", filepath.Join(s.built, "template.yaml"),
		"--parameter-overrides", "Architecture=" + architecture(), "AwsEndpointUrl=" + s.aws.url,
	}, parameters...)...)
	in := &cloudformation.DescribeStacksInput{StackName: aws.String(stackName)}
	out, err := s.stacks.DescribeStacks(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	outputs := map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	s.api, s.queue, s.deadLetters = outputs["ApiId"], outputs["QueueUrl"], outputs["DeadLetterQueueUrl"]
	s.directory, s.deliveries = outputs["DirectoryTableName"], outputs["DeliveriesTableName"]
	s.ingest, s.sync = s.physicalID(t, "IngestFunction"), s.physicalID(t, "SyncFunction")
	s.addRoute(t)
	s.setSyncConcurrency(t)
	s.allowBatchActions(t)
}

func samConfig(t *testing.T) string {
	t.Helper()
	return filepath.Join(program.Repository(t), "samconfig.toml")
}

// physicalID is the name that a resource of the template got.
func (s *stack) physicalID(t *testing.T, logical string) string {
	t.Helper()
	out, err := s.stacks.DescribeStackResource(t.Context(), &cloudformation.DescribeStackResourceInput{
		StackName: aws.String(stackName), LogicalResourceId: &logical,
	})
	if err != nil {
		t.Fatalf("find resource %s: %v", logical, err)
	}
	return aws.ToString(out.StackResourceDetail.PhysicalResourceId)
}

// setSecret stores one or several signing secrets, as an operator does.
func (s *stack) setSecret(t *testing.T, secrets string) {
	t.Helper()
	program.Command{Env: emulatorEnv(s.aws.url), Stdin: secrets + "\n", Args: []string{
		s.clerksync, "secret", "set", "--endpoint-url", s.aws.url,
	}}.Run(t)
}

// logs is what `sam logs` shows of a function, without white space: it indents JSON.
func (s *stack) logs(t *testing.T, function, filter string) string {
	t.Helper()
	out := s.run(t, s.sam, "logs", "--config-file", samConfig(t), "--config-env", "local", "--stack-name", stackName,
		"--name", function, "--filter", filter)
	return strings.Join(strings.Fields(out), "")
}

// delete deletes the stack as an operator does.
func (s *stack) delete(t *testing.T) {
	t.Helper()
	s.run(t, s.sam, "delete", "--config-file", samConfig(t), "--config-env", "local", "--stack-name", stackName,
		"--region", "us-east-1", "--no-prompts")
}

// remains names the stack's parts that are still there.
func (s *stack) remains(t *testing.T) (parts []string) {
	t.Helper()
	addUnlessGone := func(part string, err error) {
		var refused smithy.APIError
		switch {
		case err == nil:
			parts = append(parts, part)
		case !errors.As(err, &refused):
			t.Fatalf("look for %s: %v", part, err)
		}
	}
	for part, table := range map[string]string{"DirectoryTable": s.directory, "DeliveriesTable": s.deliveries} {
		out, err := s.tables.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
		if err == nil && out.Table.TableStatus != types.TableStatusActive {
			t.Errorf("%s is %s", part, out.Table.TableStatus)
		}
		addUnlessGone(part, err)
	}
	for part, queue := range map[string]string{"Queue": s.queue, "DeadLetterQueue": s.deadLetters} {
		_, err := s.queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &queue})
		addUnlessGone(part, err)
	}
	var functions struct {
		Functions []struct{ FunctionName string }
	}
	s.aws.callREST(t, "lambda", "GET", "/2015-03-31/functions/", nil, &functions)
	for _, f := range functions.Functions {
		parts = append(parts, f.FunctionName)
	}
	var apis struct{ Items []struct{ APIID string } }
	s.aws.callREST(t, "apigateway", "GET", "/v2/apis", nil, &apis)
	for range apis.Items {
		parts = append(parts, "Api")
	}
	return parts
}
