package functions_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
	"github.com/clerksync/clerksync/test/program"
)

const (
	ofOurs   = `{"type":"user.updated","instance_id":"ins_ours","data":{"id":"user_a1"}}`
	ofOthers = `{"type":"user.updated","instance_id":"ins_others","data":{"id":"user_b2"}}`
)

// post sends a request that is signed now and returns the answer's status.
func post(t *testing.T, f *program.Function, secret, body string) (status int) {
	t.Helper()
	timestamp := svixtest.Signed(time.Now(), body).Header["svix-timestamp"]
	answer := f.Invoke(t, svixtest.SignedBy(secret, svixtest.ID, timestamp, body).Lambda(true))
	var reply struct{ StatusCode int }
	if err := json.Unmarshal(answer, &reply); err != nil {
		t.Fatalf("answer %s: %v", answer, err)
	}
	return reply.StatusCode
}

func TestIngestObeysEverySetting(t *testing.T) { //nolint:tparallel // its parts look at one function
	t.Parallel()
	emulators := emulator.New(emulator.Options{SecureStrings: map[string]string{"/another/name": svixtest.Secret}})
	client := sqs.NewFromConfig(emulatortest.Start(t, emulators))
	queue := emulatortest.CreateQueue(t, client, "another-queue", nil)
	messages, parameters := newEndpoint(t, emulators), newEndpoint(t, emulators)
	bootstrap := program.Build(t, "./functions/ingest")
	env := append(account("another-ingest", messages.certFile),
		"QUEUE_URL="+queue, "CLERK_WEBHOOK_SECRET_PARAMETER=/another/name", "CLERK_INSTANCE_ID=ins_ours",
		"AWS_ENDPOINT_URL_SQS="+messages.url, "AWS_ENDPOINT_URL_SSM="+parameters.url,
		"LOG_LEVEL=debug", "WARM_UP=off",
	)
	f := program.StartFunction(t, bootstrap, env...)
	sqsAtStart, _ := messages.seen()
	ssmAtStart, _ := parameters.seen()
	statuses := []int{
		post(t, f, svixtest.Secret, ofOurs),
		post(t, f, svixtest.Secret, ofOthers),
		post(t, f, svixtest.ThirdSecret, ofOurs),
	}
	out := f.Output(t)

	t.Run("CLERK_WEBHOOK_SECRET_PARAMETER", func(t *testing.T) {
		if diff := cmp.Diff([]int{200, 200, 400}, statuses); diff != "" {
			t.Errorf("statuses (-want +got):\n%s", diff)
		}
	})
	t.Run("CLERK_INSTANCE_ID", func(t *testing.T) {
		checkLine(t, out, `"stage":"ignored"`, `"reason":"instance"`)
	})
	t.Run("QUEUE_URL", func(t *testing.T) {
		if got := emulatortest.Receive(t, client, queue); len(got) != 1 || *got[0].Body != ofOurs {
			t.Errorf("queue holds %v, want the message of our instance", got)
		}
	})
	t.Run("LOG_LEVEL", func(t *testing.T) { checkLine(t, out, `"level":"DEBUG"`, `"stage":"rejected"`) })
	t.Run("AWS_LAMBDA_FUNCTION_NAME and the metrics", func(t *testing.T) {
		checkLine(t, out, `"FunctionName":"another-ingest"`, `"Queued":1`, `"ColdStart":1`)
		checkLine(t, out, `"FunctionName":"another-ingest"`, `"Rejected":1`, `"ColdStart":0`)
	})
	t.Run("region, credentials and endpoints", func(t *testing.T) {
		messages.checkSigner(t, "sqs")
		parameters.checkSigner(t, "ssm")
	})
	t.Run("WARM_UP off", func(t *testing.T) {
		if sqsAtStart+ssmAtStart != 0 {
			t.Errorf("%d and %d connections before the first event, want none", sqsAtStart, ssmAtStart)
		}
	})
	// The secret is in the environment here, under its second name: the parameter is then not asked for.
	t.Run("the one HTTP client, CLERK_WEBHOOK_SECRET", func(t *testing.T) {
		var f *program.Function
		for tries := 5; ; tries-- { // a start gives the warm-up two seconds, which a busy machine may take
			warm := newEndpoint(t, emulators)
			more := []string{
				"AWS_ENDPOINT_URL_SQS=" + warm.url, "SSL_CERT_FILE=" + warm.certFile, "WARM_UP=on",
				"CLERK_WEBHOOK_SECRET=" + svixtest.OtherSecret,
			}
			f = program.StartFunction(t, bootstrap, append(slices.Clone(env), more...)...)
			if status := post(t, f, svixtest.OtherSecret, ofOurs); status != 200 {
				t.Errorf("status = %d, want 200", status)
			}
			connections, requests := warm.seen()
			if connections == 1 && len(requests) == 1 {
				break
			}
			if tries == 1 {
				t.Fatalf("%d connections for %d requests, want that of the warm-up alone", connections, len(requests))
			}
		}
		if out := f.Output(t); strings.Contains(out, strings.TrimPrefix(svixtest.OtherSecret, "whsec_")) {
			t.Errorf("output %s holds the secret", out)
		}
	})
}
