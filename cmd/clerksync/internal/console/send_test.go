package console_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/scenario"
	"github.com/clerksync/clerksync/pkg/directory"
)

// posts sends a form, as a browser does, and returns the answer, which is not
// followed.
func (w *world) posts(path string, form url.Values) (reply, string) {
	w.t.Helper()
	return ask(w.t, w.Console, request{
		method: http.MethodPost, path: path, site: "same-origin", form: form.Encode(),
	})
}

// api asks the API and decodes its answer into v.
func (w *world) api(path, body string, want int, v any) {
	w.t.Helper()
	resp, text := ask(w.t, w.Console, request{method: http.MethodPost, path: "/api/v1/" + path, body: body})
	if resp.StatusCode != want {
		w.t.Fatalf("POST %s %s = %d %s, want %d", path, body, resp.StatusCode, text, want)
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		w.t.Fatalf("POST %s: %v in %s", path, err, text)
	}
}

// rowsOf reads a row; nil for none.
func (w *world) row(k directory.Key) directory.Row {
	w.t.Helper()
	rows, err := w.deployment.Table().Read(w.t.Context(), k)
	if err != nil {
		w.t.Fatal(err)
	}
	return rows[0]
}

func jonahKey() directory.Key { return directory.UserKey("user_2exampleJonahAdeyemi0000000") }

// The page shows a sample, or the event of a message, in a form that works without
// JavaScript.
func TestSendPageShowsEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_1", "user.created", "applied", "data.first_name=Ada")
	for name, c := range map[string]struct {
		path string
		want []string
		not  string
	}{
		"at first": {
			path: "/send", want: []string{`data-keep="send:user.created"`, `&#34;first_name&#34;: &#34;Jonah&#34;`},
		},
		"a sample": {
			path: "/send?sample=user.deleted",
			want: []string{`data-keep="send:user.deleted"`, `user.deleted" selected`},
		},
		"loaded": {path: "/send?load=sample%2Fuser.deleted", want: []string{`data-keep="send:user.deleted"`}},
		"reset":  {path: "/send?sample=user.created&reset=1", want: []string{` data-fresh`}},
		"a message": {
			path: "/send?message=msg_1", want: []string{`first_name&#34;: &#34;Ada&#34;`, `name="message"`},
			not: "data-keep",
		},
		"a story":  {path: "/send?load=scenario%2Frace", want: []string{scenario.Point("race")}, not: "<textarea"},
		"the week": {path: "/send?scenario=week", want: []string{`name="scenario" value="week"`}},
	} {
		page := w.page(c.path)
		for _, want := range append(c.want, `<form id="send" method="post" action="/send">`) {
			if !strings.Contains(page, want) {
				t.Errorf("%s: GET %s has no %s", name, c.path, want)
			}
		}
		if c.not != "" && strings.Contains(page, c.not) {
			t.Errorf("%s: GET %s has %s", name, c.path, c.not)
		}
	}
	for _, path := range []string{"/send?sample=nosuch", "/send?scenario=calm", "/send?message=msg_nosuch"} {
		resp, _ := ask(t, w.Console, request{method: http.MethodGet, path: path})
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", path, resp.StatusCode)
		}
	}
}

// An invitation's url is a credential, and the event of its message is shown
// without it.
func TestSendPageMasksInvitations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_1", "organizationInvitation.created", "applied")
	for _, path := range []string{"/send?message=msg_1", "/send?sample=organizationInvitation.created"} {
		if page := w.page(path); strings.Contains(page, "ticket=") || !strings.Contains(page, "ines@") {
			t.Errorf("GET %s shows the event with the invitation's url, or not at all", path)
		}
	}
}

