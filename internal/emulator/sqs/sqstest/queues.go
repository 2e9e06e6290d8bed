package sqstest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func queueChecks() []Check {
	return []Check{
		{"attributes of a queue are set and told", withQueue(nil, attributesAreSet)},
		{"unknown attributes and bad values are refused", withQueue(nil, attributesRefused)},
		{"creating a queue again needs the same attributes", withQueue(map[string]string{"VisibilityTimeout": "11"}, createAgain)},
		{"a queue is found by name and listed by prefix", withQueue(nil, foundAndListed)},
		{"numbers of messages follow", withQueue(nil, numbersFollow)},
	}
}

func attributesAreSet(ctx context.Context, q *queue) error {
	preset, err := q.attributes(ctx)
	if err != nil {
		return err
	}
	for name, want := range map[string]string{
		"VisibilityTimeout": "30", "MessageRetentionPeriod": "345600", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0",
	} {
		if preset[name] != want {
			return fmt.Errorf("new queue = %s %q, want %s", name, preset[name], want)
		}
	}
	if preset["CreatedTimestamp"] == "" || preset["LastModifiedTimestamp"] == "" {
		return fmt.Errorf("new queue = attributes %v, want CreatedTimestamp and LastModifiedTimestamp", preset)
	}
	want := map[string]string{
		"VisibilityTimeout": "90", "MessageRetentionPeriod": "604800", "MaximumMessageSize": "1048576",
		"DelaySeconds": "5", "ReceiveMessageWaitTimeSeconds": "20",
	}
	if _, err := q.c.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &q.url, Attributes: want}); err != nil {
		return fmt.Errorf("set queue attributes: %w", err)
	}
	// SQS takes up to 60 seconds to tell the new values.
	for end := time.Now().Add(60 * time.Second); ; sleep(ctx, time.Second) {
		got, err := q.attributes(ctx, slices.Collect(maps.Keys(want))...)
		if err != nil {
			return err
		}
		if maps.Equal(got, want) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("attributes = %v, want %v", got, want)
		}
	}
}

func attributesRefused(ctx context.Context, q *queue) error {
	set := func(name, value string) error {
		_, err := q.c.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &q.url, Attributes: map[string]string{name: value}})
		return err
	}
	err := wantType[*types.InvalidAttributeName]("set attribute Colour", set("Colour", "red"))
	for name, values := range map[string][]string{
		"VisibilityTimeout":             {"-1", "43201", "abc"},
		"MessageRetentionPeriod":        {"59", "1209601"},
		"MaximumMessageSize":            {"1023", "1048577"},
		"DelaySeconds":                  {"901"},
		"ReceiveMessageWaitTimeSeconds": {"21"},
	} {
		for _, value := range values {
			err = errors.Join(err, wantCode("set "+name+" to "+value, set(name, value), "InvalidAttributeValue", invalidValue))
		}
	}
	return err
}

func createAgain(ctx context.Context, q *queue) error {
	create := func(visibility string) (*sqs.CreateQueueOutput, error) {
		return q.c.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &q.name, Attributes: map[string]string{"VisibilityTimeout": visibility}})
	}
	same, err := create("11")
	if err != nil || aws.ToString(same.QueueUrl) != q.url {
		return fmt.Errorf("create queue again = %+v, %w, want %s", same, orNone(err), q.url)
	}
	_, err = create("12")
	return wantType[*types.QueueNameExists]("create queue again with another attribute", err)
}

// foundAndListed gives SQS the minute that lists of queues may lag.
func foundAndListed(ctx context.Context, q *queue) error {
	out, err := q.c.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &q.name})
	if err != nil || aws.ToString(out.QueueUrl) != q.url {
		return fmt.Errorf("get queue url = %+v, %w, want %s", out, orNone(err), q.url)
	}
	for end := time.Now().Add(60 * time.Second); ; sleep(ctx, time.Second) {
		list, err := q.c.ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: aws.String(q.name[:len(q.name)-1])})
		if err != nil {
			return fmt.Errorf("list queues: %w", err)
		}
		if slices.Equal(list.QueueUrls, []string{q.url}) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("list queues by prefix = %v, want %s", list.QueueUrls, q.url)
		}
	}
}

func numbersFollow(ctx context.Context, q *queue) error {
	for range 2 {
		if _, err := q.send(ctx, "m", nil); err != nil {
			return err
		}
	}
	_, err := q.c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String("later"), DelaySeconds: 900})
	if err != nil {
		return fmt.Errorf("send with delay: %w", err)
	}
	out, err := q.c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &q.url, WaitTimeSeconds: 2, VisibilityTimeout: 300})
	if err != nil || len(out.Messages) != 1 {
		return fmt.Errorf("receive of one = %+v, %w", out, orNone(err))
	}
	want := map[string]string{
		"ApproximateNumberOfMessages": "1", "ApproximateNumberOfMessagesNotVisible": "1", "ApproximateNumberOfMessagesDelayed": "1",
	}
	// The numbers are right within a minute of the last change.
	for end := time.Now().Add(70 * time.Second); ; sleep(ctx, time.Second) {
		got, err := q.attributes(ctx, slices.Collect(maps.Keys(want))...)
		if err != nil {
			return err
		}
		if maps.Equal(got, want) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("attributes = %v, want %v", got, want)
		}
	}
}
