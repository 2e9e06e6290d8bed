package dev

import (
	"context"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// Screen lets tests show one thing at a time.
type Screen struct{ s *screen }

// Step is one step of one message.
type Step = step

// NewScreen makes a Screen.
func NewScreen(term *terminal.Terminal, o Options) Screen { return Screen{newScreen(term, o)} }

// SetWidth says how wide the terminal is.
func (s Screen) SetWidth(width int) {
	s.s.width = func() int { return width }
	s.s.noteWidth = s.s.width
}

// SetConsole says where the console is.
func (s Screen) SetConsole(url string) { s.s.consoleURL.Store(&url) }

// ShowReady and the others below show what their names say.
func (s Screen) ShowReady(p *pipeline.Pipeline) { s.s.showReady(p) }

func (s Screen) ShowNext(p *pipeline.Pipeline) { s.s.showNext(p) }

func (s Screen) ShowStep(st Step) { s.s.show(st, false) }

func (s Screen) ShowCounts() { s.s.showCounts() }

func (s Screen) CheckAddresses(o Options) error {
	return s.s.checkAddresses(o) //nolint:wrapcheck // tests ask for it as it is
}

// DevOnFreePorts is the command that is advised where a port is taken.
func DevOnFreePorts(ctx context.Context, o Options) string {
	return strings.Join(devOnFreePorts(ctx, o), " ")
}

// Format is a step as the screen shows it now.
func (s Screen) Format(st Step) string { return string(s.s.format(st)) }

// FormatStep is a step as it is shown.
func FormatStep(st Step, lag time.Duration, attempt, width int) string {
	st.lag, st.attempt = lag, attempt
	return string(formatStep(time.Unix(0, 0), st, width, "", ""))
}
