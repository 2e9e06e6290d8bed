package terminal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// ReadFile returns the bytes of a file, or of standard input where name is -.
func (t *Terminal) ReadFile(name string) ([]byte, error) {
	if name == "-" {
		if t.inIsTerminal() {
			t.Note("Reading from here until Ctrl-D.")
		}
		b, err := io.ReadAll(t.input())
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return b, nil
	}
	return os.ReadFile(name) //nolint:wrapcheck // os.PathError names operation and file
}

// Confirm asks a question on stderr and says whether the answer on stdin is
// yes. No answer is no.
func (t *Terminal) Confirm(question string) bool {
	fmt.Fprint(writer{t, t.err}, wrap(replaceControls(question)+" [y/N] ", columns(t.err)))
	answer, _ := bufio.NewReader(t.input()).ReadString('\n') // what was read before an error counts
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

// ReadSecret returns standard input. Where a person can type it shows the
// prompt first and reads one line without showing it.
func (t *Terminal) ReadSecret(prompt string) (string, error) {
	if !t.inIsTerminal() {
		b, err := t.ReadFile("-")
		return string(b), err
	}
	words := writer{t, t.err}
	fmt.Fprint(words, prompt)
	defer fmt.Fprintln(words)
	fd := int(t.in.(*os.File).Fd()) //nolint:forcetypeassert // a terminal is a file
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("read the terminal's state: %w", err)
	}
	b, err := waitFor(t.interrupted, func() ([]byte, error) { return term.ReadPassword(fd) })
	if errors.Is(err, ErrInterrupted) {
		// ReadPassword has not returned, so it has not switched the echo on again.
		_ = term.Restore(fd, before)
	}
	return string(b), err
}

// inIsTerminal says whether a person can type.
func (t *Terminal) inIsTerminal() bool {
	f, isFile := t.in.(*os.File)
	return isFile && term.IsTerminal(int(f.Fd()))
}

// input is standard input whose reading Ctrl-C ends. Nothing else would: the
// signal is caught, and a read that has begun waits for what may never come.
func (t *Terminal) input() io.Reader { return interruptible{t.in, t.interrupted} }

type interruptible struct {
	in          io.Reader
	interrupted <-chan struct{}
}

// Read returns ErrInterrupted where the wait was ended.
func (r interruptible) Read(p []byte) (int, error) {
	return waitFor(r.interrupted, func() (int, error) { return r.in.Read(p) })
}

// waitFor returns what f returns, or ErrInterrupted. Then f still runs and its
// result is lost, which is right only because the process is about to end.
func waitFor[T any](interrupted <-chan struct{}, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-interrupted:
		var none T
		return none, ErrInterrupted
	}
}
