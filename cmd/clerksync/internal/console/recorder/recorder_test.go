package recorder_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/directory"
)

const applied = "applied"

// What passes is seen whole: the request, its answer, the attempt, the row before
// and after.
func TestMessageFromPostToRow(t *testing.T) {
	t.Parallel()
	h := start(t, recorder.Limits{}, nil)
	created := sample(t, "user.created")
	h.post(signed("msg_a", created), "authorization", "Bearer abc", "user-agent", "Svix-Webhooks/1.0")
	m := h.wait("msg_a", applied)
	if string(m.Body) != created || m.EventType != "user.created" || !strings.HasPrefix(m.Entity, "user/") {
		t.Errorf("message = %s %s, body of %d bytes, want the user's", m.EventType, m.Entity, len(m.Body))
	}
	h.until("the answer is recorded", func() bool {
		m, _ = h.Message("msg_a")
		return m.Requests[0].Status != 0
	})
	q := m.Requests[0]
	if q.Status != http.StatusOK || !strings.Contains(q.Answer, `"id":"msg_a"`) || q.Header.Get("svix-id") != "msg_a" {
		t.Errorf("request = %+v, want its headers and answer", q)
	}
	if len(q.Header) != 3 || !slices.Contains(q.Hidden, "Authorization") || !slices.Contains(q.Hidden, "User-Agent") {
		t.Errorf("headers = %v, hidden %v, want the signed three, and the others' names alone", q.Header, q.Hidden)
	}
	if len(m.Attempts) != 1 || m.Attempts[0].Number != 1 || m.Attempts[0].Lag <= 0 {
		t.Errorf("attempts = %+v, want one", m.Attempts)
	}
	if len(m.Writes) != 1 || m.Writes[0].Before != nil || !m.Writes[0].BeforeKnown {
		t.Fatalf("writes = %+v, want one where there was no row", m.Writes)
	}

	m = h.send("msg_b", sample(t, "user.updated"), applied)
	w := m.Writes[0]
	if w.Before.Text("first_name") != "Jonah" || w.Wanted.Text("first_name") != "Jonah T." {
		t.Errorf("first_name = %q, then %q, want the name before and after",
			w.Before["first_name"], w.Wanted["first_name"])
	}
}

