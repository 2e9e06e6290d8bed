package terminal

import (
	"context"
	"io"
	"os"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// Progress shows how far a long command is, a line for each of its parts, with
// rate and time left. It is for people alone: where stderr is no terminal, it
// shows nothing.
type Progress struct {
	t    *Terminal
	bars *mpb.Progress // nil where nothing is shown
	bar  *mpb.Bar      // of the part that is in hand
	name string
}

// NewProgress begins to show. The end of ctx stops it; Stop must be called all
// the same.
func (t *Terminal) NewProgress(ctx context.Context) *Progress {
	p := &Progress{t: t}
	if f, ok := t.err.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return p
	}
	p.bars = mpb.NewWithContext(context.WithoutCancel(ctx), mpb.WithOutput(t.err), mpb.WithWidth(barWidth))
	t.setAbove(p.bars)
	return p
}

const (
	barWidth  = 60 // the whole line fits 80 columns
	nameWidth = 13
)

// Show says that a part has done so many of total, which may grow, or be smaller
// than what was done. A name other than the last one's begins another part.
func (p *Progress) Show(name string, done, total int64) {
	if p.bars == nil {
		return
	}
	if name != p.name {
		p.endPart()
		p.name = name
		p.bar = p.bars.New(max(total, 1), mpb.BarStyle(),
			mpb.PrependDecorators(
				decor.Name(name, decor.WC{W: nameWidth, C: decor.DindentRight}), decor.CountersNoUnit("%d/%d "),
			),
			mpb.AppendDecorators(decor.AverageSpeed(0, " %.0f/s "), decor.AverageETA(decor.ET_STYLE_GO)))
	}
	p.bar.SetTotal(max(total, done, 1), false)
	p.bar.SetCurrent(done)
}

// endPart leaves the line of the part as it is.
func (p *Progress) endPart() {
	if p.bar != nil && !p.bar.AbortedOrCompleted() {
		p.bar.Abort(false)
	}
}

// Stop draws for the last time. Lines that are printed later stand below.
func (p *Progress) Stop() {
	if p.bars == nil {
		return
	}
	p.endPart()
	p.t.setAbove(nil)
	p.bars.Wait()
	p.bars = nil
}

// setAbove makes Note print above lines that are drawn again and again.
func (t *Terminal) setAbove(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.above = w
}
