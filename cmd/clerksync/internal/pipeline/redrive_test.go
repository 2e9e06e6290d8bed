package pipeline_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

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

	if _, err := o.sqs.StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{
		SourceArn: arn(t, o.sqs, w.DeadLetterQueueURL), DestinationArn: arn(t, o.sqs, w.QueueURL),
	}); err != nil {
		t.Fatal(err)
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

func arn(t *testing.T, c *sqs.Client, url string) *string {
	t.Helper()
	name := sqstypes.QueueAttributeNameQueueArn
	out, err := c.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{name}})
	if err != nil {
		t.Fatal(err)
	}
	return aws.String(out.Attributes[string(name)])
}
