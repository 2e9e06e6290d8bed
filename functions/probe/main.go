// Probe is the Lambda function that looks every few minutes whether Clerk's
// newest objects are in the table. It writes nothing.
package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/pkg/awsclient"
	"github.com/clerksync/clerksync/pkg/clerkapi"
	"github.com/clerksync/clerksync/pkg/dynamo"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/lambdafn/probefn"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/ssmparam"
)

func main() { lambda.Start(handler(os.Getenv, os.Stdout)) }

// handler fails every probe where a variable is missing or bad, so that the
// alarm on failed probes goes off.
func handler(get func(name string) string, out io.Writer) lambda.Handler {
	s, err := settings.ReadProbe(get)
	h := &probefn.Handler{
		Log:     lambdafn.NewLogger(out, s.LogLevel),
		Metrics: probefn.NewMetrics(out, s.FunctionName, time.Now),
	}
	if err != nil {
		lambdafn.LogNotConfigured(h.Log, err)
		return h
	}
	// No connection is opened early: nobody waits for a probe.
	aws := awsclient.New(s.AWS)
	key := ssmparam.New(aws.For(awsclient.SSM), aws.Endpoint(awsclient.SSM), s.KeyParameter, time.Now)
	h.Config = &probefn.Config{
		Connect: func(ctx context.Context) (probefn.Clerk, error) {
			secret, err := key.Read(ctx)
			if err != nil {
				return nil, err
			}
			// One transport for all clients, so that they share its connections.
			return clerkapi.New(clerkapi.Options{URL: s.ClerkURL, Key: secret, Transport: http.DefaultTransport})
		},
		Table:      dynamo.New(dynamodb.NewFromConfig(aws.For(awsclient.DynamoDB)), s.DirectoryTable, ""),
		Instances:  s.Instances,
		Age:        s.Age,
		SecondLook: s.SecondLook,
		Now:        time.Now,
	}
	return h
}
