package status

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// besideName is the column at which a value stands.
const besideName = 15

// Show prints the report for people, on one screen. What is not known has no
// line, but for the two times: that no event came is worth knowing. The commands that
// it names take the flags of the names by which the deployment was found.
func (r Report) Show(term *terminal.Terminal, now time.Time, names deployment.Names) {
	line := func(name, format string, args ...any) {
		term.Print("%s  "+format, append([]any{terminal.Dim(fmt.Sprintf("%-13s", name))}, args...)...)
	}
	if r.WebhookURL != "" {
		line("webhook", "%s", r.WebhookURL)
	}
	if r.ConsoleURL != "" {
		line("console", "%s", r.ConsoleURL)
	}
	line("last received", "%s", formatAge(r.LastReceivedAt, now))
	line("last applied", "%s", formatAge(r.LastAppliedAt, now))
	if r.LagP50 != nil && r.LagP99 != nil {
		line("lag", "p50 %s, p99 %s, from %s, in the last hour", milliseconds(*r.LagP50), milliseconds(*r.LagP99),
			map[string]string{LagFromChange: "Clerk's change", LagFromReceipt: "receipt"}[r.LagFrom])
	}
	line("last hour", "%s", formatCounts(r.LastHour))
	if len(r.PerMinute) > 0 {
		width := term.Width()
		if width > 0 {
			width = max(width-besideName, 1)
		}
		line("per minute", "%s", formatBar(r.PerMinute, width))
	}
	if len(r.RejectedBy) > 0 {
		line("rejected for", "%s", formatCounts(r.RejectedBy))
	}
	age := ""
	if r.Queue.OldestSeconds != nil {
		age = fmt.Sprintf(", the oldest is %s old", time.Duration(*r.Queue.OldestSeconds)*time.Second)
	}
	line("queue", "%d waiting, %d in flight%s", r.Queue.Visible, r.Queue.InFlight+r.Queue.Delayed, age)
	r.showDeadLetters(term, line, "clerksync dlq ls"+names.QueueFlags())
	if r.Rows == nil && r.Clerk == nil {
		line("rows", "about %d %s", r.RowsTotal, terminal.Dim("(up to six hours old; --count counts them)"))
	} else {
		if r.Rows == nil {
			line("rows", "about %d in all; --count counts them by kind", r.RowsTotal)
		}
		r.showRows(term)
	}
	if r.Partial {
		term.Note("%s the Deliveries table is large, only its first part was read: there may be newer events.",
			terminal.Warn("note:"))
	}
}

// showDeadLetters prints how many there are and the command that lists them: on the
// same line where it has room, else below it.
func (r Report) showDeadLetters(term *terminal.Terminal, line func(name, format string, args ...any), list string) {
	const name = "dead letters"
	text, width := fmt.Sprintf("%d: %s", r.DeadLetters, list), term.Width()
	switch {
	case r.DeadLetters == 0:
		line(name, "%s", terminal.Good("0"))
	case width == 0 || len(text)+besideName <= width:
		line(name, "%s", terminal.Bad(text))
	default:
		line(name, "%s", terminal.Bad(r.DeadLetters))
		term.Print("%s", terminal.Command(width, list))
	}
}

// showRows prints the counts by kind. Tombstones stand apart: they are rows, and
// yet nothing that a reader of the table would find.
func (r Report) showRows(term *terminal.Terminal) {
	headings, rows := []string{"kind", "rows", "tombstones"}, [][]any(nil)
	if r.Clerk != nil {
		headings = append(headings, "at Clerk")
	}
	kinds := slices.AppendSeq(slices.Collect(maps.Keys(r.Rows)), maps.Keys(r.Clerk))
	slices.Sort(kinds)
	for _, kind := range slices.Compact(kinds) {
		row := []any{kind, r.Rows[kind].Live, r.Rows[kind].Tombstones}
		if r.Rows == nil {
			row = []any{kind, "?", "?"}
		}
		if n, counted := r.Clerk[kind]; counted { // Clerk has no pointers
			row = append(row, n)
		}
		rows = append(rows, row)
	}
	term.Print("")
	if len(r.Rows) == 0 && r.Rows != nil {
		term.Print("The Directory table is empty.")
	}
	if len(rows) > 0 {
		term.PrintTable(headings, rows)
	}
	if r.Rows != nil && !r.RowsCounted {
		term.Note("%s the count stopped early; --count counts to the end.", terminal.Warn("note:"))
	}
}

// formatCounts prints numbers by name, in the order in which a message meets
// what they count.
func formatCounts(n map[string]int) string {
	order := []string{
		"received", "verified", "queued", "ignored", "rejected", "applied", "stale", "duplicate", "failed", "dead",
	}
	var parts []string
	for _, name := range slices.SortedFunc(maps.Keys(n), func(a, b string) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a), slices.Index(order, b)), strings.Compare(a, b))
	}) {
		parts = append(parts, fmt.Sprintf("%s %d", name, n[name]))
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing")
}

// formatAge prints a time and how long ago it was. The empty text is no time: the
// event did not happen, or happened before the metrics and the table begin.
func formatAge(text string, now time.Time) terminal.Styled {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return "never, as far as is known"
	}
	age := terminal.Dim("(" + terminal.FormatDuration(now.Sub(at)) + " ago)")
	return terminal.Plain(text) + "  " + age
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }
