package deployed_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/pkg/svix/svixtest"
)

// depth counts a queue's messages, those that wait unseen among them.
func (s *stack) depth(t *testing.T, queue string) int {
	t.Helper()
	out, err := s.queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &queue, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	visible, _ := strconv.Atoi(out.Attributes[string(types.QueueAttributeNameApproximateNumberOfMessages)])
	hidden, _ := strconv.Atoi(out.Attributes[string(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible)])
	return visible + hidden
}

// drained waits until the queue is empty.
func (s *stack) drained(t *testing.T) {
	t.Helper()
	within(t, 2*soon, "the queue runs empty", func() bool {
		return s.depth(t, s.queue) == 0
	})
}

// outage takes DynamoDB away under a batch. While the batch waits for its next
// turn, the signing secret is replaced.
func (s *stack) outage(t *testing.T) {
	s.down.Store(true)
	var ids []string
	for i := range 10 {
		r := request{id: fmt.Sprintf("msg_outage_%d", i), body: withID(sample(t, "user.created"), fmt.Sprintf("user_outage_%d", i))}
		if _, err := s.deliver(t.Context(), r, soon); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.id)
	}
	ids = append(ids, rotate(t, s)...)
	if all := s.depth(t, s.queue); all != len(ids) {
		t.Errorf("%d messages wait, want all %d", all, len(ids))
	}
	s.down.Store(false)
	s.outcomes(t, 3*soon, ids...)
	log := s.logs(t, "SyncFunction", "msg_outage")
	for _, id := range ids[:10] {
		for _, outcome := range []string{"failed", "applied"} {
			user := strings.Replace(id, "msg_", "user_", 1)
			if line := fmt.Sprintf(`"svix_id":%q,"event_type":"user.created","entity":"user/%s","outcome":%q`, id, user, outcome); !strings.Contains(log, line) {
				t.Errorf("sam logs has no line with %s:\n%s", line, log[:min(len(log), 2000)])
			}
		}
	}
	t.Logf("DynamoDB away: %d calls refused, whole batches failed, all %d messages came again and were applied", s.refused.Load(), len(ids))
}

// rotate replaces the secret twice without a deploy and returns the ids of what
// was accepted.
func rotate(t *testing.T, s *stack) (ids []string) {
	t.Helper()
	const first, second = svixtest.Secret, svixtest.OtherSecret
	signed := func(name, secret string) request {
		ids = append(ids, "msg_"+name)
		return request{id: "msg_" + name, body: withID(sample(t, "user.created"), "user_"+name), secret: secret}
	}
	accepted := func(r request) time.Duration {
		began := time.Now()
		if _, err := s.deliver(t.Context(), r, reread); err != nil {
			t.Fatal(err)
		}
		return time.Since(began).Round(time.Second)
	}
	s.setSecret(t, second)
	t.Logf("secret replaced: the new one accepted after %v", accepted(signed("second", second)))
	s.answers(t, request{id: "msg_gone", body: sample(t, "user.created"), secret: first}, http.StatusBadRequest, `{"error":"invalid_signature"}`)
	s.setSecret(t, first+","+second)
	t.Logf("both listed: the first accepted after %v", accepted(signed("both_first", first)))
	accepted(signed("both_second", second))
	return ids
}

func (s *stack) deleted(t *testing.T) {
	before, err := s.scan(t.Context(), s.directory)
	if err != nil {
		t.Fatal(err)
	}
	s.delete(t)
	got := s.remains(t)
	slices.Sort(got)
	if want := []string{"DeliveriesTable", "DirectoryTable"}; !slices.Equal(got, want) {
		t.Errorf("after sam delete there are %v, want %v", got, want)
	}
	after, err := s.scan(t.Context(), s.directory)
	if err != nil || len(after) != len(before) {
		t.Errorf("the Directory has %d rows, %v, want %d", len(after), err, len(before))
	}
	t.Logf("sam delete: both tables stay, with %d rows; the rest is gone", len(after))
}
