// Package program builds and runs real programs for the tests of the whole system: the functions and the command as a
// release has them, and foreign tools such as the SAM CLI. Whatever it starts stops with its test.
package program

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Build builds a main package, named from the repository's root (./functions/sync), as the Makefile builds the
// functions, with more flags where a test needs them, and returns the binary's path. What is measured and killed is
// then what is deployed; test/imports compares the tags.
func Build(tb testing.TB, pkg string, flags ...string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), filepath.Base(pkg))
	args := append([]string{
		"go", "build", "-tags", "lambda.norpc,nethttpomithttp2", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -buildid=", "-o", path,
	}, flags...)
	Command{Env: []string{"CGO_ENABLED=0"}, Args: append(args, pkg)}.Run(tb)
	return path
}

// Repository is the path of the repository's root, two folders above that of the test which runs.
func Repository(tb testing.TB) string {
	tb.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

// Command is a program that runs in the repository's root.
type Command struct {
	Args  []string
	Stdin string
	Env   []string // on top of the test's own, which is passed on without its AWS_ variables
}

// Run returns what the program wrote to stdout. The test stops if it fails.
func (c Command) Run(tb testing.TB) string {
	tb.Helper()
	out, errs, err := c.Output(tb)
	if err != nil {
		tb.Fatalf("%s: %v\n%s%s", strings.Join(c.Args, " "), err, out, errs)
	}
	return out
}

// Output returns what the program wrote to stdout and stderr, and how it ended. It is killed after five minutes.
func (c Command) Output(tb testing.TB) (stdout, stderr string, err error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 5*time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := c.command(ctx, tb)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(c.Stdin), &out, &errs
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func (c Command) command(ctx context.Context, tb testing.TB) *exec.Cmd {
	tb.Helper()
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	own := slices.DeleteFunc(cmd.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	cmd.Dir, cmd.Env = Repository(tb), append(own, c.Env...)
	return cmd
}

// Start runs the program until the test is over, with its output in the file whose path is returned.
func (c Command) Start(tb testing.TB) (output string) {
	tb.Helper()
	return c.Launch(tb).Output
}

// Process is a program that runs.
type Process struct {
	Output string // the path of the file with its stdout and stderr
	Pid    int
	Stop   func() // SIGTERM, and SIGKILL after 15 seconds; the test's end calls it, too
}

// Launch is Start for a test that stops the program itself. The end of its output is shown if the test failed. The
// whole group of its processes is killed with it, for some do not stop their children.
func (c Command) Launch(tb testing.TB) Process {
	tb.Helper()
	name := filepath.Base(c.Args[0])
	file, err := os.Create(filepath.Join(tb.TempDir(), name+".log"))
	if err != nil {
		tb.Fatal(err)
	}
	cmd := c.command(context.WithoutCancel(tb.Context()), tb)
	cmd.Stdout, cmd.Stderr = file, file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		tb.Fatalf("start %s: %v", name, err)
	}
	stopped := make(chan struct{})
	go func() {
		_ = cmd.Wait() // a signal stops it
		close(stopped)
	}()
	stop := sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-stopped:
		case <-time.After(15 * time.Second):
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-stopped
		_ = file.Close()
	})
	tb.Cleanup(func() {
		stop()
		if tb.Failed() {
			tb.Logf("the end of %s's output:\n%s", name, Tail(file.Name()))
		}
	})
	return Process{Output: file.Name(), Pid: cmd.Process.Pid, Stop: stop}
}

// Memory is what a process holds of the machine's memory, in bytes: VmRSS now, VmHWM at its peak. ok is false for one
// that is gone, and where the kernel does not say.
func Memory(pid int, field string) (size int64, ok bool) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // none is a status without the field
	_, after, _ := strings.Cut(string(status), "\n"+field+":")
	kb, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	size, err := strconv.ParseInt(kb, 10, 64)
	return size << 10, err == nil
}

// Tail returns the end of a file, as much as a person reads.
func Tail(file string) string {
	const most = 4000
	text, _ := os.ReadFile(file)
	return string(text[max(0, len(text)-most):])
}

// FromEnv returns the path of a program that an environment variable names. Without one the test is skipped.
func FromEnv(tb testing.TB, variable string) string {
	tb.Helper()
	path := os.Getenv(variable)
	if path == "" {
		tb.Skipf("%s does not name a program: see the package's documentation", variable)
	}
	return path
}

// StartMinistack starts ministack, an independent emulator of AWS (https://pypi.org/project/ministack/), on a port,
// with more environment variables, and returns its URL.
func StartMinistack(tb testing.TB, path, port string, env ...string) (url string) {
	tb.Helper()
	url = "http://127.0.0.1:" + port
	// With IoT's mutual TLS it would listen on every interface.
	env = append(env, "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port, "IOT_MTLS_ENABLED=0",
		"TMPDIR="+tb.TempDir(), "S3_DATA_DIR="+tb.TempDir())
	Command{Args: []string{path}, Env: env}.Start(tb)
	WaitForHTTP(tb, url+"/_ministack/health")
	return url
}

// WaitForHTTP waits until a GET of the URL answers 200.
func WaitForHTTP(tb testing.TB, url string) {
	tb.Helper()
	WaitUntil(tb, time.Minute, url+" answers", func() bool {
		r, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			tb.Fatal(err)
		}
		client := http.Client{Timeout: 5 * time.Second}
		answer, err := client.Do(r)
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// FreePort returns a port of 127.0.0.1 that nothing listened on a moment ago. It is below those that a system gives to
// whoever asks for any (32768 and up on Linux), so that nobody gets it by chance before the program that is meant
// listens there.
func FreePort(tb testing.TB) string {
	tb.Helper()
	const lowest, tries = 10_000, 100
	for range tries {
		port := strconv.Itoa(lowest + rand.IntN(32_768-lowest))
		l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = l.Close()
			return port
		}
	}
	tb.Fatalf("none of %d ports is free", tries)
	return ""
}

// WaitUntil waits until done returns true. The test stops if that takes longer than the timeout.
func WaitUntil(tb testing.TB, timeout time.Duration, what string, done func() bool) {
	tb.Helper()
	deadline := time.Now().Add(timeout)
	for !done() {
		if time.Now().After(deadline) {
			tb.Fatalf("waited %v in vain: %s", timeout, what)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
