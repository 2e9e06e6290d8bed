package bench_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/pkg/awsclient"
	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/pkg/settings"
	"github.com/clerksync/clerksync/pkg/sqsqueue"
	"github.com/clerksync/clerksync/pkg/svix"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// serveVariable makes this test binary a server of AWS's endpoints that takes
// as long for an answer as it says, so that CPU time is the client's alone.
const serveVariable = "CLERKSYNC_BENCH_SERVE"

func TestMain(m *testing.M) {
	delay, err := time.ParseDuration(os.Getenv(serveVariable))
	if err != nil {
		os.Exit(m.Run())
	}
	s := httptest.NewServer(stubAWS(delay))
	fmt.Println(s.URL)
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
}

// outside starts the server in a process of its own.
func outside(tb testing.TB, delay time.Duration) (url string) {
	tb.Helper()
	c := exec.CommandContext(context.WithoutCancel(tb.Context()), os.Args[0])
	c.Env = append(os.Environ(), serveVariable+"="+delay.String())
	in, err := c.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = in.Close()
		_ = c.Wait() // it ends with its input
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// sessionToken is as long as those that Lambda gives: headers with it fill half
// of what net/http sends at once by itself.
func sessionToken() string { return strings.Repeat("example/", 128) }

// lambdaConfig is the functions' own configuration of AWS, for an endpoint.
func lambdaConfig(tb testing.TB, url string) *awsclient.Config {
	tb.Helper()
	return awsclient.New(settings.AWS{
		Region: "us-east-1", AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example", SessionToken: sessionToken(),
		SQSEndpoint: url, DynamoDBEndpoint: url, SSMEndpoint: url, WarmUp: true,
	})
}

// BenchmarkIngest compares the CPU time of one invocation with that of its
// two parts that nobody can leave out: decoding the gateway's request and the
// SDK's call.
func BenchmarkIngest(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // the template's, for both sides
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, size := range []int{2 << 10, 20 << 10} {
		b.Run(fmt.Sprintf("%dKB", size>>10), func(b *testing.B) {
			client := sqs.NewFromConfig(lambdaConfig(b, outside(b, 0)).For(awsclient.SQS))
			event := sample(b, size)
			handler := ingestFunction(b, client)
			const target = 1 / 0.9 // a tenth of the whole
			versus(b, cpu(), target, func() { leastIngest(b, client, event) }, func() {
				out, err := handler.Invoke(b.Context(), event)
				if err != nil || !strings.Contains(string(out), "received") {
					b.Fatalf("Invoke() = %s, %v", out, err)
				}
			})
		})
	}
}

const queueURL = "https://sqs.us-east-1.amazonaws.com/000000000000/deliveries"

// ingestFunction is wired as functions/ingest, its log and metrics included.
func ingestFunction(tb testing.TB, client *sqs.Client) *lambdafn.Ingest {
	tb.Helper()
	secrets, err := svix.ParseSecrets(svixtest.Secret)
	if err != nil {
		tb.Fatal(err)
	}
	metrics := lambdafn.IngestMetrics(io.Discard, "bench", time.Now)
	observer := lambdafn.Observer{Log: lambdafn.NewLogger(io.Discard, slog.LevelInfo), Metrics: metrics}
	return &lambdafn.Ingest{Metrics: metrics, Handler: ingest.New(ingest.Config{
		Secrets: ingest.FixedSecrets(secrets), Queue: sqsqueue.NewSender(client, queueURL),
		KnowledgeOf: clerk.KnowledgeOf, Now: time.Now, Observe: observer.Request,
	})}
}

// leastIngest decodes the request and sends its body, unread.
func leastIngest(b *testing.B, client *sqs.Client, event []byte) {
	b.Helper()
	var in struct {
		RawPath         string            `json:"rawPath"`
		Headers         map[string]string `json:"headers"`
		Body            string            `json:"body"`
		IsBase64Encoded bool              `json:"isBase64Encoded"`
		HTTPMethod      string            `json:"httpMethod"`
		RequestContext  struct {
			HTTP struct {
				Method string `json:"method"`
			} `json:"http"`
		} `json:"requestContext"`
	}
	if err := json.Unmarshal(event, &in); err != nil {
		b.Fatal(err)
	}
	attributes := map[string]types.MessageAttributeValue{}
	for name, value := range map[string]string{
		delivery.AttrSvixID: in.Headers["svix-id"], delivery.AttrSvixTimestamp: in.Headers["svix-timestamp"],
		delivery.AttrEventType: "user.created", delivery.AttrReceivedAt: "2026-01-01T00:00:00.000Z", delivery.AttrVersion: "1",
	} {
		attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
	}
	if _, err := client.SendMessage(b.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(queueURL), MessageBody: &in.Body, MessageAttributes: attributes,
	}); err != nil {
		b.Fatal(err)
	}
}
