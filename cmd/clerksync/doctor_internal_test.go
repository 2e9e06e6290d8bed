package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// hospital is a whole stack that doctor may look at: the pipeline, an account
// around it and a door in front.
type hospital struct {
	t *testing.T
	*pipeline.Pipeline
	account *account
	door    http.HandlerFunc // before the webhook; nil lets all through
	answer  func(*http.Response) error
	aws     string // URL of the account
	webhook string // URL of the door
	ssm     *ssm.Client
	flags   []string
	vars    map[string]string
}

func newHospital(t *testing.T, instances ...string) *hospital {
	t.Helper()
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	h := &hospital{t: t, vars: map[string]string{}}
	h.Pipeline, err = pipeline.Start(t.Context(), pipeline.Options{
		Addr: "127.0.0.1:0", AWSAddr: "127.0.0.1:0", Secrets: secrets, Secret: svixtest.Secret, Instances: instances,
		Storage:   settings.Storage{DeletionPolicy: "soft", ObjectStorage: "full", Retention: time.Hour},
		Warn:      func(context.Context, string, error) {},
		OnRequest: func(context.Context, ingest.Report) {}, OnMessage: func(context.Context, consumer.Report) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Stop(context.WithoutCancel(t.Context())) })
	webhook := proxy(t, h.WebhookURL, func(r *http.Response) error {
		if h.answer == nil {
			return nil
		}
		return h.answer(r)
	})
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.door == nil {
			webhook.ServeHTTP(w, r)
			return
		}
		h.door(w, r)
	}))
	t.Cleanup(door.Close)
	h.webhook = door.URL + "/webhooks/clerk"
	twenty := 20
	h.account = &account{
		rest: proxy(t, h.Endpoint, nil), stackStatus: "UPDATE_COMPLETE", reserved: &twenty, executions: 1000,
		parameters: map[string]string{"SecretParameterName": pipeline.SecretParameter, "TablePointInTimeRecovery": "true"},
		outputs: map[string]string{
			"WebhookUrl": h.webhook, "DirectoryTableName": h.DirectoryTable, "DeliveriesTableName": h.DeliveriesTable,
			"QueueUrl": h.QueueURL, "DeadLetterQueueUrl": h.DeadLetterQueueURL, "RedriveRoleArn": "arn:aws:iam::000000000000:role/redrive",
		},
		mappings: []map[string]any{{
			"UUID": "00000000-0000-4000-8000-000000000001", "State": "Enabled", "FunctionResponseTypes": []string{"ReportBatchItemFailures"},
			"FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:mirror-sync", "LastProcessingResult": "OK",
		}},
		denied: map[string]bool{},
	}
	server := httptest.NewServer(h.account)
	t.Cleanup(server.Close)
	h.aws = server.URL
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"), config.WithBaseEndpoint(h.Endpoint),
		config.WithCredentialsProvider(aws.AnonymousCredentials{}))
	if err != nil {
		t.Fatal(err)
	}
	h.ssm = ssm.NewFromConfig(cfg)
	h.flags = []string{"--stack", "mirror"}
	h.recover(true)
	return h
}

func (h *hospital) recover(on bool) {
	h.t.Helper()
	for _, name := range []string{h.DirectoryTable, h.DeliveriesTable} {
		if _, err := h.DynamoDB.UpdateContinuousBackups(h.t.Context(), &dynamodb.UpdateContinuousBackupsInput{
			TableName: &name, PointInTimeRecoverySpecification: &ddb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: &on},
		}); err != nil {
			h.t.Fatal(err)
		}
	}
}

// busy is a stack that an event went through ten minutes ago.
func (h *hospital) busy(ago time.Duration) {
	h.account.counted("Verified", "mirror-ingest", ago, 1)
	h.account.counted("Applied", "mirror-sync", ago, 1)
}

func (h *hospital) row(table string, attributes map[string]string) {
	h.t.Helper()
	item := map[string]ddb.AttributeValue{}
	for k, v := range attributes {
		item[k] = stringValue(v)
	}
	if _, err := h.DynamoDB.PutItem(h.t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hospital) keep(secret string, kind ssmtypes.ParameterType) {
	h.t.Helper()
	name := pipeline.SecretParameter
	if _, err := h.ssm.DeleteParameter(h.t.Context(), &ssm.DeleteParameterInput{Name: &name}); err != nil {
		h.t.Fatal(err)
	}
	if secret == "" {
		return
	}
	if _, err := h.ssm.PutParameter(h.t.Context(), &ssm.PutParameterInput{Name: &name, Value: &secret, Type: kind}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hospital) attribute(url, name, value string) {
	h.t.Helper()
	if _, err := h.SQS.SetQueueAttributes(h.t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{name: value}}); err != nil {
		h.t.Fatal(err)
	}
}

// examine runs doctor, as in an account of AWS.
func (h *hospital) examine(more ...string) (map[string]verdict, string, int) {
	h.t.Helper()
	var out, words bytes.Buffer
	e := bare(&out, &words)
	e.getenv = func(name string) string { return h.vars[name] }
	status := e.exit(slices.Concat([]string{"clerksync", "doctor", "--json"}, h.flags, more))
	verdicts := map[string]verdict{}
	for _, v := range decodeLines[verdict](h.t, out.String()) {
		verdicts[v.Check] = v
	}
	if strings.Contains(out.String()+words.String(), strings.TrimPrefix(svixtest.Secret, "whsec_")) {
		h.t.Errorf("doctor prints a secret:\n%s%s", out.String(), words.String())
	}
	return verdicts, words.String(), status
}

// inAWS has the SDK take the account for AWS itself.
func (h *hospital) inAWS() {
	h.t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": h.aws, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example",
		"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_MAX_ATTEMPTS": "1", "XDG_CACHE_HOME": h.t.TempDir(),
	} {
		h.t.Setenv(name, value)
	}
}

func says(w http.ResponseWriter, status int, text string) {
	w.Header().Set("content-type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

func answers(status int, text string) func(*hospital) {
	return func(h *hospital) {
		h.door = func(w http.ResponseWriter, _ *http.Request) { says(w, status, text) }
	}
}

func skewed(by time.Duration) func(*hospital) {
	return func(h *hospital) {
		h.answer = func(r *http.Response) error {
			r.Header.Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat))
			return nil
		}
	}
}

func mapping(name string, value any) func(*hospital) {
	return func(h *hospital) { h.account.mappings[0][name] = value }
}

func silent(ago time.Duration) func(*hospital) {
	return func(h *hospital) { h.account.samples = nil; h.busy(ago) }
}

func denied(operation string) func(*hospital) {
	return func(h *hospital) { h.account.denied[operation] = true }
}
