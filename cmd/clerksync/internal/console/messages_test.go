package console_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
)

const (
	get  = http.MethodGet
	post = http.MethodPost
)

// forge posts an event that nobody has signed.
func (w *world) forge(id, body string) {
	w.t.Helper()
	h, sent := w.signer.Sign(webhook.Request{ID: id, Body: []byte(body), Tamper: true})
	a, err := webhook.Post(w.t.Context(), w.Pipeline.WebhookURL, h, sent)
	if err != nil || a.Status != http.StatusBadRequest {
		w.t.Fatalf("a forged request is answered %+v, %v", a, err)
	}
}

// post sends a signed body.
func (w *world) post(id, body string) {
	w.t.Helper()
	h, sent := w.signer.Sign(webhook.Request{ID: id, Body: []byte(body)})
	if _, err := webhook.Post(w.t.Context(), w.Pipeline.WebhookURL, h, sent); err != nil {
		w.t.Fatal(err)
	}
}

// message gets a message as scripts do.
func (w *world) message(id string) (m view.Message) {
	w.t.Helper()
	if err := json.Unmarshal([]byte(w.page("/api/v1/messages/"+id)), &m); err != nil {
		w.t.Fatal(err)
	}
	return m
}

// The page of a message: its way in order, why, and its row attribute by attribute.
func TestMessagePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_a", "user.created", "applied")
	page := w.page("/messages/msg_a")
	if got := attributes(inside(page, "detail", "section"), "data-svix-id"); !slices.Equal(got, []string{"msg_a"}) {
		t.Errorf("#detail is of %v", got)
	}
	path := inside(page, "path", "ol")
	stages := []string{"received", "verified", "queued", "attempt", "applied"}
	if diff := cmp.Diff(stages, attributes(path, "data-stage")); diff != "" {
		t.Errorf("path (-want +got):\n%s", diff)
	}
	last := ""
	for i, at := range attributes(path, "datetime") {
		if at < last || attributes(path, "data-state")[i] != "done" {
			t.Errorf("step %d at %s is not done after that at %s", i, at, last)
		}
		last = at
	}
	row := inside(page, "row", "table")
	if !strings.Contains(row, `data-attribute="email" data-change="added"`) ||
		!strings.Contains(row, "jonah@lumenoak.example") {
		t.Errorf("#row has no added e-mail:\n%s", row)
	}

	w.send("msg_b", "user.updated", "applied")
	row = inside(w.page("/messages/msg_b"), "row", "table")
	for _, want := range []string{
		`data-attribute="first_name" data-change="changed"`, `data-attribute="updated_at" data-change="changed"`,
		`data-attribute="email" data-change="same"`, ">Jonah<", ">Jonah T.<",
	} {
		if !strings.Contains(row, want) {
			t.Errorf("#row of the update lacks %s", want)
		}
	}

	if changes := attributes(row, "data-change"); changes[0] == "same" || changes[len(changes)-1] != "same" {
		t.Errorf("changes in the order %v, want what is the same last", changes)
	}

	w.send("msg_c", "user.created", "stale")
	page = w.page("/messages/msg_c")
	why := inside(page, "why", "p")
	if !regexp.MustCompile(`newer.*\d\d:\d\d:\d\d.*\d\d:\d\d:\d\d`).MatchString(why) {
		t.Errorf("#why = %s, want both times", why)
	}
	row = inside(page, "row", "table")
	changed := slices.DeleteFunc(attributes(row, "data-change"), func(s string) bool { return s == "same" })
	if len(changed) > 0 {
		t.Errorf("a stale message shows changes %v, want the row as it is", changed)
	}
	if !strings.Contains(row, "not written") {
		t.Error("what the message wanted is not shown")
	}
}

