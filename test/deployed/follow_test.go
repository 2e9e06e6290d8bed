package deployed_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// follow runs `make logs` until it has shown what both functions say of a
// message that came after it had begun. It shows neither's neighbour, the
// API's access log, which sam follows too where it is given no names.
func (s *stack) follow(t *testing.T) {
	const access = "a line of the access log"
	s.writeAccess(t, access)
	output := command{env: fakeAWS(s.url), args: []string{"make", "logs", "SAM=" + s.sam, "ENV=local"}}.start(t)
	shown := func() string {
		text, err := os.ReadFile(output)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	within(t, soon, "make logs shows what there is", func() bool { return strings.Contains(shown(), "RequestId") })
	r := request{id: "msg_followed", body: withID(sample(t, "user.created"), "user_followed")}
	if _, err := s.deliver(t.Context(), r, reread); err != nil {
		t.Fatal(err)
	}
	within(t, soon, "make logs shows what both functions say of a message", func() bool {
		text := strings.Join(strings.Fields(shown()), "") // it indents JSON
		return strings.Contains(text, `"stage":"queued","svix_id":"msg_followed"`) &&
			strings.Contains(text, `"svix_id":"msg_followed","event_type":"user.created","entity":"user/user_followed","outcome":"applied"`)
	})
	if strings.Contains(shown(), access) {
		t.Fatal("make logs shows the API's access log, want the two functions' alone")
	}
	t.Log("make logs: follows ingest's and sync's logs, and not the API's access log")
}

// writeAccess writes to the API's access log as the gateway does; the
// emulator's writes none.
func (s *stack) writeAccess(t *testing.T, line string) {
	t.Helper()
	group := s.physical(t, "ApiLogGroup")
	s.nameAccessLog(t, group)
	s.logsCall(t, "CreateLogStream", map[string]any{"logGroupName": group, "logStreamName": "access"})
	s.logsCall(t, "PutLogEvents", map[string]any{"logGroupName": group, "logStreamName": "access", "logEvents": []map[string]any{
		{"timestamp": time.Now().UnixMilli(), "message": line},
	}})
}

func (s *stack) logsCall(t *testing.T, action string, in any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	s.send(t, "logs", "POST", "/", http.Header{
		"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"Logs_20140328." + action},
	}, body)
}
