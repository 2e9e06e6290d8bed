package main

import (
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	sqsemulator "github.com/clerksync/clerksync/internal/emulator/sqs"
)

// A letter that is in somebody else's hands, or whose answer was lost on its
// way to us, is waited for.
func TestWalkWaitsForHiddenLetters(t *testing.T) {
	t.Parallel()
	host := httptest.NewServer(sqsemulator.New(sqsemulator.Options{}))
	t.Cleanup(host.Close)
	client := sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: &host.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("letters")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: out.QueueUrl, MessageBody: aws.String("{}")}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: out.QueueUrl, VisibilityTimeout: 2}); err != nil {
		t.Fatal(err)
	}
	d, seen := newDeadLetters(client, *out.QueueUrl, ""), 0
	if err := d.walk(t.Context(), func(letter) (bool, error) { seen++; return true, nil }); err != nil {
		t.Fatal(err)
	}
	if seen != 1 {
		t.Errorf("walk saw %d letters, want the hidden one", seen)
	}
}
