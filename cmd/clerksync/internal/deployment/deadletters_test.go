package deployment_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
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
