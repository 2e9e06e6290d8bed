package deployed_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/test/program"
)

// The phases of a deploy in which posts are counted.
const (
	beforeDeploy = iota
	duringDeploy
	afterDeploy
)

// minUsers is how many users' events are posted at least before the deploy, and after it.
const minUsers = 10

// traffic is the events of many users, posted while a deploy runs.
type traffic struct {
	stack            *stack
	updated, created string // bodies

	phase atomic.Int32
	done  atomic.Bool

	mu       sync.Mutex
	users    []string // whose events were all answered 200
	answered [3]int   // posts with a 200, by the phase in which they began
	retried  int
	errs     []error
}

// testRedeploy changes both functions while events come in. None may be lost, and none applied twice.
func (s *stack) testRedeploy(t *testing.T) {
	// The emulator kills a function that is at work when it is changed, where Lambda lets it finish; its batch is back
	// after the queue's visibility timeout. Six minutes of that are long for a test.
	if _, err := s.queues.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: &s.queue, Attributes: map[string]string{"VisibilityTimeout": "20"},
	}); err != nil {
		t.Fatal(err)
	}
	deadBefore, old := s.depth(t, s.deadLetters), s.configuration(t, s.ingest)
	f := &traffic{stack: s, updated: sample(t, "user.updated"), created: sample(t, "user.created")}
	f.postDuring(t, func() {
		// The same sources with other code: the two main packages without inlining.
		s.build(t, "GOFLAGS=-gcflags=github.com/clerksync/clerksync/functions/...=-l")
		s.deploy(t, "LogLevel=DEBUG")
	})
	if err := errors.Join(f.errs...); err != nil {
		t.Fatal(err)
	}
	deployed := s.configuration(t, s.ingest)
	if got := deployed.Environment.Variables["LOG_LEVEL"]; got != "DEBUG" {
		t.Errorf("LOG_LEVEL of the deployed function = %q, want DEBUG", got)
	}
	if deployed.CodeSha256 == old.CodeSha256 {
		t.Errorf("the deployed function is still %s", old.CodeSha256)
	}
	forged := request{id: "msg_forged_after_deploy", body: f.updated, tamper: true}
	s.wantAnswer(t, forged, http.StatusBadRequest, `{"error":"invalid_signature"}`)
	if log := s.logs(t, "IngestFunction", forged.id); !strings.Contains(log, `"level":"DEBUG"`) {
		t.Errorf("a rejected request, logged at DEBUG only, is not in the log: the old function answers:\n%s", log)
	}
	f.checkEffects(t)
	if dead := s.depth(t, s.deadLetters); dead != deadBefore {
		t.Errorf("%d dead letters, want %d as before", dead, deadBefore)
	}
	t.Logf("%d users' events over a second sam deploy: %v posts answered before, during and after it, %d retried",
		len(f.users), f.answered, f.retried)
}

// postDuring posts events while deploy runs, from before it until after.
func (f *traffic) postDuring(t *testing.T, deploy func()) {
	t.Helper()
	var workers sync.WaitGroup
	defer workers.Wait()
	defer f.done.Store(true)
	for worker := range 3 {
		workers.Go(func() {
			for i := 0; !f.done.Load() && t.Context().Err() == nil; i++ {
				f.postUser(t, fmt.Sprintf("user_traffic_%d_%d", worker, i))
				time.Sleep(200 * time.Millisecond)
			}
		})
	}
	f.waitForPosts(t, beforeDeploy)
	f.phase.Store(duringDeploy)
	deploy()
	f.phase.Store(afterDeploy)
	f.waitForPosts(t, afterDeploy)
}

// waitForPosts waits until the posts of minUsers users were answered in that phase.
func (f *traffic) waitForPosts(t *testing.T, phase int) {
	t.Helper()
	program.WaitUntil(t, effectTimeout, "posts are answered before and after the deploy", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.answered[phase] >= 3*minUsers && len(f.users) >= minUsers
	})
}

// postUser posts a user's events: the update first and twice, then the creation, which is late.
func (f *traffic) postUser(t *testing.T, user string) {
	t.Helper()
	creation := request{id: trafficID("user.created", user), body: withID(f.created, user)}
	for _, r := range []request{f.update(user), f.update(user), creation} {
		phase := f.phase.Load()
		attempts, err := f.stack.tryDeliver(t.Context(), r, 2*effectTimeout)
		f.mu.Lock()
		if f.retried += attempts - 1; err != nil {
			f.errs = append(f.errs, err)
		} else {
			f.answered[phase]++
		}
		f.mu.Unlock()
	}
	f.mu.Lock()
	f.users = append(f.users, user)
	f.mu.Unlock()
}

