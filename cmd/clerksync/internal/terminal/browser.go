package terminal

import (
	"github.com/cli/browser"
)

// OpenBrowser opens a URL in the user's browser and does not wait for it: some
// browsers run in the terminal, until they are closed. Where there is none it says
// so, for the URL can be opened by hand.
func (t *Terminal) OpenBrowser(url string) {
	// Their words are for people: stdout may be read by a program.
	browser.Stdout, browser.Stderr = writer{t, t.err}, writer{t, t.err}
	go func() {
		if err := browser.OpenURL(url); err != nil {
			t.Note("%s no browser opens: %v. Open %s yourself.", Warn("note:"), err, url)
		}
	}()
}
