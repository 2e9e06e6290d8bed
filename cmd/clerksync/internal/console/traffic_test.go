package console_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/events"
)

// setFaults turns switches on or off by the API, and returns which are on then.
func (w *world) setFaults(body string, status int) string {
	w.t.Helper()
	resp, reply := ask(w.t, w.Console, request{method: http.MethodPut, path: "/api/v1/faults", body: body})
	var answer struct {
		Faults []struct {
			Name  string
			On    bool
			Until *time.Time
		}
	}
	if err := json.Unmarshal([]byte(reply), &answer); err != nil || resp.StatusCode != status {
		w.t.Errorf("PUT faults %s = %d %s, %v, want %d", body, resp.StatusCode, reply, err, status)
	}
	var on []string
	for _, f := range answer.Faults {
		if f.On != (f.Until != nil) {
			w.t.Errorf("%s: on %v until %v", f.Name, f.On, f.Until)
		}
		if f.On {
			on = append(on, f.Name)
		}
	}
	return strings.Join(on, " ")
}

// The page shows what went through: how much, how fast, and what waits.
func TestTrafficPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fiveMessages(w)
	const empty = `<p id="depth">0 on the queue, 0 taken or waiting for another attempt, 0 held back</p>`
	w.until("the queue is empty", func() bool { return strings.Contains(w.page("/traffic"), empty) })
	page := w.page("/traffic")
	const three = `<td class="number">3</td><td class="number">3</td>`
	const two = `<td class="number">2</td><td class="number">2</td>`
	for what, want := range map[string]string{
		"three are applied":     `<td><span class="outcome applied">● applied</span></td>` + three,
		"two are stale":         `<td><span class="outcome stale">◐ stale</span></td>` + two,
		"the median":            `<strong id="p50">`,
		"a bar with its second": ` applied`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%s: the page has no %s", what, want)
		}
	}
	if !strings.Contains(page, `height="120" class="applied"`) {
		t.Error("there is no bar")
	}
	if strings.Contains(page, `id="p50">0 ms`) || strings.Contains(page, "ZgotmplZ") {
		t.Error("there is no time from receipt to row, or something that a template refused")
	}
}

// A switch that is on is seen on every page, does what it says, and what it held up
// is tried at once when it is off.
func TestFaultsFromThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if page := w.page("/directory"); strings.Contains(page, "faultbar") {
		t.Error("a page shows a fault while none is on")
	}
	post := func(path, form string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.Console.URL+path, strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		return resp.Request.URL.String() + " " + resp.Status
	}
	if got := post("/traffic/faults", "name=dynamodb_down&on=1"); !strings.HasSuffix(got, "/traffic 200 OK") {
		t.Errorf("turning a switch on leads to %s", got)
	}
	for _, path := range []string{"/directory", "/order", "/traffic", "/dead-letters"} {
		if page := w.page(path); !strings.Contains(page, "<strong>DynamoDB down</strong> until") {
			t.Errorf("%s does not show that DynamoDB is down", path)
		}
	}
	body, err := events.Body("user.created")
	if err != nil {
		t.Fatal(err)
	}
	h, body := w.signer.Sign(webhook.Request{ID: "msg_down", Body: body})
	if a, err := webhook.Post(t.Context(), w.Pipeline.WebhookURL, h, body); err != nil || !a.Accepted() {
		t.Fatalf("post while DynamoDB is down: %+v, %v", a, err)
	}
	w.until("it has failed", func() bool {
		m, ok := w.Recorder.Message("msg_down")
		return ok && m.Outcome == "failed"
	})
	if got := post("/traffic/faults", "name=dynamodb_down"); !strings.HasSuffix(got, "/traffic 200 OK") {
		t.Errorf("turning a switch off leads to %s", got)
	}
	if got := post("/traffic/retry", ""); !strings.HasSuffix(got, "/traffic?tried=1 200 OK") {
		t.Errorf("trying what waits leads to %s, want one message", got)
	}
	w.until("it is applied", func() bool {
		m, _ := w.Recorder.Message("msg_down")
		return m.Outcome == "applied"
	})
	if got := post("/traffic/faults", "name=gravity&on=1"); !strings.HasSuffix(got, "400 Bad Request") {
		t.Errorf("an unknown switch = %s", got)
	}
}

