package terminal

import (
	"runtime/debug"
	"time"
)

// ProgramOf is Program for a build.
func ProgramOf(info *debug.BuildInfo) string { return programOf(info) }

// SetTerminal says whether a terminal reads stdout.
func (t *Terminal) SetTerminal(is bool) { t.outIsTerminal = is }

// PaceWords is the rate of a part, and its time left, after it has gone on for a time.
func PaceWords(first, done, total int64, took time.Duration) string {
	began := time.Unix(0, 0)
	return pace{start: began, first: first}.words(done, total, began.Add(took))
}

// Wrap is what the printers do with a line for a terminal of that width.
func Wrap(text string, width int) string { return wrap(text, width) }
