package sqstest

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// deadLetterChecks run with the dead-letter queue; each makes the source.
func deadLetterChecks() []check {
	return []check{
		{name: "a message received too often becomes a dead letter", run: (*queue).becomesDeadLetter},
		{name: "a dead letter keeps id, time, body and attributes", run: (*queue).deadLetterKeeps},
		{name: "a message below its maximum stays", run: (*queue).staysBelowMaximum},
		{name: "maxReceiveCount may be text", run: (*queue).maximumAsText},
		{name: "a bad redrive policy is refused", run: (*queue).badRedrivePolicy},
	}
}

// exhaust receives the source's only message until it comes out as a dead
// letter, and returns it with the number of times that the source gave it.
func (q *queue) exhaust(source *queue) (m types.Message, given int) {
	q.t.Helper()
	q.eventually("receives of a message that becomes no dead letter", 20*time.Second, func() (got any, ok bool) {
		given += len(source.receive(0, shownAgain))
		received := q.receive(0, 60)
		if len(received) > 0 {
			m = received[0]
		}
		return given, len(received) > 0
	})
	return m, given
}

// becomesDeadLetter: after as many receives as the policy allows the next one
// moves the message, which says where it came from.
func (q *queue) becomesDeadLetter() {
	source := q.newSource("2")
	id := source.send("m", nil)
	m, given := q.exhaust(source)
	if given != 2 || aws.ToString(m.MessageId) != id {
		q.t.Errorf("dead letter = message %s after %d receives, want %s after 2",
			aws.ToString(m.MessageId), given, id)
	}
	if got := m.Attributes["DeadLetterQueueSourceArn"]; got != source.arn {
		q.t.Errorf("dead letter = DeadLetterQueueSourceArn %q, want %q", got, source.arn)
	}
	source.wantNone("after the message became a dead letter", 1)
}

// deadLetterKeeps: what is put back from the dead letters must be the message
// as it was.
func (q *queue) deadLetterKeeps() {
	source := q.newSource("1")
	content := func(m types.Message) []string {
		attribute := aws.ToString(m.MessageAttributes["svix-id"].StringValue)
		return []string{aws.ToString(m.MessageId), aws.ToString(m.Body), attribute, m.Attributes["SentTimestamp"]}
	}
	id := source.send("m\n", attrs{"svix-id": text("msg_a1")})
	want := content(source.one(shownAgain))
	if !slices.Equal(want[:3], []string{id, "m\n", "msg_a1"}) {
		q.t.Fatalf("message = id, body, attribute, sent %q, want the sent ones", want)
	}
	m, _ := q.exhaust(source)
	if got := content(m); !slices.Equal(got, want) {
		q.t.Errorf("dead letter = id, body, attribute, sent %q, want %q", got, want)
	}
}

// staysBelowMaximum: the last receive that the policy allows still belongs to
// the source.
func (q *queue) staysBelowMaximum() {
	source := q.newSource("3")
	source.send("m", nil)
	for range 3 {
		source.one(shownAgain)
	}
	q.wantNone("after 3 receives of at most 3", 1)
}

// maximumAsText: CloudFormation and some tools write the number as text.
func (q *queue) maximumAsText() {
	source := q.newSource(`"1"`)
	source.send("m", nil)
	if _, given := q.exhaust(source); given != 1 {
		q.t.Errorf("dead letter after %d receives, want 1", given)
	}
}

// badRedrivePolicy: a policy that cannot work must not be accepted, or
// messages would be received for ever.
func (q *queue) badRedrivePolicy() {
	for _, policy := range []string{
		`{"deadLetterTargetArn":"` + q.arn + `-missing","maxReceiveCount":1}`,
		`{"deadLetterTargetArn":"` + q.arn + `","maxReceiveCount":0}`,
		`{"deadLetterTargetArn":"` + q.arn + `"}`, `{"maxReceiveCount":1}`, `{`,
	} {
		err := q.setAttributes(map[string]string{"RedrivePolicy": policy})
		q.wantCode("set redrive policy "+policy, err, invalidValue, "InvalidAttributeValue")
	}
}
