package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/svix"
)

// demo sends the sample events through and follows each to its end. It stands
// between the pipeline and the screen.
type demo struct {
	*screen
	mu     sync.Mutex
	quiet  bool // while the story runs, its table takes the place of lines
	ended  map[string]step
	notify chan struct{}
}

func newDemo(s *screen) *demo {
	return &demo{screen: s, ended: map[string]step{}, notify: make(chan struct{}, 1)}
}

func (d *demo) request(_ context.Context, r ingest.Report) {
	d.see(step{Stage: string(r.Stage), SvixID: r.SvixID, EventType: r.EventType, Reason: r.Reason})
}

func (d *demo) message(_ context.Context, r consumer.Report) {
	st := step{Stage: string(r.Outcome), SvixID: r.SvixID, EventType: r.EventType, Entity: r.Entity}
	if r.Err != nil {
		st.Reason = r.Err.Error()
	}
	d.see(st)
}

func (d *demo) see(st step) {
	d.mu.Lock()
	if d.quiet && st.Stage != string(ingest.Queued) {
		d.ended[st.SvixID] = st
	}
	quiet := d.quiet && !d.json
	d.mu.Unlock()
	select {
	case d.notify <- struct{}{}:
	default:
	}
	if !quiet {
		d.show(st)
	}
}

// wait returns how the message ended.
func (d *demo) wait(ctx context.Context, id string) (step, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		d.mu.Lock()
		st, ok := d.ended[id]
		delete(d.ended, id)
		d.mu.Unlock()
		if ok {
			return st, nil
		}
		select {
		case <-ctx.Done():
			return step{}, fmt.Errorf("message %s did not come through within 10 s: %w", id, ctx.Err())
		case <-d.notify:
		}
	}
}

// run tells the story and shows what became of it. Its error is terminal.ErrReported where
// something came out as it should not.
func (d *demo) run(ctx context.Context, p *pipeline.Pipeline, secrets *svix.Secrets) error {
	d.mu.Lock()
	d.quiet = true
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		d.quiet = false
		d.mu.Unlock()
	}()
	poster := poster{url: p.WebhookURL, secrets: secrets, now: d.now}
	mark := poster.run() // once: a message that is sent again keeps its id
	var rows [][]any
	wrong := 0
	for i, s := range story() {
		got, err := d.tell(ctx, poster, s, fmt.Sprintf("msg_demo%02d%s", s.message(i), mark))
		if err != nil {
			if ctx.Err() != nil {
				return terminal.ErrInterrupted
			}
			return err
		}
		verdict := terminal.Good("ok")
		if got != s.want {
			verdict = terminal.Bad("expected " + s.want)
			wrong++
		}
		rows = append(rows, []any{s.when, s.what, s.eventType(), got, verdict})
	}
	if !d.json {
		d.term.Print("%s\n", terminal.Bold("The first week of Lumen & Oak, as its webhooks arrived"))
		d.term.PrintTable([]string{"when", "what happened", "event", "what became of it", ""}, rows)
	}
	if err := d.rows(ctx, p); err != nil {
		return err
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d events did not come out as they should", wrong, len(rows))
	}
	return nil
}

func (d *demo) tell(ctx context.Context, p poster, s scene, id string) (string, error) {
	body, err := s.body()
	if err != nil {
		return "", err
	}
	answer, err := p.post(ctx, request{id: id, body: body, tamper: s.forged})
	if err != nil {
		return "", err
	}
	st, err := d.wait(ctx, id)
	if err != nil {
		return "", err
	}
	if st.Stage == string(ingest.Rejected) {
		return fmt.Sprintf("rejected %d %s", answer.Status, st.Reason), nil
	}
	return st.Stage, nil
}

// rows shows the directory as it is.
func (d *demo) rows(ctx context.Context, p *pipeline.Pipeline) error {
	items, err := scan(ctx, p.DynamoDB, p.DirectoryTable)
	if err != nil {
		return err
	}
	slices.SortFunc(items, func(a, b record) int { return strings.Compare(a.text("pk")+a.text("sk"), b.text("pk")+b.text("sk")) })
	var live, gone listing
	for _, r := range items {
		if d.json {
			d.line(struct {
				Event string `json:"event"`
				Row   record `json:"row"`
			}{"row", r})
			continue
		}
		if at := r.text("deleted_at"); at != "" {
			gone.add(r.text("pk"), r.text("sk"), at, r.summary())
		} else {
			live.add(r.text("pk"), r.text("sk"), r.summary())
		}
	}
	if d.json {
		return nil
	}
	d.term.Print("\n%s\n", terminal.Bold("The rows in "+p.DirectoryTable))
	d.term.PrintTable([]string{"pk, and below it each sk", ""}, live.lines)
	d.term.Print("\n%s\n", terminal.Bold("Tombstones: what was deleted, kept so that nothing late brings it back"))
	d.term.PrintTable([]string{"pk, and below it each sk", "deleted_at", ""}, gone.lines)
	d.term.Print("")
	return nil
}

// listing is lines for a grid, in the order of their keys: a partition key once,
// then its rows, for keys are long and windows are not.
type listing struct {
	pk    string
	lines [][]any
}

func (l *listing) add(pk, sk string, cells ...any) {
	if pk != l.pk {
		l.pk = pk
		l.lines = append(l.lines, []any{pk})
	}
	l.lines = append(l.lines, append([]any{"  " + sk}, cells...))
}
