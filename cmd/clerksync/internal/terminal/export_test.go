package terminal

// SetTerminal says whether a terminal reads stdout.
func (t *Terminal) SetTerminal(is bool) { t.outIsTerminal = is }
