package status_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/status"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// The last hour is a bar, a character a minute: none is a dot, the busiest is
// full, and any message at all can be seen. Without messages there is no bar.
func TestBarOfTheLastHour(t *testing.T) {
	t.Parallel()
	show := func(counts []int) string {
		var out bytes.Buffer
		term := terminal.New(t.Context(), nil, &out, &out)
		status.Report{PerMinute: counts}.Show(term, time.Now(), deployment.Names{})
		return out.String()
	}
	counts := make([]int, 60)
	counts[57], counts[58], counts[59] = 1, 400, 800
	want := "per minute     " + strings.Repeat("·", 57) + "▁▄█  at most 800 a minute\n"
	if !strings.Contains(show(counts), want) {
		t.Errorf("Show = %s, want %q", show(counts), want)
	}
	if text := show(nil); strings.Contains(text, "per minute") {
		t.Errorf("Show without messages = %s, want no bar", text)
	}
}

// A line of a watch is the same as long as nothing happens, though time goes on.
func TestLineIsTheSameWhileNothingHappens(t *testing.T) {
	t.Parallel()
	one, two := 1, 2
	before := status.Report{LastHour: map[string]int{"applied": 3}, Queue: deployment.QueueState{OldestSeconds: &one}}
	after := status.Report{LastHour: map[string]int{"applied": 3}, Queue: deployment.QueueState{OldestSeconds: &two}}
	if before.Line() != after.Line() {
		t.Errorf("Line = %q, then %q, want the same", before.Line(), after.Line())
	}
	var lines []string
	for _, change := range []func(*status.Report){
		func(r *status.Report) { r.LastHour = map[string]int{"applied": 4} },
		func(r *status.Report) { r.Queue.Visible = 1 },
		func(r *status.Report) { r.DeadLetters = 1 },
		func(r *status.Report) { r.Rows = map[string]status.KindCount{"user": {Live: 1}} },
	} {
		r := before
		change(&r)
		lines = append(lines, r.Line())
	}
	slices.Sort(lines)
	if len(slices.Compact(append(lines, before.Line()))) != 5 {
		t.Errorf("lines = %q, want each change to make another one", lines)
	}
}
