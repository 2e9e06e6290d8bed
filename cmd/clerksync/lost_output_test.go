package main_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A dev whose steps nobody can read ends, and says why: whoever reads them would
// wait for ever. It does so for a disk that is full, for a pipe whose reader is
// gone, and for a stdout that is closed.
func TestDevEndsWhenItsOutputIsLost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		open func(t *testing.T) *os.File
		says string
	}{
		"a full disk": {
			open: func(t *testing.T) *os.File {
				t.Helper()
				f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
				if err != nil {
					t.Skip("this machine has no /dev/full: ", err)
				}
				return f
			},
			says: "no space left on device",
		},
		"a pipe without reader": {
			open: func(t *testing.T) *os.File {
				t.Helper()
				r, w, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				_ = r.Close()
				return w
			},
			says: "broken pipe",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const anyPort = "127.0.0.1:0"
			stdout := c.open(t)
			var words bytes.Buffer
			dev := exec.Command("clerksync", "dev",
				"--addr", anyPort, "--aws-addr", anyPort, "--console-addr", anyPort, "--json")
			dev.Env = append(os.Environ(), "HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir())
			dev.Stdout, dev.Stderr = stdout, &words
			if err := dev.Start(); err != nil {
				t.Fatal(err)
			}
			_ = stdout.Close()
			kill := time.AfterFunc(patience, func() { _ = dev.Process.Kill() })
			defer kill.Stop()
			err := dev.Wait()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("dev ends with %v, want exit status 1", err)
			}
			if want := "clerksync: the output is not whole: "; !strings.Contains(words.String(), want) ||
				!strings.Contains(words.String(), c.says) {
				t.Errorf("dev says %q, want %q with %q", words.String(), want, c.says)
			}
		})
	}
}
