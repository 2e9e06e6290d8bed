package terminal

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

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
	barWidth  = 26 // so that the whole line fits 80 columns
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
		pace := pace{start: time.Now(), first: done}
		p.bar = p.bars.New(max(total, 1), mpb.BarStyle(),
			mpb.PrependDecorators(
				decor.Name(name, decor.WC{W: nameWidth, C: decor.DindentRight}), decor.CountersNoUnit("%d/%d "),
			),
			mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string {
				return pace.words(s.Current, s.Total, time.Now())
			})))
	}
	p.bar.SetTotal(max(total, done, 1), false)
	p.bar.SetCurrent(done)
}

// pace is how fast a part is. What was done before it was shown does not count:
// an earlier process did it. The library's own rates know no such beginning.
type pace struct {
	start time.Time
	first int64
}

// words are the rate and, while there is some, the time left.
func (p pace) words(done, total int64, now time.Time) string {
	rate := float64(done-p.first) / max(now.Sub(p.start).Seconds(), 1)
	words := fmt.Sprintf(" %.0f/s", rate)
	if left := total - done; left > 0 && rate > 0 {
		after := time.Duration(float64(left) / rate * float64(time.Second))
		words += ", " + after.Round(time.Second).String() + " left"
	}
	return words
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