// A copy is a further step below the first outcome, and leads to the first.
func TestDuplicateOnItsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_a", "user.created", "applied")
	resp, body := ask(t, w.Console, request{method: post, path: "/api/v1/messages/msg_a/resend"})
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("resend = %d %s", resp.StatusCode, body)
	}
	w.until("the copy is done", func() bool { return len(w.message("msg_a").Attempts) == 2 })
	page := w.page("/messages/msg_a")
	path := inside(page, "path", "ol")
	stages := attributes(path, "data-stage")
	_, step, _ := strings.Cut(path, `data-stage="duplicate"`)
	if stages[len(stages)-1] != "duplicate" || !strings.Contains(step, "first") ||
		!strings.Contains(step, `href="/messages/msg_a#path"`) {
		t.Errorf("path = %v, %s, want a duplicate that leads to the first", stages, step)
	}
	list := inside(w.page("/"), "messages", "ul")
	if got := attributes(list, "data-outcome"); !slices.Equal(got, []string{"applied"}) {
		t.Errorf("list = %v, want one message, applied", got)
	}
	if m := w.message("msg_a"); len(m.Requests) != 2 {
		t.Errorf("%d requests, want 2", len(m.Requests))
	}
}

// What is refused says what to look at, and touches no genuine message.
func TestRejectedOnItsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const body = `{"type":"user.created","data":{"id":"user_x"},"object":"event"}`
	w.forge("msg_f", body)
	page := w.page("/messages/msg_f")
	path := inside(page, "path", "ol")
	if diff := cmp.Diff([]string{"received", "verified", "rejected"}, attributes(path, "data-stage")); diff != "" {
		t.Errorf("path (-want +got):\n%s", diff)
	}
	if states := attributes(path, "data-state"); states[1] != "failed" {
		t.Errorf("states = %v, want verified failed", states)
	}
	if why := inside(page, "why", "p"); !strings.Contains(why, "secret") {
		t.Errorf("#why = %s, want the secret named", why)
	}
	if strings.Contains(page, "Resend") {
		t.Error("a stranger's event can be sent with our signature")
	}
	resp, _ := ask(t, w.Console, request{method: post, path: "/messages/msg_f/resend", site: "same-origin"})
	if resp.StatusCode != http.StatusConflict {
		t.Errorf("resend of a forged message = %d, want 409", resp.StatusCode)
	}
	if banner := w.page("/"); !strings.Contains(banner, "All 1 so far were refused for their signature") {
		t.Error("nothing says that the secret may be wrong")
	}
	h, _ := w.signer.Sign(webhook.Request{ID: "msg_old", Body: []byte(body), Skew: -10 * time.Minute})
	if _, err := webhook.Post(t.Context(), w.Pipeline.WebhookURL, h, []byte(body)); err != nil {
		t.Fatal(err)
	}
	if why := inside(w.page("/messages/msg_old"), "why", "p"); !strings.Contains(why, "clock") {
		t.Errorf("#why = %s, want the clocks named", why)
	}
	w.send("msg_a", "user.created", "applied")
	w.forge("msg_a", body)
	if m := w.message("msg_a"); m.Outcome != "applied" || len(m.Requests) != 2 || m.Requests[1].Proven {
		t.Errorf("an applied message is %s after a forged request", m.Outcome)
	}
	if strings.Contains(w.page("/"), "refused for their signature") {
		t.Error("the banner stays though a message came through")
	}
}

// The list: filters stay in its links, older ones are a page away, and its foot
// says how many are gone.
func TestMessageList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 3 {
		w.send(fmt.Sprintf("msg_%d", i), "user.created", map[bool]string{true: "applied", false: "stale"}[i == 0],
			fmt.Sprintf("data.updated_at=%d", 1772447507139-int64(i)))
	}
	w.send("msg_org", "organization.created", "applied")
	page := w.page("/?outcome=stale&q=JONAH")
	list := inside(page, "messages", "ul")
	if got := attributes(list, "data-svix-id"); !slices.Equal(got, []string{"msg_2", "msg_1"}) {
		t.Errorf("filtered = %v", got)
	}
	link := html.UnescapeString(attributes(list, "href")[0])
	if link != "/messages/msg_2?outcome=stale&q=JONAH" {
		t.Errorf("link = %s, want the filter in it", link)
	}
	page = w.page(link)
	got := attributes(inside(page, "messages", "ul"), "data-svix-id")
	if !slices.Equal(got, []string{"msg_2", "msg_1"}) {
		t.Errorf("the list beside the message = %v, want it filtered", got)
	}
	if !strings.Contains(page, `<option selected>stale</option>`) || !strings.Contains(page, `value="JONAH"`) {
		t.Error("the form does not show the filter")
	}
	page = w.page("/?type=role.created")
	if !strings.Contains(page, "0 of 4 match") || !strings.Contains(page, "role.created") {
		t.Error("an empty list does not name its filter")
	}
	resp, _ := ask(t, w.Console, request{method: get, path: "/?before=x"})
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("GET /?before=x = %d, want 400", resp.StatusCode)
	}
}

