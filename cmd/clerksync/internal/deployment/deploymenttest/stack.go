// Package deploymenttest is a whole deployment for the tests of what looks at
// one: a running pipeline, an AWS account around it (account.go), and a webhook
// in front of it that can be made to fail.
package deploymenttest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// Names of the stack and its functions.
const (
	StackName      = "mirror"
	IngestFunction = "mirror-ingest"
	SyncFunction   = "mirror-sync"
	ProbeFunction  = "mirror-probe"
)

// Stack is a deployment in which all is well until a test changes it. Its
// signing secret is svixtest.Secret.
type Stack struct {
	Pipeline   *pipeline.Pipeline
	Account    *Account
	WebhookURL string           // passes requests to Webhook
	Webhook    http.HandlerFunc // the pipeline's, until a test sets another
	t          *testing.T
}

// New runs a stack until the test ends. Its endpoint keeps the events of the
// instances, of all where there are none.
func New(t *testing.T, instances ...string) *Stack {
	t.Helper()
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.Start(t.Context(), pipeline.Options{
		Addr: "127.0.0.1:0", AWSAddr: "127.0.0.1:0", Secrets: secrets, KeptSecret: svixtest.Secret,
		Instances: instances,
		Storage:   settings.Storage{DeletionPolicy: "soft", ObjectStorage: "full", Retention: time.Hour},
		Warn:      func(context.Context, string, error) {},
		OnRequest: func(context.Context, ingest.Report) {},
		OnMessage: func(context.Context, consumer.Report) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(context.WithoutCancel(t.Context())) })
	s := &Stack{t: t, Pipeline: p}
	s.Webhook = s.Proxy(p.WebhookURL).ServeHTTP
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Webhook(w, r) }))
	t.Cleanup(front.Close)
	s.WebhookURL = front.URL + ingest.Path
	s.Account = &Account{
		Now:  time.Now,
		Rest: s.Proxy(p.Endpoint), StackStatus: "UPDATE_COMPLETE", Reserved: aws.Int(20), Executions: 1000,
		Parameters: map[string]string{
			"SecretParameterName": pipeline.SecretParameter, "TablePointInTimeRecovery": "true",
		},
		Outputs: map[string]string{
			"DirectoryTableName": p.DirectoryTable, "DeliveriesTableName": p.DeliveriesTable,
			"QueueUrl": p.QueueURL, "DeadLetterQueueUrl": p.DeadLetterQueueURL,
			"WebhookUrl": s.WebhookURL, "RedriveRoleArn": "arn:aws:iam::000000000000:role/redrive",
		},
		Mappings: []map[string]any{{
			"UUID": "00000000-0000-4000-8000-000000000001", "State": "Enabled", "LastProcessingResult": "OK",
			"FunctionArn":           "arn:aws:lambda:us-east-1:000000000000:function:" + SyncFunction,
			"FunctionResponseTypes": []string{"ReportBatchItemFailures"},
		}},
		Denied: map[string]bool{},
	}
	s.SetRecovery(true)
	return s
}

// Names are what the flag --stack says.
func (s *Stack) Names() deployment.Names { return deployment.Names{Stack: StackName} }

// UseAsAWS makes the SDK take the account for AWS, whatever the machine's own
// configuration is.
func (s *Stack) UseAsAWS() {
	s.t.Helper()
	account := httptest.NewServer(s.Account)
	s.t.Cleanup(account.Close)
	IsolateAWS(s.t)
	s.t.Setenv("AWS_REGION", "us-east-1")
	s.t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
	s.t.Setenv("AWS_SECRET_ACCESS_KEY", "example")
	// AWS_ENDPOINT_URL would make it an emulator, which may lack services.
	for service := range strings.FieldsSeq("CLOUDFORMATION CLOUDWATCH CLOUDWATCH_LOGS DYNAMODB LAMBDA SQS SSM STS") {
		s.t.Setenv("AWS_ENDPOINT_URL_"+service, account.URL)
	}
}

// IsolateAWS hides the machine's own AWS configuration and kept secret.
func IsolateAWS(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{ //nolint:gosec // names of variables and of no file
		"AWS_ENDPOINT_URL": "", "AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_PROFILE": "", "AWS_MAX_ATTEMPTS": "1",
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "XDG_CACHE_HOME": t.TempDir(),
	} {
		t.Setenv(name, value)
	}
}

// Proxy passes requests on to the host of a URL.
func (s *Stack) Proxy(to string) *httputil.ReverseProxy {
	s.t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		s.t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = u.Scheme, u.Host },
	}
}

// SetBusy makes an event come through some time ago.
func (s *Stack) SetBusy(ago time.Duration) {
	s.Account.Count("Verified", IngestFunction, ago, 1)
	s.Account.Count("Applied", SyncFunction, ago, 1)
}

