package console_test

import (
	"encoding/json"
	"html"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
)

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
