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
)

const stackName = "clerksync-local"

// stack is the deployed template.
type stack struct {
	*emulator
	sam, clerksync string
	built          string // folder of what sam built

	api, ingest, sync     string // id; names
	queue, deadLetters    string // URLs
	directory, deliveries string
	tables                *dynamodb.Client
	queues                *sqs.Client
	stacks                *cloudformation.Client
}

func newStack(t *testing.T, e *emulator, sam string) *stack {
	t.Helper()
	return &stack{
		emulator: e, sam: sam, clerksync: clerksync(t), built: filepath.Join(t.TempDir(), "sam", "build"),
		tables: dynamodb.NewFromConfig(e.config), queues: sqs.NewFromConfig(e.config), stacks: cloudformation.NewFromConfig(e.config),
	}
}

// architecture is this machine's, as the template's parameter names it.
func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// build makes the functions, with these variables beside the usual ones.
func (s *stack) build(t *testing.T, env ...string) {
	t.Helper()
	command{env: append(fakeAWS(s.url), env...), args: []string{
		s.sam, "build", "--config-env", "local", "--build-dir", s.built, "--parameter-overrides", "Architecture=" + architecture(),
	}}.run(t)
}

// deploy deploys the template with these parameters beside the architecture
// and the endpoint, fills the emulator's gaps and reads the outputs.
func (s *stack) deploy(t *testing.T, parameters ...string) {
	t.Helper()
	args := []string{
		s.sam, "deploy", "--config-file", filepath.Join(repository(t), "samconfig.toml"), "--config-env", "local",
		"--template-file", filepath.Join(s.built, "template.yaml"), "--stack-name", stackName,
		"--parameter-overrides", "Architecture=" + architecture(), "AwsEndpointUrl=" + s.url,
	}
	command{env: fakeAWS(s.url), args: append(args, parameters...)}.run(t)
	out, err := s.stacks.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String(stackName)})
	if err != nil {
		t.Fatal(err)
	}
	outputs := map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	s.api, s.queue, s.deadLetters = outputs["ApiId"], outputs["QueueUrl"], outputs["DeadLetterQueueUrl"]
	s.directory, s.deliveries = outputs["DirectoryTableName"], outputs["DeliveriesTableName"]
	s.ingest, s.sync = s.physical(t, "IngestFunction"), s.physical(t, "SyncFunction")
	s.addRoute(t)
	s.limitSync(t)
	s.allowBatches(t)
}

func (s *stack) physical(t *testing.T, logical string) string {
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
	command{env: fakeAWS(s.url), stdin: secrets + "\n", args: []string{s.clerksync, "secret", "set", "--endpoint-url", s.url}}.run(t)
}

// logs is what `sam logs` shows of a function, without white space: it indents
// JSON.
func (s *stack) logs(t *testing.T, function, filter string) string {
	t.Helper()
	out := command{env: fakeAWS(s.url), args: []string{
		s.sam, "logs", "--config-file", filepath.Join(repository(t), "samconfig.toml"), "--config-env", "local",
		"--stack-name", stackName, "--name", function, "--filter", filter,
	}}.run(t)
	return strings.Join(strings.Fields(out), "")
}

// delete deletes the stack.
func (s *stack) delete(t *testing.T) {
	t.Helper()
	command{env: fakeAWS(s.url), args: []string{
		s.sam, "delete", "--config-file", filepath.Join(repository(t), "samconfig.toml"), "--config-env", "local",
		"--stack-name", stackName, "--region", "us-east-1", "--no-prompts",
	}}.run(t)
}

// remains says which of the stack's parts are still there.
func (s *stack) remains(t *testing.T) (parts []string) {
	t.Helper()
	there := func(part string, err error) {
		var answer smithy.APIError
		switch {
		case err == nil:
			parts = append(parts, part)
		case !errors.As(err, &answer):
			t.Fatalf("look for %s: %v", part, err)
		}
	}
	for part, table := range map[string]string{"DirectoryTable": s.directory, "DeliveriesTable": s.deliveries} {
		out, err := s.tables.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
		if err == nil && out.Table.TableStatus != types.TableStatusActive {
			t.Errorf("%s is %s", part, out.Table.TableStatus)
		}
		there(part, err)
	}
	for part, queue := range map[string]string{"Queue": s.queue, "DeadLetterQueue": s.deadLetters} {
		_, err := s.queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &queue})
		there(part, err)
	}
	var functions struct {
		Functions []struct{ FunctionName string }
	}
	s.call(t, "lambda", "GET", "/2015-03-31/functions/", nil, &functions)
	for _, f := range functions.Functions {
		parts = append(parts, f.FunctionName)
	}
	var apis struct{ Items []struct{ APIID string } }
	s.call(t, "apigateway", "GET", "/v2/apis", nil, &apis)
	for range apis.Items {
		parts = append(parts, "Api")
	}
	return parts
}
