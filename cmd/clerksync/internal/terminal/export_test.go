package terminal

import "runtime/debug"

// ProgramOf is Program for a build.
func ProgramOf(info *debug.BuildInfo) string { return programOf(info) }

// SetTerminal says whether a terminal reads stdout.
func (t *Terminal) SetTerminal(is bool) { t.outIsTerminal = is }

// Wrap is what the printers do with a line for a terminal of that width.
func Wrap(text string, width int) string { return wrap(text, width) }
