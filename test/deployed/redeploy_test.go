package deployed_test

import (
	"context"
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
)

// The stages of a deploy, and of how many users events are to be in before and
// after it.
const (
	before = iota
	during
	after

	few = 10
)

// flight is the events of many users that come in over a deploy.
type flight struct {
	*stack
	updated, created string // bodies

	stage atomic.Int32
	done  atomic.Bool

	mu       sync.Mutex
	users    []string
	answered [3]int // 200, by the stage in which they were posted
	again    int    // posts that were sent again
	errs     []error
}

// user's update comes first, and twice; the creation is late.
func (f *flight) user(ctx context.Context, user string) {
	for _, r := range []request{f.update(user), f.update(user), {id: flightID("user.created", user), body: withID(f.created, user)}} {
		stage := f.stage.Load()
		attempts, err := f.deliver(ctx, r, 2*soon)
		f.mu.Lock()
		if f.again += attempts - 1; err != nil {
			f.errs = append(f.errs, err)
		} else {
			f.answered[stage]++
		}
		f.mu.Unlock()
	}
	f.mu.Lock()
	f.users = append(f.users, user)
	f.mu.Unlock()
}

func (f *flight) update(user string) request {
	return request{id: flightID("user.updated", user), body: withID(f.updated, user)}
}

// in says whether the posts of a few users were answered at that stage.
func (f *flight) in(stage int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.answered[stage] >= 3*few && len(f.users) >= few
}

// over sends events while deploy works, from before it until after.
func (f *flight) over(t *testing.T, deploy func()) {
	t.Helper()
	var source sync.WaitGroup
	defer source.Wait()
	defer f.done.Store(true)
	for worker := range 3 {
		source.Go(func() {
			for i := 0; !f.done.Load() && t.Context().Err() == nil; i++ {
				f.user(t.Context(), fmt.Sprintf("user_flight_%d_%d", worker, i))
				time.Sleep(200 * time.Millisecond)
			}
		})
	}
	within(t, soon, "posts answered before the deploy", func() bool { return f.in(before) })
	f.stage.Store(during)
	deploy()
	f.stage.Store(after)
	within(t, soon, "posts answered after the deploy", func() bool { return f.in(after) })
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
	was := s.configuration(t, s.ingest)
	f := &flight{stack: s, updated: sample(t, "user.updated"), created: sample(t, "user.created")}
	f.over(t, func() {
		// Other code of the same sources: the two main packages without inlining.
		s.build(t, "GOFLAGS=-gcflags=github.com/clerksync/clerksync/functions/...=-l")
		s.deploy(t, "LogLevel=DEBUG")
	})
	if err := errors.Join(f.errs...); err != nil {
		t.Fatal(err)
	}
	is := s.configuration(t, s.ingest)
	if got := is.Environment.Variables["LOG_LEVEL"]; got != "DEBUG" {
		t.Errorf("LOG_LEVEL of the deployed function = %q, want DEBUG", got)
	}
	if is.CodeSha256 == was.CodeSha256 {
		t.Errorf("the deployed function is still %s", is.CodeSha256)
	}
	s.answers(t, request{id: "msg_refused_since", body: f.updated, tamper: true}, http.StatusBadRequest, `{"error":"invalid_signature"}`)
	if log := s.logs(t, "IngestFunction", "msg_refused_since"); !strings.Contains(log, `"level":"DEBUG"`) {
		t.Errorf("a refused request, which is logged at DEBUG alone, is not in the log: what was deployed does not answer:\n%s", log)
	}
	f.landed(t)
	if dead := s.depth(t, s.deadLetters); dead != deadBefore {
		t.Errorf("%d dead letters, want %d as before", dead, deadBefore)
	}
	t.Logf("%d users' events in flight over a second sam deploy: %d, %d and %d posts answered before, during and after it, %d sent again; none dead",
		len(f.users), f.answered[before], f.answered[during], f.answered[after], f.again)
}

// landed looks at what became of the flight: nothing is lost, nothing doubled.
func (f *flight) landed(t *testing.T) {
	t.Helper()
	var ids []string
	for _, user := range f.users {
		ids = append(ids, flightID("user.updated", user), flightID("user.created", user))
	}
	f.outcomes(t, 3*soon, ids...)
	f.drained(t)
	rows := f.rows(t)
	if len(rows) != len(f.users) {
		t.Errorf("%d rows, want %d", len(rows), len(f.users))
	}
	for _, user := range f.users {
		if got, want := rows["USER#"+user].text("svix_id"), flightID("user.updated", user); got != want {
			t.Errorf("%s is as %q left it, want %s", user, got, want)
		}
	}
	for _, user := range f.users[:few] { // that came before the deploy, and once more after it
		r := f.update(user)
		f.answers(t, r, http.StatusOK, `{"received":true,"id":"`+r.id+`"}`)
	}
	f.drained(t)
	if diff := cmp.Diff(rows, f.rows(t)); diff != "" {
		t.Errorf("messages that came again after the deploy changed rows, the time of writing included (-before +after):\n%s", diff)
	}
	f.once(t, ids)
}

// rows of the flight's users, whole, by their pk.
func (f *flight) rows(t *testing.T) map[string]row {
	t.Helper()
	all, err := f.scan(t.Context(), f.directory)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]row{}
	for _, r := range all {
		if strings.HasPrefix(r.text("pk"), "USER#user_flight_") {
			rows[r.text("pk")] = r
		}
	}
	return rows
}

var became = regexp.MustCompile(`"svix_id":"([^"]+)","event_type":"[^"]+","entity":"[^"]+","outcome":"([^"]+)"`)

// once holds what the deployed function says of each message, deploy after
// deploy, against one effect for each id: whatever comes again is a duplicate.
// The emulator may lose the last lines of a function that it kills, so a few
// effects may be untold; that the messages had them, the table says.
func (f *flight) once(t *testing.T, ids []string) {
	t.Helper()
	told := map[string][]string{}
	for _, line := range became.FindAllStringSubmatch(f.logs(t, "SyncFunction", "_flight_"), -1) {
		told[line[1]] = append(told[line[1]], line[2])
	}
	effects, duplicates := 0, 0
	for _, id := range ids {
		had := slices.DeleteFunc(slices.Clone(told[id]), func(outcome string) bool { return outcome != "applied" && outcome != "stale" })
		if len(had) > 1 {
			t.Errorf("%s had its effect %d times, want once: sync says %v", id, len(had), told[id])
		}
		effects += len(had)
		if slices.Contains(told[id], "duplicate") {
			duplicates++
		}
	}
	if least := len(ids) * 9 / 10; effects < least {
		t.Errorf("sync's log tells the effects of %d messages, want at least %d of %d", effects, least, len(ids))
	}
	if least := len(f.users) * 9 / 10; duplicates < least {
		t.Errorf("sync's log calls %d messages a duplicate, want at least %d of the %d that were sent twice", duplicates, least, len(f.users))
	}
	t.Logf("%d messages in the table: sync's log tells %d effects, and %d messages that came again and were duplicates", len(ids), effects, duplicates)
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
