package bench_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// TestIngestCost holds how many requests to SQS one request to ingest makes:
// one for what is kept, none for what is not. SQS bills one for each 64 KB.
func TestIngestCost(t *testing.T) {
	good := svixtest.Signed(time.Now(), payload(t, "user.updated", userSize, nil))
	for _, c := range []struct {
		name    string
		request svixtest.Request
		status  string // in the answer
		want    int
	}{
		{"kept", good, `"statusCode":200`, 1},
		{"not kept", svixtest.Signed(time.Now(), payload(t, "session.created", 0, nil)), `"statusCode":200`, 0},
		{"forged", good.With("svix-signature", "v1,bm90IGEgc2lnbmF0dXJl"), `"statusCode":400`, 0},
		{"signed by somebody else", svixtest.SignedBy(svixtest.OtherSecret, svixtest.ID, "1767225600", "{}"), `"statusCode":400`, 0},
		{"stale", svixtest.Signed(time.Now().Add(-time.Hour), "{}"), `"statusCode":400`, 0},
		{"without headers", good.With("svix-id", "-"), `"statusCode":400`, 0},
		{"another path", good.To(http.MethodPost, "/"), `"statusCode":404`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMeter()
			client := sqs.New(sqs.Options{
				Region: "us-east-1", HTTPClient: m, BaseEndpoint: aws.String("http://127.0.0.1:1"),
				Credentials: lambdaConfig(t, "http://127.0.0.1:1").For("SQS").Credentials,
			})
			out, err := ingestFunction(t, client).Invoke(t.Context(), c.request.Lambda(false))
			if err != nil || !strings.Contains(string(out), c.status) {
				t.Fatalf("Invoke() = %s, %v, want %s", out, err, c.status)
			}
			if got := m.take().Queue; got != c.want {
				t.Errorf("requests to SQS = %d, want %d", got, c.want)
			}
		})
	}
}
