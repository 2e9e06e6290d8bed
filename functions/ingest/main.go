// Ingest is the Lambda function behind the webhook's URL: it verifies a request,
// puts the message on the queue, and answers.
package main

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/pkg/awsclient"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/lambdafn/ingestfn"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
	"github.com/clerksync/clerksync/pkg/ssmparam"
)

func main() { lambda.Start(handler(os.Getenv, os.Stdout)) }

// handler answers `not_configured` to every request where a variable is missing
// or bad, so that Svix keeps the messages until the deployment is corrected.
func handler(get func(name string) string, out io.Writer) lambda.Handler {
	s, err := settings.ReadIngest(get)
	log := lambdafn.NewLogger(out, s.LogLevel)
	metrics := ingestfn.NewMetrics(out, s.FunctionName, time.Now)
	observer := ingestfn.Observer{Log: log, Metrics: metrics}
	c := ingest.Config{
		Secrets:     ingest.FixedSecrets(nil),
		Instances:   s.Instances,
		KnowledgeOf: clerk.KnowledgeOf,
		Now:         time.Now,
		Observe:     observer.Request,
	}
	if err != nil {
		lambdafn.LogNotConfigured(log, err)
		return &ingestfn.Handler{Ingest: ingest.New(c), Log: log, Metrics: metrics}
	}
	aws := awsclient.New(s.AWS)
	c.Queue = sqsqueue.NewSender(sqs.NewFromConfig(aws.For(awsclient.SQS)), s.QueueURL)
	c.Secrets = ingest.FixedSecrets(s.Secrets)
	if s.SecretParameter != "" {
		parameter := ssmparam.New(aws.For(awsclient.SSM), aws.Endpoint(awsclient.SSM), s.SecretParameter, time.Now)
		c.Secrets = ingest.ReadSecrets(parameter, time.Now, observer.SecretUnreadable)
	}
	// The connection to SQS and the secret are needed by the first request:
	// both are ready before it, while Lambda still gives a whole CPU.
	aws.Preconnect(awsclient.SQS, func() { c.Secrets.Current(context.Background()) })
	return &ingestfn.Handler{Ingest: ingest.New(c), Log: log, Metrics: metrics}
}
