package main

import (
	"errors"
	"io"
	"os"

	"golang.org/x/term"
)

// input is standard input whose reading Ctrl-C ends. Nothing else would: the
// signal is caught, and a read that has begun waits for what may never come.
type input struct {
	io.Reader
	interrupted <-chan struct{}
}

// Read returns errInterrupted where the wait was ended.
func (i input) Read(p []byte) (int, error) {
	return wait(i.interrupted, func() (int, error) { return i.Reader.Read(p) })
}

// wait returns what f does, or errInterrupted. f is then left to itself: the
// process ends.
func wait[T any](interrupted <-chan struct{}, f func() (T, error)) (v T, err error) {
	done := make(chan struct{})
	var got T
	var gotErr error
	go func() {
		got, gotErr = f()
		close(done)
	}()
	select {
	case <-done:
		return got, gotErr
	case <-interrupted:
		return v, errInterrupted
	}
}

// terminal is standard input where somebody can type.
func (e env) terminal() (fd int, ok bool) {
	in := e.in
	if i, wrapped := in.(input); wrapped {
		in = i.Reader
	}
	f, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	return int(f.Fd()), true
}

// readPassword reads a line that is not shown, and shows the next ones again
// though it was interrupted.
func readPassword(interrupted <-chan struct{}, fd int) ([]byte, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	b, err := wait(interrupted, func() ([]byte, error) { return term.ReadPassword(fd) })
	if errors.Is(err, errInterrupted) {
		_ = term.Restore(fd, before) // nobody is left to tell
	}
	return b, err
}
