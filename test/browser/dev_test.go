package browser_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/ksuid"

	"github.com/clerksync/clerksync/events"
	"github.com/clerksync/clerksync/pkg/svix/svixtest"
	"github.com/clerksync/clerksync/test/program"
)

// dev is a running `clerksync dev` on free ports, with tables of its own.
type dev struct {
	program.Process
	s     *suite
	env   []string
	ready ready
}

type ready struct {
	Event       string `json:"event"`
	WebhookURL  string `json:"webhook_url"`
	EndpointURL string `json:"endpoint_url"`
	ConsoleURL  string `json:"console_url"`
	Secret      string `json:"secret"`
	Table       string `json:"directory_table"`
}

// start starts `clerksync dev --json`, with more flags, which come last and so win.
func (s *suite) start(tb testing.TB, flags ...string) *dev {
	tb.Helper()
	return s.startIn(tb, []string{"XDG_CACHE_HOME=" + tb.TempDir()}, flags...)
}

func (s *suite) startIn(tb testing.TB, env []string, flags ...string) *dev {
	tb.Helper()
	args := append([]string{
		s.bin + "/clerksync", "dev", "--json",
		"--addr", "127.0.0.1:0", "--aws-addr", "127.0.0.1:0", "--console-addr", "127.0.0.1:0",
	}, flags...)
	d := &dev{s: s, env: env, Process: program.Command{Args: args, Env: env}.Launch(tb)}
	var line []byte
	program.WaitUntil(tb, 30*time.Second, "dev is ready", func() bool {
		text, err := os.ReadFile(d.Output)
		var ok bool
		line, _, ok = bytes.Cut(text, []byte("\n"))
		return err == nil && ok
	})
	if err := json.Unmarshal(line, &d.ready); err != nil || d.ready.Event != "ready" {
		tb.Fatalf("dev began with %q, want its ready line (%v)", line, err)
	}
	if d.ready.Secret == "" {
		d.ready.Secret = svixtest.Secret
	}
	return d
}

// message is a webhook to send.
type message struct {
	id     string         // a new one where it is ""
	sample string         // of package events
	set    map[string]any // members by their dotted path from the envelope
	tamper bool
	skew   time.Duration
	secret string // the dev's where it is ""
}

func newID() string { return "msg_" + ksuid.New().String() }

// body is the event as it is sent.
func (m message) body(tb testing.TB) string {
	tb.Helper()
	text, err := events.Body(m.sample)
	if err != nil {
		tb.Fatal(err)
	}
	if len(m.set) == 0 {
		return string(text)
	}
	var envelope map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // else times lose their digits
	if err := decoder.Decode(&envelope); err != nil {
		tb.Fatal(err)
	}
	for path, v := range m.set {
		object, names := envelope, strings.Split(path, ".")
		for _, n := range names[:len(names)-1] {
			object = object[n].(map[string]any)
		}
		object[names[len(names)-1]] = v
	}
	out, err := json.Marshal(envelope)
	if err != nil {
		tb.Fatal(err)
	}
	return string(out)
}

// post signs and posts a message. It returns its id and the status of the answer.
func (d *dev) post(tb testing.TB, m message) (id string, status int) {
	tb.Helper()
	if m.id == "" {
		m.id = newID()
	}
	if m.secret == "" {
		m.secret = d.ready.Secret
	}
	r := svixtest.SignedBy(m.secret, m.id, strconv.FormatInt(time.Now().Add(m.skew).Unix(), 10), m.body(tb))
	if m.tamper {
		r.Body = append(r.Body, ' ')
	}
	q, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, d.ready.WebhookURL, bytes.NewReader(r.Body))
	if err != nil {
		tb.Fatal(err)
	}
	for name, value := range r.Header {
		q.Header.Set(name, value)
	}
	status, _ = exchange(tb, q)
	return m.id, status
}

// apply posts a message and waits for its outcome.
func (d *dev) apply(tb testing.TB, m message) (id string) {
	tb.Helper()
	id, status := d.post(tb, m)
	if status != http.StatusOK {
		tb.Fatalf("POST of %s = %d, want 200", m.sample, status)
	}
	d.outcome(tb, id, "")
	return id
}

// outcome waits until a message has ended, and holds its outcome against want unless that is "".
func (d *dev) outcome(tb testing.TB, id, want string) {
	tb.Helper()
	status, body := d.get(tb, "/api/v1/messages/"+id+"/wait?timeout=25s")
	var m struct {
		Outcome string `json:"outcome"`
	}
	if err := json.Unmarshal(body, &m); err != nil || status != http.StatusOK || want != "" && m.Outcome != want {
		tb.Fatalf("message %s = %d %s, want outcome %q", id, status, body, want)
	}
}

// get asks the console.
func (d *dev) get(tb testing.TB, path string) (status int, body []byte) {
	tb.Helper()
	return d.ask(tb, http.MethodGet, d.ready.ConsoleURL+path, "", nil)
}

// ask sends a request with headers, one of which may be Host.
func (d *dev) ask(tb testing.TB, method, url, body string, header map[string]string) (status int, answer []byte) {
	tb.Helper()
	q, err := http.NewRequestWithContext(tb.Context(), method, url, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	for name, value := range header {
		if q.Header.Set(name, value); name == "Host" {
			q.Host = value
		}
	}
	return exchange(tb, q)
}

// client follows no redirect, and keeps a connection for each of the senders that a test has.
var client = http.Client{
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 16},
}

func exchange(tb testing.TB, q *http.Request) (status int, body []byte) {
	tb.Helper()
	answer, err := client.Do(q)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err = io.ReadAll(answer.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return answer.StatusCode, body
}

// getJSON decodes the answer of a GET that must be 200.
func getJSON[T any](tb testing.TB, d *dev, path string) (v T) {
	tb.Helper()
	status, body := d.get(tb, path)
	if status != http.StatusOK {
		tb.Fatalf("GET %s = %d %s, want 200", path, status, body)
	}
	if err := json.Unmarshal(body, &v); err != nil {
		tb.Fatalf("GET %s: %v in %.300s", path, err, body)
	}
	return v
}

// run runs a command line as a person types it, with clerksync in the PATH and the kept secret of this dev.
func (d *dev) run(tb testing.TB, line string) (stdout string) {
	tb.Helper()
	env := append([]string{"PATH=" + d.s.bin + ":" + os.Getenv("PATH")}, d.env...)
	return program.Command{Args: []string{"sh", "-c", line}, Env: env}.Run(tb)
}

// memory is what the process holds of the machine's memory now, in bytes.
func (d *dev) memory(tb testing.TB) int64 {
	tb.Helper()
	size, ok := program.Memory(d.Pid, "VmRSS")
	if !ok {
		tb.Skip("the memory of a process is read from Linux's /proc")
	}
	return size
}