// No page is long, whatever has passed, and the foot says what is gone.
func TestLongList(t *testing.T) {
	t.Parallel()
	limits := recorder.DefaultLimits()
	limits.Messages, limits.Rejected = 150, 20
	w := newWorldWith(t, limits)
	for i := range 180 {
		w.post(fmt.Sprintf("msg_%d", i), `{"type":"session.created","data":{"id":"s"}}`)
	}
	for i := range 25 {
		w.forge(fmt.Sprintf("msg_forged%d", i), `{"type":"user.created","data":{}}`)
	}
	seen, path := 0, "/"
	for path != "" {
		page := w.page(path)
		n := len(attributes(inside(page, "messages", "ul"), "data-svix-id"))
		if seen += n; n > 250 {
			t.Errorf("%s lists %d messages", path, n)
		}
		gone := strings.Join(strings.Fields(inside(page, "gone", "p")), " ")
		if !strings.Contains(gone, "30 older ones are no longer kept. 5 rejected ones") {
			t.Errorf("#gone = %s", gone)
		}
		path = ""
		if m := regexp.MustCompile(`<a href="([^"]*)">Older ones`).FindStringSubmatch(page); m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	if seen != 170 {
		t.Errorf("%d messages on all pages, want 170", seen)
	}
}

// The empty page says how to begin, with this console's own addresses.
func TestEmptyPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := w.page("/")
	for _, want := range []string{
		"Waiting for the first webhook", w.Pipeline.WebhookURL, `name="scenario" value="week"`,
		"send user.created --to " + w.Pipeline.WebhookURL + " --secret whsec_...",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the empty page lacks %q", want)
		}
	}
	w.send("msg_a", "user.created", "applied")
	if strings.Contains(w.page("/"), "Waiting for") {
		t.Error("it still waits")
	}
	resp, _ := ask(t, w.Console, request{method: post, path: "/clear", site: "same-origin"})
	if resp.StatusCode != http.StatusSeeOther || !strings.Contains(w.page("/"), "Waiting for") {
		t.Errorf("POST /clear = %d, want an empty list", resp.StatusCode)
	}
}

// A message is sent again under its own id or a new one, signed inside the server.
func TestResend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_a", "organizationInvitation.created", "applied")
	resp, body := ask(t, w.Console, request{
		method: post, path: "/api/v1/messages/msg_a/resend", body: `{"new_id":true}`,
	})
	var a webhook.Answer
	err := json.Unmarshal([]byte(body), &a)
	if err != nil || resp.StatusCode != http.StatusOK || a.SvixID == "msg_a" || a.Status != http.StatusOK {
		t.Fatalf("resend = %d %s", resp.StatusCode, body)
	}
	w.page("/api/v1/messages/" + a.SvixID + "/wait")
	sent, _ := w.Recorder.Message(a.SvixID)
	if first, _ := w.Recorder.Message("msg_a"); string(first.Body) != string(sent.Body) || sent.Body == nil {
		t.Error("the bytes that were sent again are others")
	}
	for path, want := range map[string]int{"msg_nowhere": 404, "msg_mail": 409} {
		w.post("msg_mail", `{"type":"email.created","data":{}}`)
		resp, body := ask(t, w.Console, request{method: post, path: "/api/v1/messages/" + path + "/resend"})
		if resp.StatusCode != want || !strings.Contains(body, `"detail":`) {
			t.Errorf("resend of %s = %d %s, want %d", path, resp.StatusCode, body, want)
		}
	}
	resp, _ = ask(t, w.Console, request{method: get, path: "/messages/msg_a/resend"})
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET of resend = %d, want 405", resp.StatusCode)
	}
}

