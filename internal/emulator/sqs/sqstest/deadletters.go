package sqstest

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// deadLetterChecks run with the dead-letter queue; each makes the source.
func deadLetterChecks() []check {
	return []check{
		{name: "a message received too often becomes a dead letter", run: becomesDeadLetter},
		{name: "a dead letter keeps id, time, body and attributes", run: deadLetterKeeps},
		{name: "a message below its maximum stays", run: staysBelowMaximum},
		{name: "maxReceiveCount may be text", run: maximumAsText},
		{name: "a bad redrive policy is refused", run: badRedrivePolicy},
	}
}

// exhaust receives the source's only message until it comes out as a dead
// letter, and returns it with the number of times that the source gave it.
func exhaust(t *testing.T, source, dead *queue) (m types.Message, given int) {
	t.Helper()
	eventually(t, "receives of a message that becomes no dead letter", 20*time.Second, func() (got any, ok bool) {
		given += len(source.receive(t, 0, shownAgain))
		letters := dead.receive(t, 0, 60)
		if len(letters) > 0 {
			m = letters[0]
		}
		return given, len(letters) > 0
	})
	return m, given
}

func becomesDeadLetter(t *testing.T, dead *queue) {
	source := dead.newSource(t, "2")
	id := source.send(t, "poison", nil)
	m, given := exhaust(t, source, dead)
	if given != 2 || aws.ToString(m.MessageId) != id {
		t.Errorf("dead letter = message %s after %d receives, want %s after 2", aws.ToString(m.MessageId), given, id)
	}
	if got := m.Attributes["DeadLetterQueueSourceArn"]; got != source.arn {
		t.Errorf("dead letter = DeadLetterQueueSourceArn %q, want %q", got, source.arn)
	}
	source.wantNone(t, "after the message became a dead letter", 1)
}

func deadLetterKeeps(t *testing.T, dead *queue) {
	source := dead.newSource(t, "1")
	content := func(m types.Message) []string {
		attribute := aws.ToString(m.MessageAttributes["svix-id"].StringValue)
		return []string{aws.ToString(m.MessageId), aws.ToString(m.Body), attribute, m.Attributes["SentTimestamp"]}
	}
	id := source.send(t, "poison\n", attrs{"svix-id": text("msg_a1")})
	want := content(source.one(t, shownAgain))
	if !slices.Equal(want[:3], []string{id, "poison\n", "msg_a1"}) {
		t.Fatalf("message = id, body, attribute, sent %q, want the sent ones", want)
	}
	m, _ := exhaust(t, source, dead)
	if got := content(m); !slices.Equal(got, want) {
		t.Errorf("dead letter = id, body, attribute, sent %q, want %q", got, want)
	}
}

func staysBelowMaximum(t *testing.T, dead *queue) {
	source := dead.newSource(t, "3")
	source.send(t, "m", nil)
	for range 3 {
		source.one(t, shownAgain)
	}
	dead.wantNone(t, "after 3 receives of at most 3", 1)
}

func maximumAsText(t *testing.T, dead *queue) {
	source := dead.newSource(t, `"1"`)
	source.send(t, "m", nil)
	if _, given := exhaust(t, source, dead); given != 1 {
		t.Errorf("dead letter after %d receives, want 1", given)
	}
}

func badRedrivePolicy(t *testing.T, q *queue) {
	for _, policy := range []string{
		`{"deadLetterTargetArn":"` + q.arn + `-missing","maxReceiveCount":1}`,
		`{"deadLetterTargetArn":"` + q.arn + `","maxReceiveCount":0}`,
		`{"deadLetterTargetArn":"` + q.arn + `"}`, `{"maxReceiveCount":1}`, `{`,
	} {
		err := q.setAttributes(t, map[string]string{"RedrivePolicy": policy})
		wantCode(t, "set redrive policy "+policy, err, invalidValue, "InvalidAttributeValue")
	}
}
