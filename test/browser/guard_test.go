package browser_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/test/program"
)

// testGuardHosts asks by names that a rebinding page would have, and by those of this machine.
func (s *suite) testGuardHosts(t *testing.T) {
	d := s.start(t)
	d.founded(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(d.ready.ConsoleURL, "http://"), ":")
	for path := range d.everything(t) {
		for host, want := range map[string]int{
			"evil.example": 403, "evil.example:" + port: 403, "127.0.0.1.evil.example": 403,
			"192.0.2.1": 403, "host.docker.internal": 403, "localhost.evil.example": 403,
		} {
			status, body := d.ask(t, http.MethodGet, d.ready.ConsoleURL+path, "", map[string]string{"Host": host})
			if status != want || strings.Contains(string(body), jonahsMail) {
				t.Errorf("GET %s for %s = %d %.200s, want %d and nothing of the rows", path, host, status, body, want)
			}
		}
	}
	for _, host := range []string{"localhost:" + port, "127.0.0.1", "[::1]:" + port, "a.localhost"} {
		status, _ := d.ask(t, http.MethodGet, d.ready.ConsoleURL+"/", "", map[string]string{"Host": host})
		if status != http.StatusOK {
			t.Errorf("GET / for %s = %d, want 200", host, status)
		}
	}
	for target, body := range map[string]string{
		"AmazonSSM.GetParameter":   `{"Name":"/clerksync/signing-secret","WithDecryption":true}`,
		"DynamoDB_20120810.Scan":   `{"TableName":"` + d.ready.Table + `"}`,
		"AmazonSQS.ReceiveMessage": `{"QueueUrl":"x"}`,
	} {
		for host, refused := range map[string]bool{
			"evil.example": true, "evil.example:4566": true,
			"127.0.0.1": false, "localhost": false, "host.docker.internal": false,
		} {
			status, answer := d.ask(t, http.MethodPost, d.ready.EndpointURL+"/", body,
				map[string]string{"Host": host, "X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"})
			if (status == http.StatusForbidden) != refused {
				t.Errorf("%s for %s = %d %.200s, want refused %t", target, host, status, answer, refused)
			}
		}
	}
}

// testGuardOrigins sends what pages of other origins can make a browser send.
func (s *suite) testGuardOrigins(t *testing.T) {
	d := s.start(t)
	id := d.apply(t, message{sample: "user.created"})
	changes := map[string]string{
		"POST /api/v1/send": `{"sample":"user.created"}`, "POST /api/v1/messages/" + id + "/resend": `{"new_id":true}`,
		"POST /api/v1/reset": "", "PUT /api/v1/faults": `{"dynamodb_down":true}`,
		"DELETE /api/v1/dead-letters/" + id: "", "POST /api/v1/dead-letters/redrive": "",
		"POST /send": "sample=user.created",
	}
	_, before := d.get(t, "/api/v1/messages")
	for change, body := range changes {
		method, path, _ := strings.Cut(change, " ")
		for name, header := range map[string]map[string]string{
			"same-site":  {"Sec-Fetch-Site": "same-site"},
			"cross-site": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
			"origin":     {"Origin": "https://evil.example"},
			"null":       {"Origin": "null"},
			"port":       {"Origin": "http://127.0.0.1:1"},
		} {
			header["Content-Type"] = "application/json"
			status, answer := d.ask(t, method, d.ready.ConsoleURL+path, body, header)
			if status != http.StatusForbidden {
				t.Errorf("%s by %s = %d %.200s, want 403", change, name, status, answer)
			}
		}
	}
	if _, after := d.get(t, "/api/v1/messages"); string(after) != string(before) {
		t.Errorf("a refused request changed something:\n%s\n%s", before, after)
	}
	// A form of the console's own page: without a referrer the browser sends Origin: null.
	own := map[string]string{
		"Sec-Fetch-Site": "same-origin", "Origin": "null", "Content-Type": "application/json",
	}
	status, body := d.ask(t, http.MethodPost, d.ready.ConsoleURL+"/api/v1/send", `{"sample":"user.created"}`, own)
	if status >= http.StatusMultipleChoices {
		t.Errorf("the page's own form = %d %s", status, body)
	}
	for _, method := range []string{http.MethodGet, http.MethodOptions} {
		d.wantNoCORS(t, method, "/api/v1/messages")
		d.wantNoCORS(t, method, "/")
	}
}

func (d *dev) wantNoCORS(t *testing.T, method, path string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, d.ready.ConsoleURL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Origin", d.ready.ConsoleURL)
	q.Header.Set("Access-Control-Request-Method", "POST")
	answer, err := (&http.Client{}).Do(q)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	for name := range answer.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s %s has %s", method, path, name)
		}
	}
	policy := answer.Header.Get("Content-Security-Policy")
	if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("%s %s has the policy %q", method, path, policy)
	}
	if want := http.StatusMethodNotAllowed; method == http.MethodOptions && answer.StatusCode != want {
		t.Errorf("OPTIONS %s = %d, want %d", path, answer.StatusCode, want)
	}
}

// testGuardGet follows every link of the console: the messages, rows and dead letters stay what they were.
func (s *suite) testGuardGet(t *testing.T) {
	d := s.start(t)
	d.founded(t)
	d.apply(t, message{sample: "user.updated", set: map[string]any{"data.updated_at": -5}})
	state := func() string {
		var all strings.Builder
		for _, path := range []string{"messages", "rows?deleted=1", "dead-letters", "faults"} {
			_, body := d.get(t, "/api/v1/"+path)
			all.WriteString(string(body) + "\n")
		}
		return all.String()
	}
	before := state()
	for path := range d.everything(t) {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			d.ask(t, method, d.ready.ConsoleURL+path, "", nil)
		}
	}
	if after := state(); after != before {
		t.Errorf("GET changed something:\n%s\n%s", before, after)
	}
}

func (s *suite) testGuardAddresses(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0"} {
		_, stderr, err := program.Command{Args: []string{
			s.bin + "/clerksync", "dev", "--json", "--addr", "127.0.0.1:0", "--aws-addr", "127.0.0.1:0",
			"--console-addr", addr,
		}}.Output(t)
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 2 { //nolint:errorlint // os/exec never wraps it
			t.Errorf("--console-addr %s: %v, want exit 2\n%s", addr, err, stderr)
		}
	}
	taken := s.start(t)
	_, stderr, err := program.Command{Args: []string{
		s.bin + "/clerksync", "dev", "--json", "--addr", "127.0.0.1:0", "--aws-addr", "127.0.0.1:0",
		"--console-addr", strings.TrimPrefix(taken.ready.ConsoleURL, "http://"),
	}}.Output(t)
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 { //nolint:errorlint // os/exec never wraps it
		t.Errorf("a port that is taken: %v, want exit 1\n%s", err, stderr)
	}
	off := s.start(t, "--console-addr", "off")
	if off.ready.ConsoleURL != "" {
		t.Errorf("--console-addr off: console_url is %q", off.ready.ConsoleURL)
	}
}

func (s *suite) testWebhookPort(t *testing.T) {
	d := s.start(t)
	webhook, err := url.Parse(d.ready.WebhookURL)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(pages(), "/api/v1/info", "/api/v1/messages", "/static/app.css") {
		status, body := d.ask(t, http.MethodGet, "http://"+webhook.Host+path, "", nil)
		var answer struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(body, &answer) != nil || status != http.StatusNotFound || answer.Error != "not_found" {
			t.Errorf("GET %s at the webhook's port = %d %.200s, want 404 not_found", path, status, body)
		}
	}
}