// PutRow puts a row of texts into a table.
func (s *Stack) PutRow(table string, attributes map[string]string) {
	s.t.Helper()
	item := map[string]types.AttributeValue{}
	for name, text := range attributes {
		item[name] = &types.AttributeValueMemberS{Value: text}
	}
	_, err := s.Pipeline.DynamoDB.PutItem(s.t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item})
	s.check(err)
}

// PutUser puts a user of a Clerk instance into the Directory table.
func (s *Stack) PutUser(id, instance string) {
	s.t.Helper()
	s.PutRow(s.Pipeline.DirectoryTable, map[string]string{
		"pk": "USER#" + id, "sk": "USER", "kind": "user", "instance_id": instance,
	})
}

// Rows are all rows of both tables.
func (s *Stack) Rows() (rows []deployment.Record) {
	s.t.Helper()
	p := s.Pipeline
	for _, table := range []string{p.DirectoryTable, p.DeliveriesTable} {
		_, err := deployment.NewRows(p.DynamoDB, p.DirectoryTable, p.DeliveriesTable).
			Walk(s.t.Context(), table, 0, func(r deployment.Record) { rows = append(rows, r) })
		s.check(err)
	}
	return rows
}

// PutDeadLetter puts a message into the dead-letter queue.
func (s *Stack) PutDeadLetter() {
	s.t.Helper()
	_, err := s.Pipeline.SQS.SendMessage(s.t.Context(),
		&sqs.SendMessageInput{QueueUrl: &s.Pipeline.DeadLetterQueueURL, MessageBody: aws.String("{}")})
	s.check(err)
}

// SetSecret replaces the parameter with the signing secret, or deletes it where
// the secret is "".
func (s *Stack) SetSecret(secret string, kind ssmtypes.ParameterType) {
	s.t.Helper()
	client, name := ssm.NewFromConfig(emulator.Config(s.Pipeline.Endpoint)), pipeline.SecretParameter
	_, err := client.DeleteParameter(s.t.Context(), &ssm.DeleteParameterInput{Name: &name})
	s.check(err)
	if secret != "" {
		_, err = client.PutParameter(s.t.Context(), &ssm.PutParameterInput{Name: &name, Value: &secret, Type: kind})
		s.check(err)
	}
}

// ClerkKeyParameter is the name of the parameter that SetProbe makes.
const ClerkKeyParameter = "/clerksync/clerk-key"

// SetProbe makes the stack one with a probe, which counted this a minute ago; none
// of it where checked is negative.
func (s *Stack) SetProbe(kind ssmtypes.ParameterType, checked, missing, failed float64) {
	s.t.Helper()
	s.Account.Parameters["ClerkSecretKeyParameter"] = ClerkKeyParameter
	client := ssm.NewFromConfig(emulator.Config(s.Pipeline.Endpoint))
	_, err := client.PutParameter(s.t.Context(), &ssm.PutParameterInput{
		Name: aws.String(ClerkKeyParameter), Value: aws.String("sk_test_canary"), Type: kind,
	})
	s.check(err)
	if checked < 0 {
		return
	}
	s.Account.Count("ProbeChecked", ProbeFunction, time.Minute, checked)
	s.Account.Count("ProbeMissing", ProbeFunction, time.Minute, missing)
	s.Account.Count("ProbeFailed", ProbeFunction, time.Minute, failed)
}

// SetSecretKey encrypts the signing secret with another key.
func (s *Stack) SetSecretKey(key string) {
	s.t.Helper()
	client := ssm.NewFromConfig(emulator.Config(s.Pipeline.Endpoint))
	_, err := client.PutParameter(s.t.Context(), &ssm.PutParameterInput{
		Name: aws.String(pipeline.SecretParameter), Value: aws.String(svixtest.Secret), KeyId: &key,
		Type: ssmtypes.ParameterTypeSecureString, Overwrite: aws.Bool(true),
	})
	s.check(err)
}

// SetQueueAttribute changes an attribute of the queue.
func (s *Stack) SetQueueAttribute(name, value string) {
	s.t.Helper()
	_, err := s.Pipeline.SQS.SetQueueAttributes(s.t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: &s.Pipeline.QueueURL, Attributes: map[string]string{name: value},
	})
	s.check(err)
}

// SetRecovery switches point-in-time recovery of both tables.
func (s *Stack) SetRecovery(on bool) {
	s.t.Helper()
	for _, name := range []string{s.Pipeline.DirectoryTable, s.Pipeline.DeliveriesTable} {
		_, err := s.Pipeline.DynamoDB.UpdateContinuousBackups(s.t.Context(), &dynamodb.UpdateContinuousBackupsInput{
			TableName:                        &name,
			PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: &on},
		})
		s.check(err)
	}
}

func (s *Stack) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
