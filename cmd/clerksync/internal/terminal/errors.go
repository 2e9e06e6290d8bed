package terminal

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/smithy-go"
)

// Exit statuses, as the README promises them to scripts.
const (
	ExitDone        = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitInterrupted = 130
)

// ErrReported says that a command failed and has printed why.
var ErrReported = errors.New("the command has failed and said why")

// ErrInterrupted says that Ctrl-C ended the command.
var ErrInterrupted = errors.New("interrupted")

// UsageError is a command line that cannot be meant.
type UsageError struct{ err error }

// Error returns the text of the error inside.
func (e UsageError) Error() string { return e.err.Error() }

// Unwrap returns the error inside.
func (e UsageError) Unwrap() error { return e.err }

// Usagef makes a UsageError as fmt.Errorf makes an error.
func Usagef(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// Report prints the error that a command ended with, where there is something
// to say, and returns the exit status of the process. Output that could not be
// written is a failure whatever the command did.
func (t *Terminal) Report(err error) (status int) {
	status = t.report(err)
	t.mu.Lock()
	failed := t.failed
	t.mu.Unlock()
	if failed == nil {
		return status
	}
	t.Note("clerksync: the output is not whole: %s", failed)
	if status == ExitUsage {
		return status
	}
	return ExitFailed
}

func (t *Terminal) report(err error) (status int) {
	var usage UsageError
	switch {
	case err == nil:
		return ExitDone
	case errors.Is(err, ErrInterrupted):
		return ExitInterrupted
	case errors.Is(err, ErrReported):
		return ExitFailed
	case errors.As(err, &usage):
		t.Note("clerksync: %s", err)
		return ExitUsage
	}
	t.Note("clerksync: %s", Shorten(err))
	return ExitFailed
}

// Shorten drops the SDK's words about attempts and statuses from an error where
// no server was reached: the address and the reason are all there is to know.
func Shorten(err error) error {
	var call *smithy.OperationError
	var unreached *net.OpError
	if errors.As(err, &call) && errors.As(call, &unreached) {
		return errors.New(strings.Replace(err.Error(), call.Error(), unreached.Error(), 1))
	}
	return err
}