// A message that lost shows the row that won and what it wanted, whether it found
// out by a write or, as a deletion does, by a read.
func TestStaleMessage(t *testing.T) {
	t.Parallel()
	h := start(t, recorder.Limits{}, nil)
	h.send("msg_new", sample(t, "user.updated"), applied)
	for id, body := range map[string]string{
		"msg_old": sample(t, "user.created"),
	} {
		w := h.sendStale(id, body)
		if w.Outcome != recorder.WriteStale || !strings.Contains(w.Reason, "newer") ||
			w.Before.Text("svix_id") != "msg_new" || w.Wanted.Text("svix_id") != id {
			t.Errorf("%s: write = %+v, want it stale beside the row of msg_new", id, w)
		}
	}
	deleted := sample(t, "user.deleted")
	h.send("msg_gone2", deleted, applied)
	w := h.sendStale("msg_gone1", deleted)
	if w.Outcome != recorder.WriteStale || w.Wanted.Text("svix_id") != "msg_gone1" || !w.Before.Gone() {
		t.Errorf("a second deletion: write = %+v, want it stale", w)
	}
	outcomes := []string{}
	for _, w := range h.History(w.Key) {
		outcomes = append(outcomes, w.SvixID+" "+w.Outcome)
	}
	want := []string{"msg_new applied", "msg_old stale", "msg_gone2 applied", "msg_gone1 stale"}
	if diff := cmp.Diff(want, outcomes); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

// A deletion has the children that it deleted below it.
func TestDeletionShowsItsChildren(t *testing.T) {
	t.Parallel()
	h := start(t, recorder.Limits{}, nil)
	for _, name := range []string{
		"organization.created", "user.created", "organizationMembership.created", "organizationInvitation.created",
	} {
		h.send("msg_"+strings.ReplaceAll(name, ".", "_"), sample(t, name), applied)
	}
	m := h.send("msg_end", sample(t, "organization.deleted"), applied)
	var kinds []string
	for _, w := range m.Writes {
		if w.Child != (w.Key.SK != "ORG") || w.Before == nil || !w.Wanted.Gone() {
			t.Errorf("write of %v: child %v, before %v", w.Key, w.Child, w.Before != nil)
		}
		kinds = append(kinds, w.Wanted.Text("kind"))
	}
	slices.Sort(kinds)
	if diff := cmp.Diff([]string{"invitation", "membership", "organization"}, kinds); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}

// A second copy leaves the first outcome.
func TestDuplicateKeepsTheFirstOutcome(t *testing.T) {
	t.Parallel()
	h := start(t, recorder.Limits{}, nil)
	body := sample(t, "user.created")
	h.send("msg_a", body, applied)
	h.post(signed("msg_a", body))
	var m recorder.Message
	h.until("the copy is done", func() bool {
		m, _ = h.Message("msg_a")
		return len(m.Attempts) == 2
	})
	if m.Outcome != applied || len(m.Requests) != 2 || m.Attempts[1].Outcome != "duplicate" ||
		!strings.Contains(m.Attempts[1].Reason, "first") {
		t.Errorf("message = %s, attempts %+v, want it applied with a duplicate after it", m.Outcome, m.Attempts)
	}
	if page := h.Messages(recorder.Filter{}, 10); len(page.Messages) != 1 {
		t.Errorf("%d messages, want one", len(page.Messages))
	}
}

// lossy is a table whose answers are lost while lose is set: what was asked is
// done.
type lossy struct {
	directory.Table
	lose *atomic.Int64
}

func (l lossy) Write(ctx context.Context, w directory.Write) (directory.Result, error) {
	result, err := l.Table.Write(ctx, w)
	if l.lose.Add(-1) >= 0 {
		return 0, errors.New("the answer is lost")
	}
	return result, err
}

// A write whose answer was lost is in the history once it is known that it took
// place. The attempt that finds it is a duplicate, the message is applied.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	var lose atomic.Int64
	h := start(t, recorder.Limits{}, func(next directory.Table) directory.Table { return lossy{next, &lose} })
	lose.Store(1)
	m := h.send("msg_a", sample(t, "user.created"), applied)
	if n := len(m.Attempts); m.Attempts[n-1].Outcome != "duplicate" {
		t.Errorf("attempts = %+v, want the last a duplicate", m.Attempts)
	}
	if len(m.Writes) != 1 || m.Writes[0].Outcome != recorder.WriteApplied {
		t.Errorf("writes = %+v, want the one that took place", m.Writes)
	}
	w := h.send("msg_b", sample(t, "user.updated"), applied).Writes[0]
	if w.Before.Text("svix_id") != "msg_a" {
		t.Errorf("before msg_b = %v, want the row of msg_a", w.Before)
	}
}

// What comes by the queue alone is a message, too; what nobody can apply is dead,
// and alive again when it is sent once more.
func TestMessagesByTheQueueAlone(t *testing.T) {
	t.Parallel()
	h := start(t, recorder.Limits{}, nil)
	const broken = `{"type":"user.created","data":{"id":"user_x","updated_at":-5},"object":"event","timestamp":1}`
	m := h.send("msg_dead", broken, "dead")
	if m.Reason == "" || strings.Contains(m.Reason, "projector:") || !m.Ended() {
		t.Errorf("dead = %+v, want its reason in plain words", m)
	}
	dead := emulatortest.Receive(t, h.p.SQS, h.p.DeadLetterQueueURL)
	if len(dead) != 1 {
		t.Fatalf("%d dead letters, want one", len(dead))
	}
	h.Clear()
	if _, ok := h.Message("msg_dead"); ok {
		t.Fatal("Clear has left a message")
	}
	h.requeue(dead[0])
	if m = h.wait("msg_dead", "dead"); len(m.Requests) != 0 || m.EventType != "user.created" || !m.Proven {
		t.Errorf("redriven = %+v, want a message without request", m)
	}
}
