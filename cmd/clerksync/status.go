package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/directory"
)

func (e program) statusCommand() *cli.Command {
	return &cli.Command{
		Name:  "status",
		Usage: "what goes through a stack and what its tables hold, on one screen",
		Description: `Of a stack it reads the metrics; where there are none, as of clerksync dev, it
reads the Deliveries table (the first 20 MB), which knows no rejected and no
failed message. Rows are counted by reading the Directory table where that is
small (100,000 rows), or with --count, at the price of reading it whole; else the
number is DynamoDB's own, up to six hours old. Depths of queues are approximate,
as SQS has them.

The exit status is 0 where all could be read: status reports, doctor judges.`,
		Flags: append(placeFlags(),
			&cli.BoolFlag{Name: "count", Usage: "count the rows whatever that costs"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object"}),
		Action:   e.status,
		Metadata: terminal.Examples("clerksync status --stack clerksync", "clerksync status --json | jq .last_applied_at", "clerksync status                # of clerksync dev"),
	}
}

// statusReport is what status tells. What is not known is absent; times are
// RFC 3339, in UTC.
type statusReport struct {
	Stack          string         `json:"stack,omitempty"`
	WebhookURL     string         `json:"webhook_url,omitempty"`
	Source         string         `json:"source"`                     // metrics or deliveries
	LastReceivedAt string         `json:"last_received_at,omitempty"` // a message that Clerk signed
	LastAppliedAt  string         `json:"last_applied_at,omitempty"`
	LagP50         *int           `json:"lag_p50_ms,omitempty"` // of the last hour
	LagP99         *int           `json:"lag_p99_ms,omitempty"`
	LagFrom        string         `json:"lag_from,omitempty"` // change at Clerk, or receipt here
	LastHour       map[string]int `json:"last_hour"`
	RejectedBy     map[string]int `json:"rejected_by,omitempty"`
	Queue          queueState     `json:"queue"`
	DeadLetters    int            `json:"dead_letters"`
	rowCount
	Partial bool `json:"partial,omitempty"` // the Deliveries table was not read to its end
}

func (e program) status(ctx context.Context, c *cli.Command) error {
	if err := terminal.TakeNothing(c); err != nil {
		return err
	}
	p := e.unplaced(c)
	if err := e.locate(ctx, c, p); err != nil {
		return err
	}
	r := statusReport{Stack: p.stack, WebhookURL: p.webhookURL}
	if err := e.traffic(ctx, p, &r); err != nil {
		return err
	}
	if err := e.depths(ctx, p, &r); err != nil {
		return err
	}
	var err error
	if r.rowCount, err = p.count(ctx, c.Bool("count")); err != nil {
		return err
	}
	if c.Bool("json") {
		e.term.PrintJSON(r)
		return nil
	}
	e.showStatus(r)
	return nil
}

// traffic reads the metrics, or the Deliveries table where they say nothing.
func (e program) traffic(ctx context.Context, p *place, r *statusReport) error {
	if p.stack != "" {
		found, err := p.measured(ctx, e.now(), r)
		if err == nil && found {
			return nil
		}
		if err != nil {
			e.term.Note("%s %v", terminal.Warn("note:"), err)
		}
	}
	return p.recorded(ctx, e.now(), r)
}

func (e program) depths(ctx context.Context, p *place, r *statusReport) (err error) {
	if r.Queue, err = p.queue(ctx, p.QueueURL); err != nil {
		return err
	}
	dead, err := p.queue(ctx, p.DeadLetterQueueURL)
	if err != nil {
		return err
	}
	r.DeadLetters = dead.Visible + dead.InFlight + dead.Delayed
	if p.stack == "" {
		return nil
	}
	now := e.now()
	if got, err := p.read(ctx, now.Add(-10*time.Minute), now, oldest(p.QueueURL)); err == nil && len(got[0]) > 0 {
		age := int(got[0][0].value) // newest first
		r.Queue.OldestSeconds = &age
	}
	return nil
}

func (e program) showStatus(r statusReport) {
	line := func(name, format string, a ...any) {
		e.term.Print("%s  %s", terminal.Dim(fmt.Sprintf("%-13s", name)), terminal.Styled(fmt.Sprintf(format, a...)))
	}
	if r.WebhookURL != "" {
		line("webhook", "%s", r.WebhookURL)
	}
	line("last received", "%s", e.ago(r.LastReceivedAt))
	line("last applied", "%s", e.ago(r.LastAppliedAt))
	if r.LagP50 != nil && r.LagP99 != nil {
		line("lag", "p50 %s, p99 %s, from %s, in the last hour", ms(*r.LagP50), ms(*r.LagP99),
			map[string]string{lagFromChange: "Clerk's change", lagFromReceipt: "receipt"}[r.LagFrom])
	}
	line("last hour", "%s", counts(r.LastHour))
	if len(r.RejectedBy) > 0 {
		line("rejected for", "%s", counts(r.RejectedBy))
	}
	age := ""
	if r.Queue.OldestSeconds != nil {
		age = fmt.Sprintf(", the oldest is %s old", time.Duration(*r.Queue.OldestSeconds)*time.Second)
	}
	line("queue", "%d waiting, %d in flight%s", r.Queue.Visible, r.Queue.InFlight+r.Queue.Delayed, age)
	dead := terminal.Good("0")
	if r.DeadLetters > 0 {
		dead = terminal.Bad(fmt.Sprintf("%d: clerksync dlq ls", r.DeadLetters))
	}
	line("dead letters", "%s", dead)
	e.showRows(r.rowCount)
	if r.Partial {
		e.term.Note("%s the Deliveries table is large, only its first part was read: there may be newer events.", terminal.Warn("note:"))
	}
}

func (e program) showRows(r rowCount) {
	if r.Rows == nil {
		e.term.Print("%s  about %d %s", terminal.Dim(fmt.Sprintf("%-13s", "rows")), r.Total, terminal.Dim("(up to six hours old; --count counts them)"))
		return
	}
	rows := [][]any{}
	for _, kind := range slices.Sorted(maps.Keys(r.Rows)) {
		n := r.Rows[kind]
		rows = append(rows, []any{kind, n.Live, n.Tombstones})
	}
	e.term.Print("")
	if len(rows) == 0 {
		e.term.Print("The Directory table is empty.")
		return
	}
	e.term.PrintTable([]string{"kind", "rows", "tombstones"}, rows)
	if !r.Counted {
		e.term.Note("%s the count stopped early; --count counts to the end.", terminal.Warn("note:"))
	}
}

// counts prints numbers by name, in the order of the walk.
func counts(n map[string]int) string {
	order := []string{"received", "verified", "queued", "ignored", "rejected", "applied", "stale", "duplicate", "failed", "dead"}
	var parts []string
	for _, name := range slices.SortedFunc(maps.Keys(n), func(a, b string) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a), slices.Index(order, b)), strings.Compare(a, b))
	}) {
		parts = append(parts, fmt.Sprintf("%s %d", name, n[name]))
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing")
}

// ago is a time with its distance from now.
func (e program) ago(text string) string {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return "never, as far as is known"
	}
	return fmt.Sprintf("%s  %s", text, terminal.Dim("("+span(e.now().Sub(at))+" ago)"))
}

// span rounds a duration to what people say.
func span(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func ms(n int) string { return (time.Duration(n) * time.Millisecond).String() }

// stamp writes a time as the tables do; "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(directory.TimeFormat)
}
