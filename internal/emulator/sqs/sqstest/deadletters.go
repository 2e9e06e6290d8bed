package sqstest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func deadLetterChecks() []Check {
	return []Check{
		{"a message received too often becomes a dead letter", withPair("2", becomesDeadLetter)},
		{"a dead letter keeps id, time, body and attributes", withPair("1", deadLetterKeeps)},
		{"a message below its maximum stays", withPair("3", staysBelowMaximum)},
		{"maxReceiveCount may be text", withPair(`"1"`, maximumAsText)},
		{"a bad redrive policy is refused", withQueue(nil, badRedrivePolicy)},
	}
}

// die receives the source's only message until it comes out as a dead letter,
// and returns it with the number of times that the source gave it.
func die(ctx context.Context, source, dead *queue) (letter types.Message, given int, err error) {
	for end := time.Now().Add(20 * time.Second); ; {
		got, err := source.receive(ctx, 0, 0)
		if err != nil {
			return types.Message{}, given, err
		}
		given += len(got)
		letters, err := dead.receive(ctx, 0, 60)
		if err != nil {
			return types.Message{}, given, err
		}
		if len(letters) > 0 {
			return letters[0], given, nil
		}
		if time.Now().After(end) {
			return types.Message{}, given, fmt.Errorf("no dead letter in 20 s, after %d receives", given)
		}
		sleep(ctx, 50*time.Millisecond)
	}
}

func becomesDeadLetter(ctx context.Context, source, dead *queue) error {
	id, err := source.send(ctx, "poison", nil)
	if err != nil {
		return err
	}
	m, given, err := die(ctx, source, dead)
	if err != nil {
		return err
	}
	if given != 2 || aws.ToString(m.MessageId) != id {
		return fmt.Errorf("dead letter = message %s after %d receives, want %s after 2", aws.ToString(m.MessageId), given, id)
	}
	if got := m.Attributes["DeadLetterQueueSourceArn"]; got != source.arn {
		return fmt.Errorf("dead letter = DeadLetterQueueSourceArn %q, want %q", got, source.arn)
	}
	return source.none(ctx, 1)
}

func deadLetterKeeps(ctx context.Context, source, dead *queue) error {
	id, err := source.send(ctx, "poison\n", attrs{"svix-id": text("msg_a1")})
	if err != nil {
		return err
	}
	first, err := source.one(ctx, 0)
	if err != nil {
		return err
	}
	m, _, err := die(ctx, source, dead)
	if err != nil {
		return err
	}
	sent := func(m types.Message) string { return m.Attributes["SentTimestamp"] }
	got := []string{aws.ToString(m.MessageId), aws.ToString(m.Body), aws.ToString(m.MessageAttributes["svix-id"].StringValue), sent(m)}
	want := []string{id, "poison\n", "msg_a1", sent(first)}
	if !slices.Equal(got, want) {
		return fmt.Errorf("dead letter = id, body, attribute, sent %q, want %q", got, want)
	}
	return nil
}

func staysBelowMaximum(ctx context.Context, source, dead *queue) error {
	if _, err := source.send(ctx, "m", nil); err != nil {
		return err
	}
	for i := range 3 {
		if _, err := source.one(ctx, 0); err != nil {
			return fmt.Errorf("receive %d of a maximum of 3: %w", i+1, err)
		}
	}
	return dead.none(ctx, 1)
}

func maximumAsText(ctx context.Context, source, dead *queue) error {
	if _, err := source.send(ctx, "m", nil); err != nil {
		return err
	}
	_, given, err := die(ctx, source, dead)
	if err == nil && given != 1 {
		err = fmt.Errorf("dead letter after %d receives, want 1", given)
	}
	return err
}

func badRedrivePolicy(ctx context.Context, q *queue) error {
	for _, policy := range []string{
		`{"deadLetterTargetArn":"` + q.arn + `-missing","maxReceiveCount":1}`,
		`{"deadLetterTargetArn":"` + q.arn + `","maxReceiveCount":0}`,
		`{"deadLetterTargetArn":"` + q.arn + `"}`, `{"maxReceiveCount":1}`, `{`,
	} {
		_, err := q.c.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &q.url, Attributes: map[string]string{"RedrivePolicy": policy}})
		if err := wantCode("set redrive policy "+policy, err, invalidValue, "InvalidAttributeValue"); err != nil {
			return err
		}
	}
	return nil
}
