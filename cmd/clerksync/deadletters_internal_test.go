package main

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
)

// A letter that is in somebody else's hands, or whose answer was lost on its
// way to us, is waited for.
func TestWalkWaitsForHiddenLetters(t *testing.T) {
	t.Parallel()
	client := sqs.NewFromConfig(emulatortest.Start(t, emulator.New(emulator.Options{})))
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