// Text that is no JSON is sent nowhere: the form stays as it was typed, with line and
// column. Mended, it leads to its message.
func TestSendAfterAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const broken = "{\r\n  \"type\": \"user.updated\",\r\n  \"data\": {\"id\": \"user_é\",}\r\n}"
	for _, action := range []string{"send", "preview", "format"} {
		resp, page := w.posts("/send", url.Values{
			"sample": {"user.updated"}, "event": {broken}, "action": {action}, "set": {"data.first_name=Ada\r\n"},
			"id": {"msg_mine"}, "tamper": {"1"},
		})
		if alert := inside(page, "send-error", "p"); resp.StatusCode != http.StatusOK ||
			!strings.Contains(alert, "line 3, column 27") || !strings.Contains(alert, "Nothing was sent") {
			t.Errorf("%s: %d %s, want 200 with line 3, column 27", action, resp.StatusCode, alert)
		}
		for _, kept := range []string{
			"user_é&#34;,}", "data.first_name=Ada", `value="msg_mine"`, `name="tamper" value="1" checked`, "data-fresh",
		} {
			if !strings.Contains(page, kept) {
				t.Errorf("%s: the form has lost %s", action, kept)
			}
		}
	}
	if n := w.Recorder.Counts().Requests; n != 0 {
		t.Fatalf("%d requests were sent, want none", n)
	}
	resp, _ := w.posts("/send", url.Values{
		"sample": {"user.updated"}, "event": {strings.Replace(broken, ",}", `,"updated_at":1}`, 1)}, "action": {"send"},
		"set": {"data.first_name=Ada\r\ndata.last_name=King"}, "id": {"msg_mine"},
	})
	if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || to != "/messages/msg_mine" {
		t.Fatalf("send = %d to %q, want 303 to the message", resp.StatusCode, to)
	}
	w.until("the row is written", func() bool {
		row := w.row(directory.UserKey("user_é"))
		return row.Text("first_name") == "Ada" && row.Text("last_name") == "King"
	})
}

// Whoever comes back to the page finds the sample that he edited last.
func TestSendPageRemembersTheSample(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.page("/send?sample=user.deleted") // a look changes nothing
	if page := w.page("/send"); !strings.Contains(page, `data-keep="send:user.created"`) {
		t.Error("GET /send after a look at another sample does not show user.created")
	}
	w.posts("/send", url.Values{"sample": {"user.updated"}, "event": {"{"}, "action": {"send"}})
	w.posts("/send", url.Values{"scenario": {"race"}, "action": {"preview"}})
	if page := w.page("/send"); !strings.Contains(page, `data-keep="send:user.updated"`) {
		t.Error("GET /send does not show the sample that was edited")
	}
	if page := w.page("/send?sample=user.deleted"); !strings.Contains(page, `data-keep="send:user.deleted"`) {
		t.Error("GET /send does not show the sample that was asked for")
	}
}

// The buttons of the form do what send's flags do.
func TestSendForms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		form     url.Values
		to       string
		requests int
		outcome  string
	}{
		"as it is": {form: url.Values{"id": {"msg_1"}}, to: "/messages/msg_1", requests: 1, outcome: "applied"},
		"twice": {
			form: url.Values{"id": {"msg_1"}, "duplicate": {"1"}}, to: "/messages/msg_1",
			requests: 2, outcome: "applied",
		},
		"tampered": {
			form: url.Values{"id": {"msg_1"}, "tamper": {"1"}}, to: "/messages/msg_1", requests: 1, outcome: "rejected",
		},
		"late": {
			form: url.Values{"id": {"msg_1"}, "skew_s": {"-600"}}, to: "/messages/msg_1",
			requests: 1, outcome: "rejected",
		},
		"three":      {form: url.Values{"copies": {"3"}}, to: "/", requests: 3},
		"id is none": {form: url.Values{"id": {"a.b"}}, to: "/", requests: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.form.Set("sample", "user.created")
			resp, page := w.posts("/send", c.form)
			if to := resp.Header.Get("Location"); to != c.to {
				t.Errorf("send = %d to %q, want %q\n%s", resp.StatusCode, to, c.to, page)
			}
			if n := w.Recorder.Counts().Requests; n != c.requests {
				t.Errorf("%d requests were sent, want %d", n, c.requests)
			}
			w.until("msg_1 is "+c.outcome, func() bool {
				m, _ := w.Recorder.Message("msg_1")
				return m.Outcome == c.outcome
			})
		})
	}
}
