package pipeline_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/pkg/delivery"
)

// What is put back after its fault was mended has its effect, or is stale, and
// does not come to the dead letters again.
// https://github.com/floci-io/floci/issues/900
func TestRedrive(t *testing.T) {
	t.Parallel()
	o := newOutside(t)
	w := start(t, pipeline.Options{AWS: o.cfg})
	if got := w.accepted(t, "msg_newer", sample(t, "user.updated")); got != "applied" {
		t.Fatalf("the newer message is %s, want applied", got)
	}
	letters := &world{Pipeline: &pipeline.Pipeline{SQS: w.SQS, QueueURL: w.DeadLetterQueueURL}}
	letters.byHand(t, delivery.Message{Body: sample(t, "organization.created"), Attributes: with(full("msg_mended", "organization.created"), "reason", "made up")})
	letters.byHand(t, delivery.Message{Body: sample(t, "user.created"), Attributes: full("msg_older", "user.created")})

	// As `clerksync dlq redrive` does: received, sent again whole, and deleted.
	for _, m := range received(t, o.sqs, w.DeadLetterQueueURL) {
		w.byHand(t, delivery.Message{Body: aws.ToString(m.Body), Attributes: attributes(m)})
		if _, err := o.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{
			QueueUrl: &w.DeadLetterQueueURL, ReceiptHandle: m.ReceiptHandle,
		}); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]string{"msg_mended": "applied", "msg_older": "stale"} {
		if got := w.ended(t, id, 1); got != want {
			t.Errorf("%s is %s after the redrive, want %s", id, got, want)
		}
	}
	until(t, "both queues are empty", func() bool {
		return count(t, o.sqs, w.QueueURL) == 0 && count(t, o.sqs, w.DeadLetterQueueURL) == 0
	})
	if row := w.row(t, "ORG#org_2exampleLumenOak00000000000", "ORG"); row == nil {
		t.Error("no row of the organization that was put back")
	}
}
