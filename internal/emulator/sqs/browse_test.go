package sqs_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/internal/emulator"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
)

// A look at a queue changes nothing of it: a message that is looked at is still
// there for the first who receives it, and its look is no receive.
func TestBrowserLeavesTheQueueAsItIs(t *testing.T) {
	t.Parallel()
	var queues emulator.Queues
	client := awssqs.NewFromConfig(emulatortest.Start(t, emulator.New(emulator.Options{Queues: &queues})))
	url := emulatortest.CreateQueue(t, client, "q", nil)
	for _, body := range []string{"first", "second"} {
		if _, err := client.SendMessage(t.Context(), &awssqs.SendMessageInput{
			QueueUrl: &url, MessageBody: aws.String(body),
			MessageAttributes: map[string]types.MessageAttributeValue{
				"reason": {DataType: aws.String("String"), StringValue: aws.String("why " + body)},
			},
		}); err != nil {
			t.Fatal(err)
		}
	}
	look := func(inFlight bool) {
		t.Helper()
		got, err := queues.Messages(url)
		if err != nil || len(got) != 2 || got[0].Body != "first" || got[1].Attributes["reason"] != "why second" {
			t.Errorf("Messages = %+v, %v, want both in their order", got, err)
		}
		for _, m := range got {
			if m.InFlight != inFlight {
				t.Errorf("%s: in flight %t, want %t", m.Body, m.InFlight, inFlight)
			}
		}
	}
	look(false)
	look(false)
	received := emulatortest.Receive(t, client, url)
	if len(received) != 2 || received[0].Attributes["ApproximateReceiveCount"] != "1" {
		t.Errorf("received %d messages after the looks, want both for the first time", len(received))
	}
	look(true) // what others have received is seen, too
	if _, err := queues.Messages(url + "-other"); err == nil {
		t.Error("Messages of a queue that is not there: no error")
	}
}

// Messages that nobody could receive yet are received at once, in the order in
// which they would have become visible.
func TestShowWaiting(t *testing.T) {
	t.Parallel()
	var queues emulator.Queues
	client := awssqs.NewFromConfig(emulatortest.Start(t, emulator.New(emulator.Options{Queues: &queues})))
	url := emulatortest.CreateQueue(t, client, "q", nil)
	send := func(body string, delay int32) {
		t.Helper()
		in := &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, DelaySeconds: delay}
		if _, err := client.SendMessage(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	send("received", 0)
	if got := emulatortest.Receive(t, client, url); len(got) != 1 {
		t.Fatalf("received %d messages, want the first", len(got))
	}
	send("delayed", 600)
	if got := emulatortest.Receive(t, client, url); len(got) != 0 {
		t.Fatalf("received %d messages, want none: all of them wait", len(got))
	}
	if n, err := queues.ShowWaiting(url); n != 2 || err != nil {
		t.Errorf("ShowWaiting = %d, %v, want 2", n, err)
	}
	got := emulatortest.Receive(t, client, url)
	if len(got) != 2 || *got[0].Body != "received" || got[0].Attributes["ApproximateReceiveCount"] != "2" {
		t.Errorf("received %d messages, want both, the first for the second time", len(got))
	}
	if n, err := queues.ShowWaiting(url + "-other"); n != 0 || err == nil {
		t.Errorf("ShowWaiting of a queue that is not there = %d, %v, want an error", n, err)
	}
}
