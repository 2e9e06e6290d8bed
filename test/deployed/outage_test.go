package deployed_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/pkg/svix/svixtest"
	"github.com/clerksync/clerksync/test/program"
)

// attributes are all of a queue's.
func (s *stack) attributes(t *testing.T, queue string) map[string]string {
	t.Helper()
	out, err := s.queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &queue, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes
}

// depth counts a queue's messages, received ones that are not deleted yet among them.
func (s *stack) depth(t *testing.T, queue string) int {
	t.Helper()
	attributes := s.attributes(t, queue)
	visible, _ := strconv.Atoi(attributes["ApproximateNumberOfMessages"])
	hidden, _ := strconv.Atoi(attributes["ApproximateNumberOfMessagesNotVisible"])
	return visible + hidden
}

func (s *stack) waitForEmptyQueue(t *testing.T) {
	t.Helper()
	program.WaitUntil(t, 2*effectTimeout, "the queue is empty", func() bool { return s.depth(t, s.queue) == 0 })
}

// testOutage takes DynamoDB away under a batch. While the batch waits for its next receive, the signing secret is
// replaced.
func (s *stack) testOutage(t *testing.T) {
	s.aws.down.Store(true)
	var ids []string
	for i := range 10 {
		name := fmt.Sprintf("outage_%d", i)
		s.deliver(t, request{id: "msg_" + name, body: withID(sample(t, "user.created"), "user_"+name)}, effectTimeout)
		ids = append(ids, "msg_"+name)
	}
	ids = append(ids, s.replaceSecret(t)...)
	if n := s.depth(t, s.queue); n != len(ids) {
		t.Errorf("%d messages wait, want all %d", n, len(ids))
	}
	s.aws.down.Store(false)
	s.waitForOutcomes(t, 3*effectTimeout, ids...)
	log := s.logs(t, "SyncFunction", "msg_outage")
	for _, id := range ids[:10] {
		for _, outcome := range []string{"failed", "applied"} {
			line := fmt.Sprintf(`"svix_id":%q,"event_type":"user.created","entity":"user/%s","outcome":%q`,
				id, strings.Replace(id, "msg_", "user_", 1), outcome)
			if !strings.Contains(log, line) {
				t.Errorf("sam logs has no line with %s:\n%s", line, log[:min(len(log), 2000)])
			}
		}
	}
	t.Logf("DynamoDB away: %d calls refused, whole batches failed, all %d messages were received again and applied",
		s.aws.refused.Load(), len(ids))
}

// replaceSecret replaces the secret twice without a deploy and returns the ids of the messages that were accepted.
func (s *stack) replaceSecret(t *testing.T) (ids []string) {
	t.Helper()
	const first, second = svixtest.Secret, svixtest.OtherSecret
	accept := func(name, secret string) time.Duration {
		began := time.Now()
		body := withID(sample(t, "user.created"), "user_"+name)
		s.deliver(t, request{id: "msg_" + name, body: body, secret: secret}, secretRefresh)
		ids = append(ids, "msg_"+name)
		return time.Since(began).Round(time.Second)
	}
	s.setSecret(t, second)
	t.Logf("secret replaced: the new one accepted after %v", accept("second", second))
	old := request{id: "msg_old_secret", body: sample(t, "user.created"), secret: first}
	s.wantAnswer(t, old, http.StatusBadRequest, `{"error":"invalid_signature"}`)
	s.setSecret(t, first+","+second)
	t.Logf("both listed: the first accepted after %v", accept("both_first", first))
	accept("both_second", second)
	return ids
}
