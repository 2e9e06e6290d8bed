// Ingest is the Lambda function behind the webhook's URL: it verifies, puts on
// the queue, and answers.
package main

import (
	"context"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/pkg/awsclient"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
	"github.com/clerksync/clerksync/pkg/ssmparam"
)

func main() { lambda.Start(handler(os.Getenv)) }

// handler answers `not_configured` to everything where the environment is not
// as it should be.
func handler(get func(string) string) lambda.Handler {
	s, err := settings.ReadIngest(get)
	log := lambdafn.NewLogger(os.Stdout, s.LogLevel)
	metrics := lambdafn.IngestMetrics(os.Stdout, s.FunctionName, time.Now)
	observer := lambdafn.Observer{Log: log, Metrics: metrics}
	c := ingest.Config{
		Secrets: ingest.FixedSecrets(nil), Instances: s.Instances,
		KnowledgeOf: clerk.KnowledgeOf,
		Now:         time.Now, Observe: observer.Request,
	}
	if lambdafn.Configured(log, err) {
		aws := awsclient.New(s.AWS)
		c.Queue = sqsqueue.NewSender(sqs.NewFromConfig(aws.For(awsclient.SQS)), s.QueueURL)
		if s.Secrets != nil {
			c.Secrets = ingest.FixedSecrets(s.Secrets)
		} else {
			parameter := ssmparam.New(aws.For(awsclient.SSM), aws.Endpoint(awsclient.SSM), s.SecretParameter, time.Now)
			c.Secrets = ingest.ReadSecrets(parameter, time.Now, observer.SecretUnreadable)
		}
		aws.Preconnect(awsclient.SQS, func() { c.Secrets.Current(context.Background()) })
	}
	return &lambdafn.Ingest{Handler: ingest.New(c), Metrics: metrics, OldFormat: lambdafn.LogOldFormat(log)}
}