// Scripts turn switches on and off by name, all that they name or none.
func TestAPIFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, row := range []struct {
		body   string
		status int
		want   string
	}{
		{body: `{"sqs_down":true,"twice":true}`, status: 200, want: "sqs_down twice"},
		{body: `{"sqs_down":false}`, status: 200, want: "twice"},
		{body: `{"shuffle":true,"gravity":true}`, status: 400},
		{body: `[]`, status: 400},
		{body: `{}`, status: 200, want: "twice"},
	} {
		if got := w.setFaults(row.body, row.status); got != row.want {
			t.Errorf("after %s on: %q, want %q", row.body, got, row.want)
		}
	}
}

// Where the engines are not in this process there is nothing to break.
func TestFaultsOfOutsideEngines(t *testing.T) {
	t.Parallel()
	c := startConsole(t, console.Options{
		Deployment: &deployment.Deployment{},
		Dev: &console.Dev{
			Recorder: recorder.New(recorder.Options{Now: time.Now}),
			Describe: func() deployment.Ready { return deployment.Ready{} },
		},
	})
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		resp, body := ask(t, c, request{method: method, path: "/api/v1/faults", body: "{}"})
		if resp.StatusCode != http.StatusConflict || !strings.Contains(body, `"not_embedded"`) {
			t.Errorf("%s faults = %d %s, want 409", method, resp.StatusCode, body)
		}
	}
	resp, _ := ask(t, c, request{method: http.MethodPost, path: "/traffic/faults", body: "name=twice&on=1"})
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("POST /traffic/faults = %d, want 404: there is no such thing", resp.StatusCode)
	}
}

// The storm stops DynamoDB while it goes on, starts it again, and ends as it says.
func TestStormStopsDynamoDB(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a storm takes seconds")
	}
	w := newWorld(t)
	var stops atomic.Int64
	var was atomic.Bool
	count := func() { // requests come one after the other, some of them in each stop
		if is := w.faults.State()[0].On; is && !was.Swap(is) {
			stops.Add(1)
		} else {
			was.Store(is)
		}
	}
	w.atRequest.Store(&count)
	q := request{method: http.MethodPost, path: "/api/v1/send", body: `{"scenario":"storm"}`}
	resp, body := ask(t, w.Console, q)
	if n := stops.Load(); n != 2 || w.faults.State()[0].On {
		t.Errorf("DynamoDB went down %d times, and is down: %v, want twice, and up", n, w.faults.State()[0].On)
	}
	var answer struct {
		Sent []struct {
			SvixID string `json:"svix_id"`
			Status int
		}
		Looks []struct{ Name string }
	}
	err := json.Unmarshal([]byte(body), &answer)
	if err != nil || len(answer.Sent) != 200 || resp.StatusCode != http.StatusOK {
		t.Fatalf("POST send = %d, %d requests, %v, want 200 of them", resp.StatusCode, len(answer.Sent), err)
	}
	for _, s := range answer.Sent {
		if s.Status != http.StatusOK {
			continue // a forged one
		}
		w.until(s.SvixID+" is done", func() bool {
			m, _ := w.Recorder.Message(s.SvixID)
			return m.Outcome == "applied" || m.Outcome == "stale"
		})
	} // The rows are those of a quiet day: eight of the people are deleted.
	members, err := w.deployment.Rows().Members(t.Context(), answer.Looks[0].Name)
	if err != nil || len(members) != 16 {
		t.Errorf("after the storm the organization has %d members, %v, want 16", len(members), err)
	}
}
