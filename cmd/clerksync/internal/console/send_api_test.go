package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/pkg/directory"
)

// sentAnswer is what POST send answers.
type sentAnswer struct {
	SvixID string `json:"svix_id"`
	Sent   []struct {
		SvixID    string `json:"svix_id"`
		EventType string `json:"event_type"`
		Status    int    `json:"status"`
		Link      string `json:"link"`
	} `json:"sent"`
	Looks []struct{ Kind, Name, Want string } `json:"looks"`
}

// Scripts send samples, events and scenarios.
func TestAPISend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got sentAnswer
	w.api("send", `{"sample":"user.created","id":"msg_1","set":["data.first_name=Ada"]}`, 200, &got)
	if got.SvixID != "msg_1" || len(got.Sent) != 1 || got.Sent[0].Status != 200 ||
		got.Sent[0].Link != "/messages/msg_1" || got.Sent[0].EventType != "user.created" {
		t.Errorf("send of a sample = %+v", got)
	}
	w.until("the row is Ada's", func() bool { return w.row(jonahKey()).Text("first_name") == "Ada" })

	got = sentAnswer{}
	w.api("send", `{"event":{"type":"user.updated","data":{"id":"user_a","updated_at":1.0}}}`, 200, &got)
	w.until("the event is kept byte for byte", func() bool {
		return w.row(directory.UserKey("user_a")).Text("object") == `{"id":"user_a","updated_at":1.0}`
	})
	got = sentAnswer{}
	w.api("send", `{"sample":"user.created","copies":2,"duplicate":true,"tamper":true}`, 200, &got)
	if len(got.Sent) != 4 || got.Sent[0].SvixID != got.Sent[1].SvixID || got.Sent[1].SvixID == got.Sent[2].SvixID ||
		got.Sent[3].Status != 400 {
		t.Errorf("send of two tampered messages, each twice = %+v", got)
	}
	got = sentAnswer{}
	w.api("send", `{"sample":"user.created","skew_s":-600}`, 200, &got)
	if got.Sent[0].Status != 400 {
		t.Errorf("send with a clock 10 minutes behind = %+v, want 400", got)
	}
	got = sentAnswer{}
	w.api("send", `{"scenario":"signup"}`, 200, &got)
	if len(got.Sent) != 5 || len(got.Looks) != 1 || got.Looks[0].Kind != "user" {
		t.Errorf("send of a scenario = %+v", got)
	}
}

// What cannot be sent is an error with a name and what to do, and nothing is sent.
func TestAPISendRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for body, want := range map[string]string{
		`{`:                                  "invalid_request",
		`{"sample":"user.created","id_":""}`: "invalid_request",
		`{}`:                                 "missing_event",
		`{"event":null}`:                     "missing_event",
		`{"sample":"user.craeted"}`:          "unknown_sample",
		`{"scenario":"calm"}`:                "unknown_scenario",
		`{"event":"{\"a\":}"}`:               "invalid_json",
		`{"sample":"user.created","set":["data.first_name"]}`: "invalid_set",
		`{"sample":"user.created","copies":101}`:              "invalid_copies",
		`{"sample":"user.created","copies":2,"id":"msg_1"}`:   "invalid_copies",
		`{"sample":"user.created","skew_s":1e300}`:            "invalid_skew",
	} {
		for _, path := range []string{"send", "preview"} {
			var got struct{ Error, Detail string }
			w.api(path, body, 400, &got)
			if got.Error != want || got.Detail == "" || strings.Contains(got.Detail, "--set") {
				t.Errorf("POST %s %s = %+v, want %s and what to do", path, body, got, want)
			}
		}
	}
	if n := w.Recorder.Counts().Requests; n != 0 {
		t.Errorf("%d requests were sent, want none", n)
	}
}

// Scripts preview as people do.
func TestAPIPreview(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got struct {
		Messages []struct {
			SvixID  string `json:"svix_id"`
			Outcome string
			Entity  string
			Why     string
			Writes  []struct{ PK, SK string }
		}
	}
	w.api("preview", `{"sample":"user.created","id":"msg_1"}`, 200, &got)
	if len(got.Messages) != 1 || got.Messages[0].Outcome != "applied" || got.Messages[0].SvixID != "msg_1" ||
		got.Messages[0].Why == "" || len(got.Messages[0].Writes) != 1 || got.Messages[0].Writes[0].PK != jonahKey().PK {
		t.Errorf("preview of a new user = %+v", got)
	}
	if row := w.row(jonahKey()); row != nil {
		t.Errorf("after the preview there is the row %v", row)
	}
	if diff := cmp.Diff(0, w.Recorder.Counts().Requests); diff != "" {
		t.Errorf("requests (-want +got): %s", diff)
	}
}

// A pipeline that no longer answers is an error in words, not of the console.
func TestSendToNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Pipeline.Stop(t.Context())
	var got struct{ Error, Detail string }
	w.api("send", `{"sample":"user.created"}`, http.StatusBadGateway, &got)
	if got.Error != "unavailable" || !strings.Contains(got.Detail, "/webhooks/clerk") {
		t.Errorf("send to a webhook that is gone = %+v", got)
	}
	resp, page := w.posts("/send", url.Values{"sample": {"user.created"}, "event": {"{}"}, "action": {"send"}})
	alert := inside(page, "send-error", "p")
	if resp.StatusCode != http.StatusBadGateway || !strings.Contains(alert, "/webhooks/clerk") {
		t.Errorf("send to a webhook that is gone = %d %s", resp.StatusCode, alert)
	}
}
