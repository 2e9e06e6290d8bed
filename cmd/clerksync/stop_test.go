package main_test

import (
	"bufio"
	"encoding/json"
	"net"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
)

// dev waits at Ctrl-C for a request that is on its way, and not at the second one.
func TestSecondInterrupt(t *testing.T) {
	t.Parallel()
	dev := exec.Command("clerksync", "dev", "--addr", "127.0.0.1:0", "--aws-addr", "127.0.0.1:0", "--json")
	dev.Env = append(os.Environ(), "HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir())
	out, err := dev.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := dev.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() {
		_ = dev.Process.Kill()
		<-ended
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var ready deployment.Ready
	if err == nil {
		err = json.Unmarshal(line, &ready)
	}
	go func() {
		_ = dev.Wait()
		close(ended)
	}()
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(ready.WebhookURL)
	if err != nil {
		t.Fatal(err)
	}
	half, err := net.Dial("tcp", address.Host)
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
	if err != nil {
		t.Fatal(err)
	}

	const waits = 500 * time.Millisecond
	interrupted := time.Now()
	if err := dev.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
		t.Fatalf("dev ends %s after the first Ctrl-C, want it to wait for the request", time.Since(interrupted))
	case <-time.After(waits):
	}
	if err := dev.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("dev still runs after the second Ctrl-C")
	}
	if got := dev.ProcessState.ExitCode(); got != 130 {
		t.Errorf("exit status after the second Ctrl-C = %d, want 130", got)
	}
	if took := time.Since(interrupted); took > 5*time.Second {
		t.Errorf("dev ends %s after the first Ctrl-C, want it to end at the second", took)
	}
}
