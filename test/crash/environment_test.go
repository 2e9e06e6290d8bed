package crash_test

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/dynamo/dynamotest"
)

// The queue's visibility timeout, and how often it hands a message out before
// it moves it to the dead letters, as in the template.
const (
	visibilityTimeout = 6 * time.Minute
	maxReceiveCount   = 60
)

// environment is what the function runs in: emulators of DynamoDB and SQS,
// which the test reaches directly and the function through the proxy.
type environment struct {
	tables        *dynamodb.Client
	queues        *sqs.Client
	names         dynamotest.Names
	queueURL      string
	deadLetterURL string
	proxy         *proxy
	proxyURL      string
	skipped       atomic.Int64 // ns by which the emulators' clock is ahead of the machine's
}

func newEnvironment(t *testing.T) *environment {
	t.Helper()
	e := &environment{}
	emulators := emulator.New(emulator.Options{
		Now: func() time.Time { return time.Now().Add(time.Duration(e.skipped.Load())) },
	})
	e.proxy = newProxy(emulators)
	e.proxyURL = *emulatortest.Start(t, e.proxy).BaseEndpoint
	cfg := emulatortest.Start(t, emulators)
	e.tables, e.queues = dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	e.names = dynamotest.OpenAt(t, e.tables)
	e.deadLetterURL = emulatortest.CreateQueue(t, e.queues, "dead-letters", nil)
	e.queueURL = emulatortest.CreateQueue(t, e.queues, "queue", map[string]string{
		"VisibilityTimeout": strconv.Itoa(int(visibilityTimeout.Seconds())),
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead-letters",` +
			`"maxReceiveCount":` + strconv.Itoa(maxReceiveCount) + `}`,
	})
	return e
}

// skipVisibilityTimeout lets what was received and not deleted become visible.
func (e *environment) skipVisibilityTimeout() { e.skipped.Add(int64(visibilityTimeout + time.Second)) }

// variables are the function's environment variables.
func (e *environment) variables() []string {
	return []string{
		"AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=a",
		"AWS_SECRET_ACCESS_KEY=b",
		"AWS_ENDPOINT_URL=" + e.proxyURL,
		"DIRECTORY_TABLE=" + e.names.Directory,
		"DELIVERIES_TABLE=" + e.names.Deliveries,
		"QUEUE_URL=" + e.queueURL,
		"DEAD_LETTER_QUEUE_URL=" + e.deadLetterURL,
		"LOG_LEVEL=error",
	}
}
