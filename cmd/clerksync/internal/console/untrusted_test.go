package console_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
)

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

// A name is of any length, and may turn the direction of the text after it: it is cut in
// lists and heads, whole in the row's columns, and its direction ends with it.
func TestNamesKeepToTheirPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := strings.Repeat("W", 3000)
	w.send("msg_a", "user.created", "applied", "data.first_name=\u202e"+long)
	row := view.RowLink(jonahKey())
	for path, whole := range map[string]int{
		"/": 0, "/directory": 0, "/messages/msg_a": 1, "/order?ids=msg_a": 0, row: 1, row + "?tab=memberships": 0,
	} {
		page := w.page(path)
		if got := strings.Count(page, ">\u202e"+long); got != whole || !strings.Contains(page, "WWW") {
			t.Errorf("GET %s has the name whole %d times, want %d, and the beginning of it", path, got, whole)
		}
		for _, at := range regexp.MustCompile("<[^<>]*>\u202e").FindAllString(page, -1) {
			if !strings.Contains(at, "person") {
				t.Errorf("GET %s has the name in %s, which is no element of a person", path, at)
			}
		}
	}
	if !regexp.MustCompile(`\n\.person \{[^}]*unicode-bidi: isolate`).Match(readFile(t, "static/app.css")) {
		t.Error("the direction of a name goes on after it")
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
