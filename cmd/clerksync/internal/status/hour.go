package status

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// minutes is how many the last hour has.
const minutes = 60

// perMinute counts messages by the minute, the oldest first; nil for none, for then
// there is nothing to see.
type perMinute struct {
	start time.Time
	count []int
}

func newPerMinute(now time.Time) *perMinute {
	return &perMinute{start: now.Add(-time.Hour), count: make([]int, minutes)}
}

// add counts messages at a time. CloudWatch's minutes begin at whole ones, so the
// first may begin a little before the hour.
func (p *perMinute) add(at time.Time, n int) {
	if i := int(at.Sub(p.start) / time.Minute); i < minutes {
		p.count[max(i, 0)] += n
	}
}

func (p *perMinute) counts() []int {
	if slices.Max(p.count) == 0 {
		return nil
	}
	return p.count
}

// formatBar draws counts as one character each, the newest last, in so many columns;
// 0 for any number. A minute with any message differs from one with none.
func formatBar(counts []int, width int) string {
	levels := []rune("·▁▂▃▄▅▆▇█")
	most := slices.Max(counts)
	words := fmt.Sprintf("  at most %d a minute", most)
	if room := width - len(words); width > 0 && room < len(counts) {
		counts = counts[len(counts)-max(room, 1):]
	}
	var b strings.Builder
	for _, n := range counts {
		level := 0
		if n > 0 {
			level = max(1, n*(len(levels)-1)/most)
		}
		b.WriteRune(levels[level])
	}
	return b.String() + words
}

// Line is the report on one line, without what changes by itself from one look to
// the next: who watches without a terminal gets a line a change.
func (r Report) Line() string {
	text := formatCounts(r.LastHour) + fmt.Sprintf("; queue %d waiting, %d in flight; dead letters %d",
		r.Queue.Visible, r.Queue.InFlight+r.Queue.Delayed, r.DeadLetters)
	if r.Rows != nil {
		live := 0
		for _, n := range r.Rows {
			live += n.Live
		}
		text += fmt.Sprintf("; live rows %d", live)
	}
	return text
}
