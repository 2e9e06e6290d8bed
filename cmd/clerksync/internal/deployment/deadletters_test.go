package deployment_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/projector"
)

// find returns the deployment of the stack as a `clerksync dev`.
func find(t *testing.T, s *deploymenttest.Stack) *deployment.Deployment {
	t.Helper()
	n := deployment.Names{EndpointURL: s.Pipeline.Endpoint}
	d, err := deployment.Open(t.Context(), func(string) string { return "" }, n)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A dead letter that another walk has received, or whose receive lost its
// response, is hidden. Walk waits until it shows again.
func TestWalkWaitsForHiddenDeadLetters(t *testing.T) {
	t.Parallel()
	s := deploymenttest.New(t)
	s.PutDeadLetter()
	if _, err := s.Pipeline.SQS.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(s.Pipeline.DeadLetterQueueURL), VisibilityTimeout: 2,
	}); err != nil {
		t.Fatal(err)
	}
	dead, err := find(t, s).DeadLetters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = dead.Walk(t.Context(), func(deployment.DeadLetter) (bool, error) { seen++; return true, nil })
	if seen != 1 || err != nil {
		t.Errorf("Walk saw %d dead letters, %v, want the hidden one", seen, err)
	}
}

// Reasons are shown without the words that every reason of their kind has, each
// with what to do about it.
func TestDeadLettersSayHowToMendThem(t *testing.T) {
	t.Parallel()
	message := func(reason string) types.Message {
		m := types.Message{MessageId: aws.String("m"), Body: aws.String("{}")}
		if reason != "" {
			m.MessageAttributes = map[string]types.MessageAttributeValue{
				"reason": {DataType: aws.String("String"), StringValue: &reason},
			}
		}
		return m
	}
	for reason, want := range map[string]struct{ explain, mend string }{
		projector.ErrPermanent.Error() + ": data.id is missing": {"data.id is missing", "report the fault"},
		delivery.ErrPermanent.Error() + ": attribute v is bad":  {"attribute v is bad", "drop it"},
		"write: " + directory.ErrWriteRefused.Error():           {"write: directory:", "Deploy"},
		"": {"received 60 times without success", "redrive it"},
	} {
		l := deployment.FromMessages([]types.Message{message(reason)})[0]
		if !strings.HasPrefix(l.Explain(), want.explain) || !strings.Contains(l.Mend(), want.mend) {
			t.Errorf("reason %q: %q, %q, want %q and %q", reason, l.Explain(), l.Mend(), want.explain, want.mend)
		}
	}
}
