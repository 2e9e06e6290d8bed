// Package terminal is the side of the command line that faces people and pipes.
// It holds the three streams, styled text, tables, JSON lines and prompts
// (terminal.go, style.go, width.go, input.go), progress (progress.go), how commands
// that are printed begin (program.go), help (help.go), usage errors and exit statuses
// (errors.go), and every workaround for the library that parses the command line
// (cli.go).
//
// Data goes to stdout, words for people go to stderr. What comes from outside
// never reaches a terminal raw (outside.go), for anyone may choose a name for
// themselves; colours are dropped where no terminal reads them. A write that
// fails makes the command fail.
package terminal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"text/tabwriter"

	"charm.land/lipgloss/v2"
	"golang.org/x/term"
)

// Terminal is the streams of one command. Its methods may be called from
// several goroutines: lines never mix.
type Terminal struct {
	in            io.Reader
	out, err      io.Writer
	interrupted   <-chan struct{}
	outIsTerminal bool

	mu     sync.Mutex    // held while a line is written
	failed error         // the first write that failed
	lost   chan struct{} // closed when the first write to stdout has failed
	above  io.Writer     // writes above a Progress, nil where none is shown
}

// New makes a Terminal. The end of ctx is Ctrl-C: it ends every wait for input.
func New(ctx context.Context, in io.Reader, out, err io.Writer) *Terminal {
	f, isFile := out.(*os.File)
	return &Terminal{
		in: in, out: out, err: err, interrupted: ctx.Done(), lost: make(chan struct{}),
		outIsTerminal: isFile && term.IsTerminal(int(f.Fd())),
	}
}

// Print prints a line of data to stdout. Arguments that are strings or errors
// lose their control characters; Styled ones are printed as they are.
func (t *Terminal) Print(format string, args ...any) { t.writeLine(t.out, false, format, args...) }

// Note prints a line of words for people to stderr, as Print does.
func (t *Terminal) Note(format string, args ...any) { t.writeLine(t.err, true, format, args...) }

func (t *Terminal) writeLine(w io.Writer, words bool, format string, args ...any) {
	if false {
		_ = fmt.Sprintf(format, args...) // so that go vet checks the arguments of callers
	}
	cleaned := make([]any, len(args))
	for i, a := range args {
		cleaned[i] = clean(a)
	}
	t.write(w, func() error {
		to := w
		if words && t.above != nil {
			to = t.above
		}
		_, err := lipgloss.Fprintln(to, wrap(fmt.Sprintf(format, cleaned...), columns(w)))
		return err
	})
}

// PrintJSON prints v to stdout as one line of JSON.
func (t *Terminal) PrintJSON(v any) {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	t.write(t.out, func() error {
		if err := enc.Encode(v); err != nil {
			return err //nolint:wrapcheck // Report says what failed
		}
		_, err := io.WriteString(t.out, escapeControls(line.String()))
		return err //nolint:wrapcheck // as above
	})
}

// PrintText prints a text and a newline to stdout: byte for byte for programs,
// and for people without what a terminal would obey.
func (t *Terminal) PrintText(text string) {
	if t.outIsTerminal {
		text = replaceControlsByLine(text)
	}
	t.write(t.out, func() error {
		_, err := io.WriteString(t.out, text+"\n")
		return err
	})
}

// IsTerminal says whether a person reads stdout.
func (t *Terminal) IsTerminal() bool { return t.outIsTerminal }

// Clear empties the terminal, for what is printed next to take the place of what was
// there. In a pipe it does nothing.
func (t *Terminal) Clear() {
	if !t.outIsTerminal {
		return
	}
	t.write(t.out, func() error {
		_, err := io.WriteString(t.out, "\x1b[H\x1b[2J")
		return err //nolint:wrapcheck // Report says what failed
	})
}

// write is the one place that writes to a stream, a line at a time. It keeps the
// first failure for Report: a reader that has gone away or a full disk must not
// look like success. The command goes on, for what it does besides may matter, but
// for one that runs until it is ended: see Lost.
func (t *Terminal) write(to io.Writer, line func() error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	err := line()
	if err == nil {
		return
	}
	if t.failed == nil {
		t.failed = err
	}
	if to == t.out {
		select {
		case <-t.lost:
		default:
			close(t.lost)
		}
	}
}

// Lost is closed when data could not be written to stdout: nothing that is printed
// from then on reaches who asked for it.
func (t *Terminal) Lost() <-chan struct{} { return t.lost }

// writer is a stream for what prints by itself, as the library does its help.
type writer struct {
	t  *Terminal
	to io.Writer
}

// Write writes as the printers of a Terminal do.
func (w writer) Write(p []byte) (n int, err error) {
	w.t.write(w.to, func() error {
		n, err = w.to.Write(p)
		return err
	})
	return n, err
}

// PrintTable prints rows below headings to stdout, in columns. Only cells of the
// last column may be Styled: tabwriter counts escape codes as width.
func (t *Terminal) PrintTable(headings []string, rows [][]any) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, strings.Join(headings, "\t")) // a Builder takes everything
	for _, row := range rows {
		cells := make([]string, len(headings)) // a row that lacks a cell would end tabwriter's column
		for i, cell := range row {
			cells[i] = fmt.Sprint(clean(cell))
		}
		_, _ = fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	_ = w.Flush()
	style := Bold
	for line := range strings.Lines(text.String()) {
		t.Print("%s", style(Styled(strings.TrimRight(line, " \n")))) // a narrow window would wrap the padding
		style = Plain
	}
}
