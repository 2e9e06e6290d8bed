package recorder_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/internal/emulator/emulatortest"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
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
		w := h.send(id, body, "stale").Writes[0]
		if w.Outcome != recorder.WriteStale || !strings.Contains(w.Reason, "newer") ||
			w.Before.Text("svix_id") != "msg_new" || w.Wanted.Text("svix_id") != id {
			t.Errorf("%s: write = %+v, want it stale beside the row of msg_new", id, w)
		}
	}
	deleted := sample(t, "user.deleted")
	h.send("msg_gone2", deleted, applied)
	w := h.send("msg_gone1", deleted, "stale").Writes[0]
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

// Nobody takes the id of a message without its signature, before it or after.
func TestForgedRequestClaimsNoID(t *testing.T) {
	t.Parallel()
	h := start(t, recorder.Limits{}, nil)
	body := sample(t, "user.created")
	h.post(forged("msg_a", body))
	if m := h.wait("msg_a", "rejected"); m.Proven || m.Reason != "invalid_signature" || m.EventType != "user.created" {
		t.Errorf("forged = %+v, want it rejected and not proven", m)
	}
	m := h.send("msg_a", body, applied)
	if !m.Proven || len(m.Requests) != 2 || m.Requests[0].Proven || !m.Requests[1].Proven {
		t.Errorf("genuine after forged = %+v, want both requests below it", m)
	}
	h.post(forged("msg_a", body+" "))
	m, _ = h.Message("msg_a")
	if m.Outcome != applied || len(m.Requests) != 3 || m.Requests[2].Proven || string(m.Body) != body {
		t.Errorf("forged after genuine: %s with %d requests, want the message as it was", m.Outcome, len(m.Requests))
	}
	if n := h.Counts(); n.Kept != 1 || n.Rejected != 0 {
		t.Errorf("counts = %d kept, %d rejected, want one message", n.Kept, n.Rejected)
	}
	h.post(svixtest.Request{})
	h.wait("req_1", "rejected")
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

// Of what is ignored nothing is kept but type and size: it may hold codes. That
// goes for what nobody has signed, too, and for what cannot be read.
func TestIgnoredBodiesAreNotKept(t *testing.T) {
	t.Parallel()
	h := start(t, recorder.Limits{}, nil)
	const code = `{"type":"email.created","data":{"otp_code":"428913"},"object":"event"}`
	h.post(signed("msg_mail", code))
	h.post(forged("msg_forged", code))
	h.post(signed("msg_cut", code[:len(code)-5]))
	for id, outcome := range map[string]string{"msg_mail": "ignored", "msg_forged": "rejected", "msg_cut": "rejected"} {
		m := h.wait(id, outcome)
		if m.Body != nil || m.Requests[0].Body != nil || m.Size == 0 {
			t.Errorf("%s: body %q of size %d, want the size alone", id, m.Body, m.Size)
		}
	}
	if m, _ := h.Message("msg_mail"); m.EventType != "email.created" || m.Reason != "type" {
		t.Errorf("ignored = %s, %s, want its type and the reason", m.EventType, m.Reason)
	}
	for _, text := range []string{"428913", "otp"} {
		if page := h.Messages(recorder.Filter{Text: text}, 10); page.Matching != 0 {
			t.Errorf("%q is found in %d bodies", text, page.Matching)
		}
	}
}

// An invitation's url lets whoever has it in.
func TestMaskedInvitation(t *testing.T) {
	t.Parallel()
	const head = `{"type":"organizationInvitation.created", "data" :{"id":"i","n":1e400,`
	const tail = `"z":[{"url":"kept"}]}}`
	const users = `{"type":"user.created","data":{"url":"mine"}}`
	for name, row := range map[string]struct{ in, want string }{
		"one":     {in: head + `"url":"https://s",` + tail, want: head + `"url":` + recorder.Masked + "," + tail},
		"escaped": {in: head + `"\u0075rl" : "s",` + tail, want: head + `"\u0075rl" : ` + recorder.Masked + "," + tail},
		"doubled": {
			in:   head + `"url":"s","url":{"a":"s"},` + tail,
			want: head + `"url":` + recorder.Masked + `,"url":` + recorder.Masked + "," + tail,
		},
		"none":       {in: head + tail, want: head + tail},
		"no url":     {in: users, want: users},
		"no event":   {in: `{"data":{"url":"mine"}}`, want: `{"data":{"url":"mine"}}`},
		"not JSON":   {in: `{"url":`, want: `{"url":`},
		"of no size": {in: ``, want: ``},
	} {
		if got := string(recorder.Mask([]byte(row.in))); got != row.want {
			t.Errorf("%s: Mask(%s) = %s, want %s", name, row.in, got, row.want)
		}
	}
	h := start(t, recorder.Limits{}, nil)
	body := sample(t, "organizationInvitation.created")
	m := h.send("msg_a", body, applied)
	if string(m.Body) != body {
		t.Error("the bytes are not as they were sent: they could not be sent again")
	}
	if bytes.Contains(recorder.Mask(m.Body), []byte("FAKE-TICKET")) || !strings.Contains(body, "FAKE-TICKET") {
		t.Error("the ticket is shown")
	}
	if page := h.Messages(recorder.Filter{Text: "FAKE-TICKET"}, 10); page.Matching != 0 {
		t.Error("the ticket can be searched for")
	}
}

// The oldest messages go first, and no flood of forged ones makes a genuine one
// go.
func TestBoundedMemory(t *testing.T) {
	t.Parallel()
	limits := recorder.DefaultLimits()
	limits.Messages, limits.Rejected = 5, 3
	h := start(t, limits, nil)
	for i := range 8 {
		h.send("msg_"+strconv.Itoa(i), sample(t, "user.created"), recorder.WaitEnded)
	}
	for i := range 20 {
		h.post(forged("msg_forged"+strconv.Itoa(i), sample(t, "user.created")))
	}
	n := h.Counts()
	if n.Kept != 5 || n.Gone != 3 || n.Rejected != 3 || n.GoneRejected != 17 {
		t.Errorf("counts = %+v, want 5 kept, 3 gone, 3 rejected, 17 of these gone", n)
	}
	var ids []string
	for f := (recorder.Filter{}); ; {
		page := h.Messages(f, 3)
		for _, m := range page.Messages {
			ids = append(ids, m.ID)
		}
		if f.Before = page.Next; f.Before == 0 {
			break
		}
	}
	want := []string{"msg_forged19", "msg_forged18", "msg_forged17", "msg_7", "msg_6", "msg_5", "msg_4", "msg_3"}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if _, ok := h.Message("msg_0"); ok {
		t.Error("msg_0 is still there")
	}
}

// Bodies have a bound of their own.
func TestBoundedBodies(t *testing.T) {
	t.Parallel()
	body := sample(t, "user.created")
	limits := recorder.DefaultLimits()
	limits.BodyBytes, limits.RejectBytes = 3*len(body), len(body)-1
	h := start(t, limits, nil)
	for i := range 6 {
		h.send("msg_"+strconv.Itoa(i), body, recorder.WaitEnded)
	}
	if n := h.Counts(); n.Kept != 3 || n.Gone != 3 {
		t.Errorf("counts = %d kept, %d gone, want 3 and 3", n.Kept, n.Gone)
	}
	h.post(forged("msg_forged", body))
	if m := h.wait("msg_forged", "rejected"); m.Body != nil || m.Size != len(body) {
		t.Errorf("a long rejected body: %d bytes kept of %d", len(m.Body), m.Size)
	}
}

// Histories have a bound of their own, which lets the oldest writes go.
func TestBoundedHistory(t *testing.T) {
	t.Parallel()
	limits := recorder.DefaultLimits()
	limits.Writes = 3
	h := start(t, limits, nil)
	for i := range 5 {
		body := sample(t, "user.created", "1772447507139", strconv.Itoa(1772447507139+i))
		h.send("msg_"+strconv.Itoa(i), body, applied)
	}
	m, _ := h.Message("msg_0")
	if w := m.Writes[0]; !w.Gone || w.Wanted != nil {
		t.Errorf("the first write = %+v, want its rows gone", w)
	}
	m, _ = h.Message("msg_4")
	history := h.History(m.Writes[0].Key)
	if len(history) != 3 || history[0].SvixID != "msg_2" || history[2].Before.Text("svix_id") != "msg_3" {
		t.Errorf("history = %d writes, want the last three", len(history))
	}
	limits.Writes, limits.RowBytes = 100, 1
	if h = start(t, limits, nil); len(h.send("msg_a", sample(t, "user.created"), applied).Writes) != 1 {
		t.Error("a write that is larger than all that may be kept is not there")
	}
	m = h.send("msg_b", sample(t, "user.updated"), applied)
	if history := h.History(m.Writes[0].Key); len(history) != 1 || history[0].SvixID != "msg_b" {
		t.Errorf("history = %d writes, want the last alone", len(history))
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

// A reader gets every event once and in order; one that is too slow is told how
// many it has missed, and holds up nobody.
func TestSubscribe(t *testing.T) {
	t.Parallel()
	h := start(t, recorder.Limits{}, nil)
	s := h.Subscribe()
	h.send("msg_a", sample(t, "user.created"), applied)
	var got []string
	for len(got) < 3 {
		list, lost, err := s.Next(t.Context())
		if err != nil || lost > 0 {
			t.Fatalf("Next = %d lost, %v", lost, err)
		}
		for _, e := range list {
			got = append(got, e.Kind+" "+e.Step.Stage)
		}
	}
	slices.Sort(got) // the row may be written before ingest has heard that the queue has it
	if diff := cmp.Diff([]string{"message applied", "message queued", "row applied"}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for range 3000 {
		h.Clear()
	}
	list, lost, err := s.Next(t.Context())
	if err != nil || lost != 3000-2048 || len(list) != 2048 || list[0].Seq != 3+lost+1 {
		t.Errorf("a slow reader: %d events, %d lost, %v, want 2048 and 952", len(list), lost, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, _, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Next where nothing happens = %v, want the end of its context", err)
	}
	if list, _, _ := h.SubscribeAfter(3000).Next(t.Context()); len(list) != 3 || list[0].Seq != 3001 {
		t.Errorf("from event 3000 on: %d events, want 3", len(list))
	}
}

// Wait waits for a message that nobody has seen yet, and ends with its context.
func TestWait(t *testing.T) {
	t.Parallel()
	h := start(t, recorder.Limits{}, nil)
	done := make(chan recorder.Message)
	go func() {
		m, _, _ := h.Wait(t.Context(), "msg_a", recorder.WaitEnded)
		done <- m
	}()
	h.send("msg_a", sample(t, "user.created"), applied)
	if m := <-done; m.Outcome != applied {
		t.Errorf("Wait = %s, want applied", m.Outcome)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, seen, err := h.Wait(ctx, "msg_b", recorder.WaitEnded); seen || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait for nothing = seen %v, %v", seen, err)
	}
}

// The filters of the list.
func TestFilter(t *testing.T) {
	t.Parallel()
	h := start(t, recorder.Limits{}, nil)
	h.send("msg_a", sample(t, "user.created"), applied)
	h.send("msg_b", sample(t, "organization.created"), applied)
	h.post(forged("msg_c", sample(t, "user.updated")))
	for name, row := range map[string]struct {
		filter recorder.Filter
		want   []string
	}{
		"all":        {want: []string{"msg_c", "msg_b", "msg_a"}},
		"a type":     {filter: recorder.Filter{Type: "user.created"}, want: []string{"msg_a"}},
		"a family":   {filter: recorder.Filter{Type: "user"}, want: []string{"msg_c", "msg_a"}},
		"an outcome": {filter: recorder.Filter{Outcome: "rejected"}, want: []string{"msg_c"}},
		"an entity":  {filter: recorder.Filter{Entity: "org_2example"}, want: []string{"msg_b"}},
		"an id":      {filter: recorder.Filter{Entity: "msg_b"}, want: []string{"msg_b"}},
		"a text":     {filter: recorder.Filter{Text: "JONAH"}, want: []string{"msg_c", "msg_a"}},
		"together":   {filter: recorder.Filter{Type: "user", Outcome: applied, Text: "jonah"}, want: []string{"msg_a"}},
		"nothing":    {filter: recorder.Filter{Text: "nowhere"}},
	} {
		page := h.Messages(row.filter, 10)
		var got []string
		for _, m := range page.Messages {
			got = append(got, m.ID)
		}
		if !slices.Equal(got, row.want) || page.Matching != len(row.want) || page.All != 3 {
			t.Errorf("%s: %v of %d, want %v", name, got, page.All, row.want)
		}
	}
	if newer, older := h.Neighbours("msg_b", recorder.Filter{}); newer != "msg_c" || older != "msg_a" {
		t.Errorf("beside msg_b: %q and %q", newer, older)
	}
}

// The counts of the traffic page.
func TestCounts(t *testing.T) {
	t.Parallel()
	h := start(t, recorder.Limits{}, nil)
	h.send("msg_a", sample(t, "user.updated"), applied)
	h.send("msg_b", sample(t, "user.created"), "stale")
	n := h.Counts()
	want := map[string]int{"queued": 2, applied: 1, "stale": 1}
	if diff := cmp.Diff(want, n.Steps); diff != "" || n.Requests != 2 {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	sum := map[string]int{}
	for _, s := range n.Minute {
		for stage, count := range s.Steps {
			sum[stage] += count
		}
	}
	if diff := cmp.Diff(want, sum); diff != "" || len(n.Minute) != 60 {
		t.Errorf("steps of %d seconds (-want +got):\n%s", len(n.Minute), diff)
	}
	lags := 0
	for _, b := range n.Lag {
		lags += b.Count
	}
	if lags != 1 || n.P50 <= 0 || n.P99 < n.P50 {
		t.Errorf("%d lags, p50 %v, p99 %v, want those of one message", lags, n.P50, n.P99)
	}
}
