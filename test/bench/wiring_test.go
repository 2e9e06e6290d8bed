package bench_test

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/pkg/awsclient"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/lambdafn/ingestfn"
	"github.com/clerksync/clerksync/pkg/lambdafn/syncfn"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

const queueURL = "https://sqs.us-east-1.amazonaws.com/000000000000/deliveries"

// sessionToken is as long as those that Lambda gives: headers with it fill half of what net/http sends at once.
func sessionToken() string { return strings.Repeat("example/", 128) }

// lambdaConfig is the functions' own configuration of AWS, for an endpoint.
func lambdaConfig(url string) *awsclient.Config {
	return awsclient.New(settings.AWS{
		Region: "us-east-1", AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example", SessionToken: sessionToken(),
		SQSEndpoint: url, DynamoDBEndpoint: url, SSMEndpoint: url, Preconnect: true,
	})
}

// newIngest is wired as functions/ingest, its log and metrics included.
func newIngest(tb testing.TB, client *sqs.Client) *ingestfn.Handler {
	tb.Helper()
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		tb.Fatal(err)
	}
	metrics := ingestfn.NewMetrics(io.Discard, "bench", time.Now)
	log := lambdafn.NewLogger(io.Discard, slog.LevelInfo)
	observer := ingestfn.Observer{Log: log, Metrics: metrics}
	return &ingestfn.Handler{Log: log, Metrics: metrics, Ingest: ingest.New(ingest.Config{
		Secrets: ingest.FixedSecrets(secrets), Queue: sqsqueue.NewSender(client, queueURL),
		KnowledgeOf: clerk.KnowledgeOf, Now: time.Now, Observe: observer.Request,
	})}
}

// newSync is wired as functions/sync, its log and metrics included.
func newSync(table directory.Table, queue consumer.Queue, policy consumer.DeletionPolicy) *syncfn.Handler {
	metrics := syncfn.NewMetrics(io.Discard, "bench", time.Now)
	log := lambdafn.NewLogger(io.Discard, slog.LevelInfo)
	return &syncfn.Handler{Metrics: metrics, Consumer: consumer.New(consumer.Config{
		Table: table, Queue: queue, Projector: projector.New(projector.StoreFull), Policy: policy,
		Retention: 90 * 24 * time.Hour, Now: svixtest.Epoch, Random: func() float64 { return 0.5 },
		Observe: syncfn.Observer{Log: log, Metrics: metrics}.Message, Warn: lambdafn.Warn(log),
	})}
}

// meteredSync is newSync over a meter with empty tables.
func meteredSync(t *testing.T, m *meter, policy consumer.DeletionPolicy) *syncfn.Handler {
	t.Helper()
	tables, queue := dynamodb.NewFromConfig(m.config()), sqs.NewFromConfig(m.config())
	dynamotest.Create(t, tables, dynamotest.Names{Directory: "directory", Deliveries: "deliveries"})
	return newSync(dynamo.New(tables, "directory", "deliveries"), sqsqueue.NewQueue(queue, queueURL, queueURL), policy)
}

// wantProcessed hands a batch to sync and wants every message of it to be done with.
func wantProcessed(tb testing.TB, f *syncfn.Handler, batch []byte) {
	tb.Helper()
	if out, err := f.Invoke(tb.Context(), batch); err != nil || string(out) != `{"batchItemFailures":[]}` {
		tb.Fatalf("Invoke() = %s, %v, want no failures", out, err)
	}
}
