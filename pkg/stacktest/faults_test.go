package stacktest_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/clerksync/clerksync/pkg/clerktest"
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
	const first, second = clerktest.Secret, clerktest.OtherSecret
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

// redeploy changes both functions while events come in.
func (s *stack) redeploy(t *testing.T) {
	// The emulator kills a function that is at work when it is changed, where
	// Lambda lets it finish; its batch is back after the queue's visibility
	// timeout. Six minutes of that are long for a test.
	if _, err := s.queues.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: &s.queue, Attributes: map[string]string{"VisibilityTimeout": "20"},
	}); err != nil {
		t.Fatal(err)
	}
	deadBefore := s.depth(t, s.deadLetters)
	var (
		done   atomic.Bool
		mu     sync.Mutex
		users  []string
		again  int
		errs   []error
		source sync.WaitGroup
	)
	for worker := range 3 {
		source.Go(func() {
			for i := 0; !done.Load() && i < 200; i++ {
				user := fmt.Sprintf("user_flight_%d_%d", worker, i)
				attempts := 0
				// The update comes first, and twice; the creation is late.
				for _, name := range []string{"user.updated", "user.updated", "user.created"} {
					n, err := s.deliver(t.Context(), request{id: flightID(name, user), body: withID(sample(t, name), user)}, 2*soon)
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
					attempts += n - 1
				}
				mu.Lock()
				users, again = append(users, user), again+attempts
				mu.Unlock()
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
	before := s.configuration(t, s.ingest)
	// Other code of the same sources: the two main packages without inlining.
	s.build(t, "GOFLAGS=-gcflags=github.com/clerksync/clerksync/functions/...=-l")
	s.deploy(t, "LogLevel=WARN")
	time.Sleep(2 * time.Second)
	done.Store(true)
	source.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	after := s.configuration(t, s.ingest)
	if got := after.Environment.Variables["LOG_LEVEL"]; got != "WARN" {
		t.Errorf("LOG_LEVEL of the deployed function = %q, want WARN", got)
	}
	if after.CodeSha256 == before.CodeSha256 {
		t.Errorf("the deployed function is still %s", after.CodeSha256)
	}

	var ids []string
	for _, user := range users {
		ids = append(ids, flightID("user.updated", user), flightID("user.created", user))
	}
	s.outcomes(t, 3*soon, ids...)
	s.drained(t)
	rows, err := s.scan(t.Context(), s.directory)
	if err != nil {
		t.Fatal(err)
	}
	flown := slices.DeleteFunc(rows, func(r row) bool { return !strings.HasPrefix(r.text("pk"), "USER#user_flight_") })
	for _, r := range flown {
		if want := flightID("user.updated", r.text("id")); r.text("svix_id") != want {
			t.Errorf("%s is as %s left it, want %s", r.text("pk"), r.text("svix_id"), want)
		}
	}
	if len(flown) != len(users) {
		t.Errorf("%d rows, want %d", len(flown), len(users))
	}
	if dead := s.depth(t, s.deadLetters); dead != deadBefore {
		t.Errorf("%d dead letters, want %d as before", dead, deadBefore)
	}
	t.Logf("%d users' events in flight over a second sam deploy (%d posts sent again): %d messages recorded once, %d rows right, none dead",
		len(users), again, len(ids), len(flown))
}

func flightID(name, user string) string {
	return "msg_" + strings.TrimPrefix(name, "user.") + strings.TrimPrefix(user, "user")
}

// configuration is a deployed function's.
type configuration struct {
	CodeSha256  string
	Environment struct{ Variables map[string]string }
}

func (s *stack) configuration(t *testing.T, function string) (c configuration) {
	t.Helper()
	s.call(t, "lambda", "GET", "/2015-03-31/functions/"+function+"/configuration", nil, &c)
	return c
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
