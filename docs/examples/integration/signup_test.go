package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/pkg/reader"
)

// greeting is the application: it greets a user by the name that the table has.
func greeting(ctx context.Context, directory *reader.Reader, userID string) (string, error) {
	user, err := directory.User(ctx, userID)
	if err != nil {
		return "", err
	}
	return "Welcome, " + user.FirstName + "!", nil
}

// A user signs up at Clerk, and the application greets her by her name, also when an older event arrives late.
func TestGreeting(t *testing.T) {
	t.Parallel()
	dev := startDev(t)
	const ada = "user_2exampleAda0000000000000000"

	outcome := dev.send(t, "msg_signup", "data.id="+ada, "data.first_name=Ada")
	if outcome != "applied" {
		t.Fatalf("the sign-up is %s, want applied", outcome)
	}
	outcome = dev.send(t, "msg_late", "data.id="+ada, "data.first_name=Adah", "data.updated_at=1700000000000")
	if outcome != "stale" {
		t.Errorf("an older event is %s, want stale", outcome)
	}
	if got, err := greeting(t.Context(), dev.directory(), ada); got != "Welcome, Ada!" {
		t.Errorf("greeting = %q, %v, want Ada's", got, err)
	}
}

// dev is a `clerksync dev` of this test alone: free ports, tables of its own, gone with the test.
type dev struct {
	Console  string `json:"console_url"`
	Endpoint string `json:"endpoint_url"`
	Table    string `json:"directory_table"`
}

// startDev builds the command and starts it. Its first line of JSON says where everything is.
func startDev(t *testing.T) dev {
	t.Helper()
	command := filepath.Join(t.TempDir(), "clerksync")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", command,
		"github.com/clerksync/clerksync/cmd/clerksync")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	run := exec.CommandContext(t.Context(), command, "dev", "--json",
		"--addr", "127.0.0.1:0", "--aws-addr", "127.0.0.1:0", "--console-addr", "127.0.0.1:0")
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = run.Wait() // it was killed
	})
	lines := bufio.NewReader(out)
	first, err := lines.ReadBytes('\n')
	var d dev
	if err != nil || json.Unmarshal(first, &d) != nil || d.Console == "" {
		t.Fatalf("clerksync dev began with %q, %v", first, err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }() // a full pipe would stop it
	return d
}

// send sends a user.created with some of its fields changed, and returns what became of it.
func (d dev) send(t *testing.T, id string, set ...string) (outcome string) {
	t.Helper()
	d.call(t, http.MethodPost, "/api/v1/send", map[string]any{"sample": "user.created", "id": id, "set": set})
	return d.call(t, http.MethodGet, "/api/v1/messages/"+id+"/wait?timeout=30s", nil).Outcome
}

// directory reads the tables as the application does in production.
func (d dev) directory() *reader.Reader {
	return reader.New(dynamodb.New(dynamodb.Options{
		BaseEndpoint: &d.Endpoint, Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	}), d.Table)
}

// answer is what this test reads of the API's answers.
type answer struct {
	Outcome string `json:"outcome"`
}

// call calls the console's API.
func (d dev) call(t *testing.T, method, path string, body any) (a answer) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, d.Console+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	got, err := (&http.Client{}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	text, err = io.ReadAll(got.Body)
	if err != nil || got.StatusCode >= http.StatusBadRequest {
		t.Fatalf("%s %s = %d %s, %v", method, path, got.StatusCode, text, err)
	}
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
	return a
}
