package terminal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// TestMain unsets the variables by which a machine asks for colours where no
// terminal is.
func TestMain(m *testing.M) {
	for _, name := range []string{"CLICOLOR_FORCE", "TTY_FORCE"} {
		_ = os.Unsetenv(name) // it fails for names that cannot be one
	}
	os.Exit(m.Run())
}

// newTerminal returns a terminal that reads in, and what is printed to it.
func newTerminal(t *testing.T, in io.Reader) (term *terminal.Terminal, out, words *bytes.Buffer) {
	t.Helper()
	out, words = &bytes.Buffer{}, &bytes.Buffer{}
	return terminal.New(t.Context(), in, out, words), out, words
}

// A table has its columns below each other, in a pipe no escape codes, and no
// line ends in spaces, which a narrow window would wrap.
func TestPrintTable(t *testing.T) {
	t.Parallel()
	term, out, _ := newTerminal(t, nil)
	term.PrintTable([]string{"kind", "rows", ""}, [][]any{
		{"user", 3, terminal.Good("ok")}, {"membership"}, {"a\tb", 10, ""},
	})
	want := "kind        rows\nuser        3     ok\nmembership\na\ufffdb         10\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("PrintTable -want +got:\n%s", diff)
	}
}

func TestPrintJSON(t *testing.T) {
	t.Parallel()
	term, out, _ := newTerminal(t, nil)
	term.PrintJSON(map[string]string{"a": "<&>"})
	term.PrintText("\x00")
	if want := "{\"a\":\"<&>\"}\n\x00\n"; out.String() != want {
		t.Errorf("PrintJSON, PrintText = %q, want %q", out.String(), want)
	}
}

// The exit status is what scripts go by, so each kind of error has its own, and
// only what the command has not said itself is printed.
func TestReport(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	call := &smithy.OperationError{
		ServiceID: "SQS", OperationName: "GetQueueUrl", Err: fmt.Errorf("exceeded 3 attempts: %w", refused),
	}
	for _, tt := range []struct {
		name   string
		err    error
		status int
		says   string
	}{
		{name: "done", status: 0},
		{name: "failed", err: errors.New("no"), status: 1, says: "clerksync: no\n"},
		{name: "failed and said why", err: fmt.Errorf("x: %w", terminal.ErrReported), status: 1},
		{name: "usage", err: fmt.Errorf("x: %w", terminal.Usagef("%q", "y")), status: 2, says: "clerksync: x: \"y\"\n"},
		{name: "Ctrl-C", err: fmt.Errorf("x: %w", terminal.ErrInterrupted), status: 130},
		{
			name: "no server there", err: fmt.Errorf("find it: %w\nhow?", call), status: 1,
			says: "clerksync: find it: dial tcp: connection refused\nhow?\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			term, out, words := newTerminal(t, nil)
			if got := term.Report(tt.err); got != tt.status || words.String() != tt.says || out.Len() > 0 {
				t.Errorf("Report(%v) = %d and says %q, want %d and %q", tt.err, got, words.String(), tt.status, tt.says)
			}
		})
	}
}

// Ctrl-C ends a wait for input that never comes.
func TestInterruptedInput(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(*terminal.Terminal) error{
		"a file":   func(term *terminal.Terminal) error { _, err := term.ReadFile("-"); return err },
		"a secret": func(term *terminal.Terminal) error { _, err := term.ReadSecret("?"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, never := io.Pipe()
			t.Cleanup(func() { _ = never.Close() })
			ctx, interrupt := context.WithCancel(t.Context())
			term := terminal.New(ctx, in, io.Discard, io.Discard)
			time.AfterFunc(10*time.Millisecond, interrupt)
			if err := read(term); !errors.Is(err, terminal.ErrInterrupted) {
				t.Errorf("read = %v, want %v", err, terminal.ErrInterrupted)
			}
		})
	}
}

func TestFormatDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 59 * time.Second: "59 s", 90 * time.Second: "1 min", 47 * time.Hour: "47 h",
		49 * time.Hour: "2 days",
	} {
		if got := terminal.FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%s) = %q, want %q", d, got, want)
		}
	}
}
