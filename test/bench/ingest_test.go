package bench_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/pkg/awsclient"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// BenchmarkIngest compares the CPU time of one invocation with that of its two parts that cannot be left out: decoding
// the gateway's request and the SDK's call.
func BenchmarkIngest(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // the template's, for both sides
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, size := range []int{2 << 10, 20 << 10} {
		b.Run(fmt.Sprintf("%dKB", size>>10), func(b *testing.B) {
			client := sqs.NewFromConfig(lambdaConfig(startStub(b, 0)).For(awsclient.SQS))
			event, handler := requestEvent(b, size), newIngest(b, client)
			const target = 1.2
			compare(b, cpuClock(), target, func() { leastIngest(b, client, event) }, func() {
				out, err := handler.Invoke(b.Context(), event)
				if err != nil || !strings.Contains(string(out), "received") {
					b.Fatalf("Invoke() = %s, %v", out, err)
				}
			})
		})
	}
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
		delivery.AttrSvixID:        in.Headers["svix-id"],
		delivery.AttrSvixTimestamp: in.Headers["svix-timestamp"],
		delivery.AttrEventType:     "user.created",
		delivery.AttrReceivedAt:    "2026-01-01T00:00:00.000Z",
		delivery.AttrVersion:       "1",
	} {
		attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
	}
	if _, err := client.SendMessage(b.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(queueURL), MessageBody: &in.Body, MessageAttributes: attributes,
	}); err != nil {
		b.Fatal(err)
	}
}

// TestIngestCost holds how many requests to SQS one request to ingest makes: one for what is kept, none for what is
// not. SQS bills one for each 64 KB.
func TestIngestCost(t *testing.T) {
	good := svixtest.Signed(time.Now(), eventBody(t, "user.updated", userSize, nil))
	for name, c := range map[string]struct {
		request svixtest.Request
		status  int
		want    int
	}{
		"kept": {request: good, status: 200, want: 1},
		"not kept": {
			request: svixtest.Signed(time.Now(), eventBody(t, "session.created", 0, nil)),
			status:  200,
		},
		"forged": {request: good.With("svix-signature", "v1,bm90IGEgc2lnbmF0dXJl"), status: 400},
		"signed with another secret": {
			request: svixtest.SignedBy(svixtest.OtherSecret, svixtest.ID, "1767225600", "{}"),
			status:  400,
		},
		"stale":           {request: svixtest.Signed(time.Now().Add(-time.Hour), "{}"), status: 400},
		"without headers": {request: good.With("svix-id", "-"), status: 400},
		"another path":    {request: good.To(http.MethodPost, "/"), status: 404},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMeter()
			out, err := newIngest(t, sqs.NewFromConfig(m.config())).Invoke(t.Context(), c.request.Lambda(false))
			if err != nil || !strings.Contains(string(out), fmt.Sprintf(`"statusCode":%d`, c.status)) {
				t.Fatalf("Invoke() = %s, %v, want %d", out, err, c.status)
			}
			if got := m.reset().Queue; got != c.want {
				t.Errorf("requests to SQS = %d, want %d", got, c.want)
			}
		})
	}
}
