package main_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment/deploymenttest"
)

// screenOf collects what a process shows on a terminal.
type screenOf struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screenOf) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p) //nolint:wrapcheck // it never fails
}

func (s *screenOf) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// On a terminal a watch draws the whole screen anew, with what it says in between,
// and Ctrl-C is exit status 130.
func TestStatusWatchRedraws(t *testing.T) {
	t.Parallel()
	s := deploymenttest.New(t)
	person, process := openTerminal(t, 80)
	var screen screenOf
	read := make(chan struct{})
	go func() {
		_, _ = io.Copy(&screen, person) // ends with an error where the other side closes
		close(read)
	}()
	watch := exec.Command("clerksync", "status", "--watch", "--endpoint-url", s.Pipeline.Endpoint)
	watch.Env = append(os.Environ(), "HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir(), "TERM=xterm")
	watch.Stdout, watch.Stderr = process, process
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	const clearScreen = "\x1b[H\x1b[2J"
	frames := func() []string { return strings.Split(screen.String(), clearScreen)[1:] }
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: not within %s:\n%s", what, patience, screen.String())
			}
		}
	}
	until("the first screen", func() bool { return len(frames()) > 0 && strings.Contains(frames()[0], "Ctrl-C stops") })
	s.PutDeadLetter()
	until("a screen with the dead letter", func() bool {
		all := frames()
		last := all[len(all)-1]
		return strings.Contains(last, "1: clerksync dlq ls") && strings.Contains(last, "Ctrl-C stops")
	})
	if err := watch.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = watch.Wait()
	_ = process.Close()
	<-read
	if got := watch.ProcessState.ExitCode(); got != 130 {
		t.Errorf("exit status at Ctrl-C = %d, want 130", got)
	}
}
