package deployed_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program is the path that an environment variable names; without one the test
// is skipped.
func program(t *testing.T, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Skipf("%s names no program: see the package's documentation", variable)
	}
	return path
}

// repository is the root of the repository.
func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// fakeAWS are the variables that point every AWS program at an endpoint, and at
// no account of the user's.
func fakeAWS(endpoint string) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + endpoint, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent", "AWS_EC2_METADATA_DISABLED=true",
		"SAM_CLI_TELEMETRY=0",
	}
}

// environment is the test's own without what it says about AWS, and more.
func environment(more []string) []string {
	own := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	return append(own, more...)
}

// command is a program to be run in the repository, in environment variables
// on top of the test's.
type command struct {
	env   []string
	stdin string
	args  []string
}

// run returns what it wrote to stdout; the test ends if it fails.
func (c command) run(t *testing.T) string {
	t.Helper()
	out, words, err := c.try(t)
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(c.args, " "), err, out, words)
	}
	return out
}

// try returns what it wrote to stdout and stderr.
func (c command) try(t *testing.T) (out, words string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Env = repository(t), environment(c.env)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(c.stdin), &stdout, &stderr
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// start runs a program until the test ends, with its output in the file that
// is returned, whose end is shown if the test failed. Its group of processes
// ends with it.
func (c command) start(t *testing.T) (output string) {
	t.Helper()
	name := filepath.Base(c.args[0])
	file, err := os.Create(filepath.Join(t.TempDir(), name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Env = repository(t), environment(c.env)
	cmd.Stdout, cmd.Stderr = file, file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	gone := make(chan struct{})
	go func() {
		_ = cmd.Wait() // ended by a signal
		close(gone)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-gone:
		case <-time.After(15 * time.Second):
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it started and left
		<-gone
		_ = file.Close()
		if t.Failed() {
			t.Logf("the end of %s's output:\n%s", name, tail(file.Name()))
		}
	})
	return file.Name()
}

func tail(file string) string {
	const most = 4000
	text, _ := os.ReadFile(file)
	return string(text[max(0, len(text)-most):])
}

// freePort is one that nothing listened on a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// within waits until done says so; the test ends after that long without.
func within(t *testing.T, long time.Duration, what string, done func() bool) {
	t.Helper()
	end := time.Now().Add(long)
	for !done() {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, long)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// clerksync builds the command and returns its path.
func clerksync(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clerksync")
	command{args: []string{"go", "build", "-o", path, "./cmd/clerksync"}}.run(t)
	return path
}