func (f *traffic) update(user string) request {
	return request{id: trafficID("user.updated", user), body: withID(f.updated, user)}
}

// checkEffects wants every user in the table as the update left it, and messages that are sent again to change nothing.
func (f *traffic) checkEffects(t *testing.T) {
	t.Helper()
	var ids []string
	for _, user := range f.users {
		ids = append(ids, trafficID("user.updated", user), trafficID("user.created", user))
	}
	f.stack.waitForOutcomes(t, 3*effectTimeout, ids...)
	f.stack.waitForEmptyQueue(t)
	rows := f.rows(t)
	if len(rows) != len(f.users) {
		t.Errorf("%d rows, want %d", len(rows), len(f.users))
	}
	for _, user := range f.users {
		if got, want := rows["USER#"+user].text("svix_id"), trafficID("user.updated", user); got != want {
			t.Errorf("%s was written last by %q, want %s", user, got, want)
		}
	}
	for _, user := range f.users[:minUsers] { // posted before the deploy, and once more after it
		f.stack.wantReceived(t, f.update(user))
	}
	f.stack.waitForEmptyQueue(t)
	if diff := cmp.Diff(rows, f.rows(t)); diff != "" {
		t.Errorf("messages that were sent again after the deploy changed rows (-before +after):\n%s", diff)
	}
	f.checkLoggedOnce(t, ids)
}

// rows are those of the traffic's users, the time of writing included, by their pk.
func (f *traffic) rows(t *testing.T) map[string]row {
	t.Helper()
	rows := map[string]row{}
	for _, r := range f.stack.scan(t, f.stack.directory) {
		if strings.HasPrefix(r.text("pk"), "USER#user_traffic_") {
			rows[r.text("pk")] = r
		}
	}
	return rows
}

var outcomeLine = regexp.MustCompile(
	`"svix_id":"([^"]+)","event_type":"[^"]+","entity":"[^"]+","outcome":"([^"]+)"`)

// checkLoggedOnce wants the old and the new function together to have logged one effect for each id at most: whatever
// is received again is a duplicate. The emulator may lose the last lines of a function that it kills, so that a few
// effects are missing in the log; that the messages had them, the table shows.
func (f *traffic) checkLoggedOnce(t *testing.T, ids []string) {
	t.Helper()
	outcomes := map[string][]string{} // by id
	for _, line := range outcomeLine.FindAllStringSubmatch(f.stack.logs(t, "SyncFunction", "_traffic_"), -1) {
		outcomes[line[1]] = append(outcomes[line[1]], line[2])
	}
	effects, duplicates := 0, 0
	for _, id := range ids {
		n := 0
		for _, outcome := range outcomes[id] {
			if outcome == "applied" || outcome == "stale" {
				n++
			}
		}
		if n > 1 {
			t.Errorf("%s had its effect %d times, want once: sync logged %v", id, n, outcomes[id])
		}
		effects += n
		if slices.Contains(outcomes[id], "duplicate") {
			duplicates++
		}
	}
	if least := len(ids) * 9 / 10; effects < least {
		t.Errorf("sync's log holds the effects of %d messages, want at least %d of %d", effects, least, len(ids))
	}
	if least := len(f.users) * 9 / 10; duplicates < least {
		t.Errorf("sync's log has %d duplicates, want at least %d of the %d messages that were sent twice",
			duplicates, least, len(f.users))
	}
	t.Logf("%d messages in the table: sync's log has %d effects and %d duplicates", len(ids), effects, duplicates)
}

func trafficID(name, user string) string {
	return "msg_" + strings.TrimPrefix(name, "user.") + strings.TrimPrefix(user, "user")
}

// configuration is a deployed function's.
type configuration struct {
	CodeSha256  string
	Environment struct{ Variables map[string]string }
}

func (s *stack) configuration(t *testing.T, function string) (c configuration) {
	t.Helper()
	s.aws.callREST(t, "lambda", "GET", "/2015-03-31/functions/"+function+"/configuration", nil, &c)
	return c
}
