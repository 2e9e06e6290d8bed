package dev

import (
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// Screen lets tests show one thing at a time.
type Screen struct{ s *screen }

// NewScreen makes a Screen.
func NewScreen(term *terminal.Terminal, o Options) Screen { return Screen{newScreen(term, o)} }

// ShowReady and the others below show what their names say.
func (s Screen) ShowReady(p *pipeline.Pipeline) { s.s.showReady(p) }

func (s Screen) ShowNext(p *pipeline.Pipeline) { s.s.showNext(p) }

func (s Screen) ShowStep(stage, svixID string) { s.s.show(step{Stage: stage, SvixID: svixID}) }

func (s Screen) CheckAddresses(o pipeline.Options) error {
	return s.s.checkAddresses(o) //nolint:wrapcheck // tests ask for it as it is
}
