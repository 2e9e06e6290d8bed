package main_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// dev waits at Ctrl-C for a request that is on its way, and not at the second one:
// it ends without the counts that it else shows at its end.
func TestSecondInterrupt(t *testing.T) {
	t.Parallel()
	dev := exec.Command("clerksync", "dev",
		"--addr", "127.0.0.1:0", "--aws-addr", "127.0.0.1:0", "--console-addr", "127.0.0.1:0")
	dev.Env = append(os.Environ(), "HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir())
	words, err := dev.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := dev.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(patience, func() { _ = dev.Process.Kill() })
	t.Cleanup(func() {
		kill.Stop()
		_ = dev.Process.Kill()
	})
	lines := bufio.NewScanner(words)
	until := func(pattern string) (found []string) {
		t.Helper()
		var before strings.Builder
		for lines.Scan() {
			if found = regexp.MustCompile(pattern).FindStringSubmatch(lines.Text()); found != nil {
				return found
			}
			before.WriteString(lines.Text() + "\n")
		}
		t.Fatalf("dev has ended and said no %q:\n%s", pattern, before.String())
		return nil
	}
	address := until(`http://([^"\s]+)/webhooks/clerk`)[1]
	until("Ctrl-C stops")
	half, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = half.Close() }()
	// The server asks for the body when the handler reads it: then the request is
	// in flight.
	_, err = half.Write([]byte("POST /webhooks/clerk HTTP/1.1\r\nHost: localhost\r\n" +
		"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n"))
	if err == nil {
		_, err = half.Read(make([]byte, 1))
	}
	if err == nil {
		err = dev.Process.Signal(os.Interrupt)
	}
	if err != nil {
		t.Fatal(err)
	}
	until("Finishing what is in flight")

	rest := make(chan string, 1)
	go func() {
		var text strings.Builder
		for lines.Scan() {
			text.WriteString(lines.Text() + "\n")
		}
		rest <- text.String()
	}()
	select {
	case text := <-rest:
		t.Fatalf("dev ends after the first Ctrl-C, want it to wait for the request:\n%s", text)
	case <-time.After(500 * time.Millisecond):
	}
	if err := dev.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if text := <-rest; strings.Contains(text, "applied") {
		t.Errorf("dev says %q after the second Ctrl-C, want it to end without finishing", text)
	}
	_ = dev.Wait()
	if got := dev.ProcessState.ExitCode(); got != 130 {
		t.Errorf("exit status after the second Ctrl-C = %d, want 130", got)
	}
}