// What a stranger has chosen is shown as text everywhere.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>`
	w.send("msg_a", "user.created", "applied", "data.first_name="+evil, "data.public_metadata.x="+evil)
	w.post("msg_b", `{"type":"`+strings.ReplaceAll(evil, `"`, `\"`)+`","data":{}}`)
	id := "msg_<script>/&'"
	w.post(id, `{"type":"user.created","data":{"id":"u"},"timestamp":1}`)
	paths := []string{"/", "/?q=" + "%22%3E%3Cscript%3E", "/messages/msg_b", "/messages/msg_%3Cscript%3E%2F&'"}
	for _, tab := range []string{"row", "event", "raw", "headers", "requests"} {
		paths = append(paths, "/messages/msg_a?tab="+tab)
	}
	for _, path := range paths {
		page := w.page(path)
		for _, tag := range []string{"<script>", "<img"} {
			if strings.Contains(page, tag) {
				t.Errorf("%s runs a stranger's %s", path, tag)
			}
		}
	}
	if !strings.Contains(w.page("/messages/msg_a"), "&lt;img") {
		t.Error("the name is not shown")
	}
}

// No answer holds the secret, the ticket of an invitation, the code of an e-mail or
// a header that is not the webhook's.
func TestNothingSecretIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("msg_inv", "organizationInvitation.created", "applied")
	w.post("msg_mail", `{"type":"email.created","data":{"otp_code":"428913","body":"your code"}}`)
	w.forge("msg_forged", `{"type":"email.created","data":{"otp_code":"428913"}}`)
	w.post("msg_cut", `{"type":"email.created","data":{"otp_code":"428913"`)
	paths := []string{"/", "/?q=FAKE-TICKET", "/?q=428913", "/api/v1/info", "/api/v1/messages", "/api/v1/counts"}
	for _, id := range []string{"msg_inv", "msg_mail", "msg_forged", "msg_cut"} {
		paths = append(paths, "/api/v1/messages/"+id)
		for _, tab := range []string{"row", "event", "raw", "headers", "requests"} {
			paths = append(paths, "/messages/"+id+"?tab="+tab)
		}
	}
	paths = append(paths, "/api/v1/messages/msg_inv/body", "/api/v1/messages/msg_mail/body")
	for _, path := range paths {
		_, body := ask(t, w.Console, request{method: get, path: path})
		if strings.HasPrefix(path, "/?q=") {
			body = strings.ReplaceAll(body, path[len("/?q="):], "") // the field repeats what was asked
		}
		wantNothingSecret(t, path, body)
	}
	if strings.Contains(inside(w.page("/?q=FAKE-TICKET"), "messages", "ul"), "msg_inv") {
		t.Error("the ticket can be searched for")
	}
}

// A refused request is looked into as `doctor signature` does, without a word of the
// secret.
func TestFindOutWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.forge("msg_f", `{"type":"user.created","data":{"id":"user_x"},"object":"event"}`) // a space was added
	page := w.page("/messages/msg_f?tab=signature")
	findings := inside(page, "findings", "ul")
	if causes := attributes(findings, "data-cause"); len(causes) == 0 || !strings.Contains(page, "Find out why") {
		t.Errorf("findings = %v, want the space named", findings)
	}
	wantNothingSecret(t, "the findings", page)
	w.forge("msg_mail", `{"type":"email.created","data":{"otp_code":"428913"}}`)
	if page := w.page("/messages/msg_mail?tab=signature"); !strings.Contains(page, "Its body was not kept") {
		t.Error("nothing says that the body was not kept")
	}
	w.send("msg_a", "user.created", "applied")
	if strings.Contains(w.page("/messages/msg_a"), "Find out why") {
		t.Error("a genuine message is in doubt")
	}
}

// The command for curl is the request as it came: posted again, it is accepted. The
// body has every character that means something to a shell.
func TestCopyAsCurl(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	w := newWorld(t)
	w.send("msg_a", "user.created", "applied", `data.first_name=it's "$(x)" `+"`y`"+` \ é`)
	for _, text := range attributes(w.page("/messages/msg_a"), "data-copy") {
		command := html.UnescapeString(text)
		if !strings.HasPrefix(command, "curl ") {
			continue
		}
		out, err := exec.CommandContext(t.Context(), "sh", "-c", command).Output()
		if err != nil || !strings.Contains(string(out), `"received":true`) {
			t.Errorf("%s\n= %s, %v, want it accepted", command, out, err)
		}
		return
	}
	t.Error("there is no command for curl")
}
