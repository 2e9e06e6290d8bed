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
)

const (
	// reread is how long a function may take to see another secret: it reads
	// at most every 30 s.
	reread = 50 * time.Second
	soon   = time.Minute
)

func TestDeployed(t *testing.T) { //nolint:tparallel // its parts follow one another
	t.Parallel()
	sam, ministack := program(t, "DEPLOYED_SAM"), program(t, "DEPLOYED_MINISTACK")
	s := newStack(t, startEmulator(t, ministack), sam)
	s.build(t)
	s.deploy(t)
	t.Logf("sam build and sam deploy made the stack: API %s, queue %s", s.api, s.queue)
	t.Run("no secret yet", s.noSecret)
	t.Run("every sample, to the row", s.samples)
	t.Run("poison goes to the dead letters", s.poison)
	t.Run("refused", s.refuses)
	t.Run("any order", s.anyOrder)
	t.Run("any content type", s.anyContentType)
	t.Run("an outage and a new secret", s.outage)
	t.Run("every metric was written", s.metrics)
	t.Run("make logs follows both functions", s.follow)
	t.Run("a second deploy with events in flight", s.redeploy)
	t.Run("sam delete leaves the tables", s.deleted)
}

func (s *stack) noSecret(t *testing.T) {
	s.answers(t, request{id: "msg_before", body: sample(t, "user.created")}, http.StatusInternalServerError, `{"error":"not_configured"}`)
	s.setSecret(t, svixtest.Secret)
	t.Log("without a secret: 500 not_configured; then clerksync secret set")
}

// poison sends a deletion that does not say of what, and puts on the queue by
// hand what ingest would not. (On AWS the queue's policy lets only the redrive
// role do so; the emulator lets its root.)
func (s *stack) poison(t *testing.T) {
	put := func(id, body string) {
		in := &sqs.SendMessageInput{QueueUrl: &s.queue, MessageBody: &body, MessageAttributes: map[string]types.MessageAttributeValue{}}
		for name, value := range map[string]string{"svix-id": id, "svix-timestamp": "1772451061", "event-type": "user.deleted", "received-at": "2026-03-02T11:31:01.000Z"} {
			in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
		}
		if _, err := s.queues.SendMessage(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	bad := []string{`{"type":"user.deleted","object":"event","data":{"object":"user","deleted":true}}`, "no event at all"}
	s.answers(t, request{id: "msg_poison1", body: bad[0]}, http.StatusOK, `{"received":true,"id":"msg_poison1"}`)
	put("msg_sound", withID(sample(t, "user.deleted"), "user_byhand"))
	put("msg_poison2", bad[1])

	if got := s.outcomes(t, soon, "msg_sound"); got["msg_sound"] != "applied" {
		t.Errorf("the sound message between them is %q, want applied", got["msg_sound"])
	}
	dead := map[string]string{}
	within(t, soon, "two dead letters", func() bool {
		out, err := s.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &s.deadLetters, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}, WaitTimeSeconds: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			reason := aws.ToString(m.MessageAttributes["reason"].StringValue)
			if reason == "" || aws.ToString(m.MessageAttributes["svix-id"].StringValue) == "" {
				t.Errorf("dead letter with attributes %v, want a reason and what it came with", m.MessageAttributes)
			}
			dead[aws.ToString(m.Body)] = reason
		}
		return len(dead) >= len(bad)
	})
	for _, body := range bad {
		if dead[body] == "" {
			t.Errorf("dead letters %v, want %s", dead, body)
		}
		t.Logf("dead letter: %s", dead[body])
	}
}

func (s *stack) refuses(t *testing.T) {
	body := sample(t, "user.updated.emoji")
	for _, c := range []struct {
		name string
		request
		want string
	}{
		{"a byte more than was signed", request{id: "msg_forged1", tamper: true}, "invalid_signature"},
		{"another secret", request{id: "msg_forged2", secret: svixtest.ThirdSecret}, "invalid_signature"},
		{"signed ten minutes ago", request{id: "msg_stale", skew: -10 * time.Minute}, "invalid_timestamp"},
		{"signed in ten minutes", request{id: "msg_early", skew: 10 * time.Minute}, "invalid_timestamp"},
	} {
		c.body = body
		s.answers(t, c.request, http.StatusBadRequest, `{"error":"`+c.want+`"}`)
		t.Logf("%s: 400 %s", c.name, c.want)
	}
	s.drained(t)
	rows, err := s.scan(t.Context(), s.deliveries)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if slices.Contains([]string{"msg_forged1", "msg_forged2", "msg_stale", "msg_early"}, r.text("svix_id")) {
			t.Errorf("%s had an effect", r.text("svix_id"))
		}
	}
}

func (s *stack) anyOrder(t *testing.T) {
	for _, step := range []struct{ name, want string }{{"user.deleted", "applied"}, {"user.updated", "stale"}, {"user.created", "stale"}} {
		r := request{id: "msg_order_" + strings.TrimPrefix(step.name, "user."), body: withID(sample(t, step.name), "user_order")}
		if _, err := s.deliver(t.Context(), r, soon); err != nil {
			t.Fatal(err)
		}
		if got := s.outcomes(t, soon, r.id)[r.id]; got != step.want {
			t.Errorf("%s is %s, want %s", step.name, got, step.want)
		}
	}
	if r := s.find(t, "USER#user_order", "USER"); r["deleted_at"] == nil || r["by_email"] != nil {
		t.Errorf("after deleted, updated, created the row is %v, want a tombstone", r)
	}
	t.Log("deleted, updated, created: applied, stale, stale, and the user stays deleted")
}

func (s *stack) anyContentType(t *testing.T) {
	for i, contentType := range []string{"text/plain", "application/octet-stream"} {
		r := request{id: fmt.Sprintf("msg_type_%d", i), body: withID(sample(t, "user.updated.emoji"), fmt.Sprintf("user_type_%d", i)), contentType: contentType}
		s.answers(t, r, http.StatusOK, `{"received":true,"id":"`+r.id+`"}`)
		if got := s.outcomes(t, soon, r.id)[r.id]; got != "applied" {
			t.Errorf("as %s: %s, want applied", contentType, got)
		}
	}
	t.Log("content types that the gateway passes in base64: applied")
}
