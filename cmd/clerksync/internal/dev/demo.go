package dev

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/scenario"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// demo sends the first week through the pipeline and follows each message to its
// result. It stands between the pipeline and the screen: while it runs, people
// see its table instead of a line a message.
type demo struct {
	screen *screen
	mu     sync.Mutex
	active bool
	result map[string]step // by svix id, until it is taken
	notify chan struct{}   // holds one token where result has changed
}

func newDemo(s *screen) *demo {
	return &demo{screen: s, result: map[string]step{}, notify: make(chan struct{}, 1)}
}

func (d *demo) onRequest(_ context.Context, r ingest.Report) {
	d.see(step{Stage: string(r.Stage), SvixID: r.SvixID, EventType: r.EventType, Reason: r.Reason})
}

func (d *demo) onMessage(_ context.Context, r consumer.Report) {
	st := step{Stage: string(r.Outcome), SvixID: r.SvixID, EventType: r.EventType, Entity: r.Entity, Reason: r.Reason}
	if r.Err != nil {
		st.Reason = deployment.ExplainReason(r.Err.Error())
	}
	if st.attempt = r.Attempt; !r.ReceivedAt.IsZero() {
		st.lag = r.EndedAt.Sub(r.ReceivedAt)
	}
	d.see(st)
}

// see is called by ingest and by several batches of sync at once. It never waits:
// a token in notify that is not taken yet stands for this step, too.
func (d *demo) see(st step) {
	d.mu.Lock()
	hide := d.active && !d.screen.json
	if d.active && st.Stage != string(ingest.Queued) {
		d.result[st.SvixID] = st
	}
	d.mu.Unlock()
	select {
	case d.notify <- struct{}{}:
	default:
	}
	d.screen.show(st, hide)
}

// maxWait bounds how long a message may take through the pipeline.
const maxWait = 10 * time.Second

// awaitResult waits for the last step of a message.
func (d *demo) awaitResult(ctx context.Context, id string) (step, error) {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	for {
		d.mu.Lock()
		st, ok := d.result[id]
		delete(d.result, id)
		d.mu.Unlock()
		if ok {
			return st, nil
		}
		select {
		case <-ctx.Done():
			return step{}, fmt.Errorf("message %s did not come through within %s: %w", id, maxWait, ctx.Err())
		case <-d.notify:
		}
	}
}

func (d *demo) setActive(active bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.active = active
}

// storyWidth is the least width of a terminal in which the story has its column of
// events: what happened says the same in other words.
const storyWidth = 112

// run sends the week through and shows what happened to each message and the
// rows at the end. It is an error where a message came out otherwise than it
// should.
func (d *demo) run(ctx context.Context, p *pipeline.Pipeline, signer webhook.Signer) error {
	d.setActive(true)
	defer d.setActive(false)
	wrong := 0
	var rows [][]any
	for _, e := range scenario.Week(d.screen.now()) {
		got, err := d.send(ctx, p, signer, e.Request)
		if err != nil {
			if ctx.Err() != nil {
				return terminal.ErrInterrupted
			}
			return err
		}
		verdict := terminal.Good("ok")
		if got != e.Outcome {
			verdict = terminal.Bad("expected " + e.Outcome)
			wrong++
		}
		rows = append(rows, []any{e.Day, e.What, webhook.EventType(e.Request.Body), got, verdict})
	}
	if !d.screen.json {
		d.screen.term.Print("%s\n", terminal.Bold("The first week of Lumen & Oak, as its webhooks arrived"))
		headings := []string{"when", "what happened", "event", "result", ""}
		if w := d.screen.width(); w > 0 && w < storyWidth {
			headings = slices.Delete(headings, 2, 3)
			for i := range rows {
				rows[i] = slices.Delete(rows[i], 2, 3)
			}
		}
		d.screen.term.PrintTable(headings, rows)
	}
	if err := d.showDirectory(ctx, p); err != nil {
		return err
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d events did not come out as they should", wrong, len(rows))
	}
	return nil
}

// send posts one request and returns its result: the stage, and of a rejected
// one the status and the error that were answered.
func (d *demo) send(
	ctx context.Context, p *pipeline.Pipeline, signer webhook.Signer, r webhook.Request,
) (string, error) {
	h, sent := signer.Sign(r)
	answer, err := webhook.Post(ctx, p.WebhookURL, h, sent)
	if err != nil {
		return "", err
	}
	st, err := d.awaitResult(ctx, r.ID)
	if err == nil && st.Stage == string(ingest.Rejected) {
		return fmt.Sprintf("rejected %d %s", answer.Status, st.Reason), nil
	}
	return st.Stage, err
}

// showDirectory shows the rows of the Directory table: to people the live ones
// and the tombstones in a table each, for tombstones need a word of explanation.
func (d *demo) showDirectory(ctx context.Context, p *pipeline.Pipeline) error {
	var rows []deployment.Record
	_, err := deployment.NewRows(p.DynamoDB, p.DirectoryTable, p.DeliveriesTable).
		Walk(ctx, p.DirectoryTable, 0, func(r deployment.Record) { rows = append(rows, r) })
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(a, b deployment.Record) int {
		return strings.Compare(a.Text("pk")+a.Text("sk"), b.Text("pk")+b.Text("sk"))
	})
	term := d.screen.term
	if d.screen.json {
		for _, r := range rows {
			term.PrintJSON(struct {
				Event string            `json:"event"`
				Row   deployment.Record `json:"row"`
			}{"row", r})
		}
		return nil
	}
	isGone := func(r deployment.Record) bool { return r.Text("deleted_at") != "" }
	gone := slices.DeleteFunc(slices.Clone(rows), func(r deployment.Record) bool { return !isGone(r) })
	term.Print("\n%s\n", terminal.Bold("The rows in "+p.DirectoryTable))
	term.PrintTable([]string{"pk, and below it each sk", ""}, listByKey(slices.DeleteFunc(rows, isGone)))
	term.Print("\n%s\n", terminal.Bold("Tombstones: what was deleted, kept so that nothing late brings it back"))
	term.PrintTable([]string{"pk, and below it each sk", "deleted_at", ""}, listByKey(gone, "deleted_at"))
	term.Print("")
	return nil
}

// listByKey makes lines for a table: a partition key once, then its rows, for
// keys are long and windows are not. A row is its sort key, the attributes and a
// summary.
func listByKey(rows []deployment.Record, attributes ...string) (lines [][]any) {
	pk := ""
	for _, r := range rows {
		if r.Text("pk") != pk {
			pk = r.Text("pk")
			lines = append(lines, []any{pk})
		}
		line := []any{"  " + r.Text("sk")}
		for _, name := range attributes {
			line = append(line, r.Text(name))
		}
		lines = append(lines, append(line, summarize(r)))
	}
	return lines
}

// summarize is a row at a glance.
func summarize(r deployment.Record) string {
	parts := []string{strings.TrimSpace(r.Text("first_name") + " " + r.Text("last_name"))}
	for _, name := range []string{
		"email", "phone", "name", "email_address", "role", "key", "status", "enrollment_mode",
	} {
		parts = append(parts, r.Text(name))
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}
