package deployed_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/pkg/svix/svixtest"
	"github.com/clerksync/clerksync/test/program"
)

const (
	// secretRefresh is how long a function may take to see another secret: it reads at most every 30 s.
	secretRefresh = 50 * time.Second
	effectTimeout = time.Minute
)

// The stack is one, and its parts change it: a secret is stored, replaced, the stack deployed again and deleted. The
// order of the parts is therefore that of a deployment's life.
func TestDeployed(t *testing.T) { //nolint:tparallel // its parts follow one another
	t.Parallel()
	sam, ministack := program.FromEnv(t, "DEPLOYED_SAM"), program.FromEnv(t, "DEPLOYED_MINISTACK")
	s := newStack(t, startMinistack(t, ministack), sam)
	s.build(t)
	s.deploy(t)
	t.Logf("sam build and sam deploy made the stack: API %s, queue %s", s.api, s.queue)
	t.Run("no secret yet", s.testMissingSecret)
	t.Run("every sample, to the row", s.testSamples)
	t.Run("poison goes to the dead letters", s.testDeadLetters)
	t.Run("rejected", s.testRejections)
	t.Run("any order", s.testOrder)
	t.Run("any content type", s.testContentTypes)
	t.Run("an outage and a new secret", s.testOutage)
	t.Run("every metric was written", s.testMetrics)
	t.Run("make logs follows both functions", s.testMakeLogs)
	t.Run("make accept", s.testAccept)
	t.Run("a second deploy with events in flight", s.testRedeploy)
	t.Run("sam delete leaves the tables", s.testDelete)
}

// A stack without a secret must say so to Svix, which then retries, instead of rejecting what may be genuine.
func (s *stack) testMissingSecret(t *testing.T) {
	r := request{id: "msg_before", body: sample(t, "user.created")}
	s.wantAnswer(t, r, http.StatusInternalServerError, `{"error":"not_configured"}`)
	s.setSecret(t, svixtest.Secret)
	t.Log("without a secret: 500 not_configured; then clerksync secret set")
}

// testDeadLetters sends a deletion that does not name what is deleted, and puts on the queue by hand what ingest would
// not. (On AWS the queue's policy lets only the redrive role do so; the emulator lets its root.)
func (s *stack) testDeadLetters(t *testing.T) {
	enqueue := func(id, body string) {
		in := &sqs.SendMessageInput{
			QueueUrl: &s.queue, MessageBody: &body, MessageAttributes: map[string]types.MessageAttributeValue{},
		}
		for name, value := range map[string]string{
			"svix-id":        id,
			"svix-timestamp": "1772451061",
			"event-type":     "user.deleted",
			"received-at":    "2026-03-02T11:31:01.000Z",
		} {
			in.MessageAttributes[name] = types.MessageAttributeValue{
				DataType: aws.String("String"), StringValue: &value,
			}
		}
		if _, err := s.queues.SendMessage(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	const withoutID = `{"type":"user.deleted","object":"event","data":{"object":"user","deleted":true}}`
	poison := []string{withoutID, "no event at all"}
	s.wantReceived(t, request{id: "msg_poison1", body: withoutID})
	enqueue("msg_sound", withID(sample(t, "user.deleted"), "user_byhand"))
	enqueue("msg_poison2", poison[1])

	s.wantOutcome(t, "msg_sound", "applied")
	reasons := map[string]string{} // by body
	program.WaitUntil(t, effectTimeout, "two dead letters", func() bool {
		out, err := s.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &s.deadLetters, MaxNumberOfMessages: 10, WaitTimeSeconds: 1,
			MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			reason := aws.ToString(m.MessageAttributes["reason"].StringValue)
			if reason == "" || aws.ToString(m.MessageAttributes["svix-id"].StringValue) == "" {
				t.Errorf("dead letter with attributes %v, want a reason and those it came with", m.MessageAttributes)
			}
			reasons[aws.ToString(m.Body)] = reason
		}
		return len(reasons) >= len(poison)
	})
	for _, body := range poison {
		if reasons[body] == "" {
			t.Errorf("dead letters %v, want %s", reasons, body)
		}
		t.Logf("dead letter: %s", reasons[body])
	}
}

// Whatever is not signed by the secret, or not now, gets no further than the answer: neither table has a row of it.
func (s *stack) testRejections(t *testing.T) {
	for _, c := range []struct {
		name    string
		request request
		want    string
	}{
		{name: "tampered", request: request{tamper: true}, want: "invalid_signature"},
		{name: "another secret", request: request{secret: svixtest.ThirdSecret}, want: "invalid_signature"},
		{name: "signed ten minutes ago", request: request{skew: -10 * time.Minute}, want: "invalid_timestamp"},
		{name: "signed in ten minutes", request: request{skew: 10 * time.Minute}, want: "invalid_timestamp"},
	} {
		c.request.id = "msg_rejected_" + strings.ReplaceAll(c.name, " ", "_")
		c.request.body = sample(t, "user.updated.emoji")
		s.wantAnswer(t, c.request, http.StatusBadRequest, `{"error":"`+c.want+`"}`)
		t.Logf("%s: 400 %s", c.name, c.want)
	}
	s.waitForEmptyQueue(t)
	for _, r := range s.scan(t, s.deliveries) {
		if strings.HasPrefix(r.text("svix_id"), "msg_rejected_") {
			t.Errorf("%s had an effect", r.text("svix_id"))
		}
	}
}

// The events of a user arrive in the reverse of the order in which they happened, each after the other had its
// effect.
func (s *stack) testOrder(t *testing.T) {
	for _, step := range []struct{ name, want string }{
		{name: "user.deleted", want: "applied"},
		{name: "user.updated", want: "stale"},
		{name: "user.created", want: "stale"},
	} {
		id := "msg_order_" + strings.TrimPrefix(step.name, "user.")
		s.deliver(t, request{id: id, body: withID(sample(t, step.name), "user_order")}, effectTimeout)
		s.wantOutcome(t, id, step.want)
	}
	if r := s.userRow(t, "user_order"); r["deleted_at"] == nil || r["by_email"] != nil {
		t.Errorf("after deleted, updated, created the row is %v, want a tombstone", r)
	}
	t.Log("deleted, updated, created: applied, stale, stale, and the user stays deleted")
}

// API Gateway decides by the content type whether it passes the body as text or in base64. Both must verify.
func (s *stack) testContentTypes(t *testing.T) {
	for i, contentType := range []string{"text/plain", "application/octet-stream"} {
		r := request{id: fmt.Sprintf("msg_type_%d", i), contentType: contentType}
		r.body = withID(sample(t, "user.updated.emoji"), fmt.Sprintf("user_type_%d", i))
		s.wantReceived(t, r)
		s.wantOutcome(t, r.id, "applied")
	}
	t.Log("content types that the gateway passes in base64: applied")
}

// testDelete is the last part: nothing but the tables, which hold data, may outlive the stack.
func (s *stack) testDelete(t *testing.T) {
	before := len(s.scan(t, s.directory))
	s.delete(t)
	got := s.remains(t)
	slices.Sort(got)
	if want := []string{"DeliveriesTable", "DirectoryTable"}; !slices.Equal(got, want) {
		t.Errorf("after sam delete there are %v, want %v", got, want)
	}
	if after := len(s.scan(t, s.directory)); after != before {
		t.Errorf("the Directory has %d rows, want %d", after, before)
	}
	t.Logf("sam delete: both tables stay, with %d rows; the rest is gone", before)
}
