// Sync is the Lambda function behind the queue: it applies the messages to the
// tables.
package main

import (
	"io"
	"math/rand/v2"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/pkg/awsclient"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/lambdafn/syncfn"
	"github.com/clerksync/clerksync/pkg/projector"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
)

func main() { lambda.Start(handler(os.Getenv, os.Stdout)) }

// handler fails every message where a variable is missing or bad, so that the
// queue keeps them until the deployment is corrected.
func handler(get func(name string) string, out io.Writer) lambda.Handler {
	s, err := settings.ReadSync(get)
	log := lambdafn.NewLogger(out, s.LogLevel)
	metrics := syncfn.NewMetrics(out, s.FunctionName, time.Now)
	if err != nil {
		lambdafn.LogNotConfigured(log, err)
		return &syncfn.Handler{Metrics: metrics}
	}
	aws := awsclient.New(s.AWS)
	aws.Preconnect(awsclient.DynamoDB)
	// The client is wrapped rather than the calls, so that each attempt of the SDK
	// is counted.
	tables := aws.For(awsclient.DynamoDB)
	tables.HTTPClient = syncfn.CountTableRequests(tables.HTTPClient, metrics)
	queue := sqs.NewFromConfig(aws.For(awsclient.SQS))
	return &syncfn.Handler{Metrics: metrics, Consumer: consumer.New(consumer.Config{
		Table:     dynamo.New(dynamodb.NewFromConfig(tables), s.DirectoryTable, s.DeliveriesTable),
		Queue:     sqsqueue.NewQueue(queue, s.QueueURL, s.DeadLetterQueueURL),
		Projector: projector.New(projector.ObjectStorage(s.Storage.ObjectStorage)),
		Policy:    consumer.DeletionPolicy(s.Storage.DeletionPolicy),
		Retention: s.Storage.Retention,
		Now:       time.Now,
		Random:    rand.Float64,
		Observe:   syncfn.Observer{Log: log, Metrics: metrics}.Message,
		Warn:      lambdafn.Warn(log),
	})}
}
