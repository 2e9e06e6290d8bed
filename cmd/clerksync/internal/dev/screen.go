package dev

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/webhook"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// step is one step of one message through the pipeline. What is not known is
// empty.
type step struct {
	Event     string `json:"event"` // always message
	Stage     string `json:"stage"` // an ingest.Stage or a consumer.Outcome
	SvixID    string `json:"svix_id,omitempty"`
	EventType string `json:"event_type,omitempty"`
	Entity    string `json:"entity,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// screen shows what happens: to people in words, to programs as JSON lines.
type screen struct {
	term   *terminal.Terminal
	secret webhook.Secret
	json   bool
	demo   bool // has been shown
	now    func() time.Time
	// ready is closed once the addresses are shown. No step is shown before, for
	// the queue may hold messages already.
	ready chan struct{}
}

func newScreen(term *terminal.Terminal, o Options) *screen {
	return &screen{term: term, secret: o.Secret, json: o.JSON, demo: o.Demo, now: o.Now, ready: make(chan struct{})}
}

// describe says where all is, but for the secret.
func describe(p *pipeline.Pipeline) deployment.Ready {
	return deployment.Ready{
		Event: deployment.ReadyEvent, WebhookURL: p.WebhookURL, EndpointURL: p.Endpoint,
		DirectoryTable: p.DirectoryTable, DeliveriesTable: p.DeliveriesTable,
		QueueURL: p.QueueURL, DeadLetterQueueURL: p.DeadLetterQueueURL,
	}
}

// showReady shows where the pipeline listens. A secret that the user gave is not
// shown: it may be the one of a real endpoint.
func (s *screen) showReady(p *pipeline.Pipeline) {
	defer close(s.ready)
	if s.json {
		ready := describe(p)
		if s.secret.Ours() {
			ready.Secret = s.secret.Text
		}
		s.term.PrintJSON(ready)
		return
	}
	secret := terminal.Dim("yours")
	if s.secret.Ours() {
		secret = terminal.Plain(s.secret.Text)
	}
	tables := terminal.Dim("(tables " + p.DirectoryTable + " and " + p.DeliveriesTable + ")")
	s.note(`%s is up: webhook, queue, sync and tables in this process

  Webhook   %s
  Secret    %s
  AWS       %s  %s
`, terminal.Bold("clerksync dev"), terminal.Bold(p.WebhookURL), secret, terminal.Bold(p.Endpoint), tables)
}

// showNext shows what to type next, for the addresses and the secret in use. It
// works as it is printed, also after the demo: that has deleted Jonah, so it is
// Mara who is looked up, and somebody else who is sent.
func (s *screen) showNext(p *pipeline.Pipeline) {
	event, user := "user.created", "jonah@lumenoak.example"
	if s.demo {
		event, user = "user.created.two_emails", "mara@lumenoak.example"
	}
	sendFlags, getFlags := "", ""
	if p.Endpoint != deployment.DefaultEndpointURL {
		getFlags = " --endpoint-url " + p.Endpoint
	}
	// Without --to the webhook is that of the dev at the default endpoint, which may
	// be another one.
	if p.WebhookURL != deployment.DefaultWebhookURL || getFlags != "" {
		sendFlags = " --to " + p.WebhookURL
	}
	switch {
	case s.secret.Fresh: // send cannot find it
		sendFlags += " --secret " + s.secret.Text
	case !s.secret.Kept:
		sendFlags += " --secret whsec_..."
	}
	s.note(`Next, in another terminal:

  go run ./cmd/clerksync send%s %s
  go run ./cmd/clerksync get user %s%s
  aws --endpoint-url %s dynamodb scan --table-name %s

Each message shows here as it flows. Ctrl-C stops.
`, sendFlags, event, user, getFlags, p.Endpoint, p.DirectoryTable)
}

// note prints words for people, and nothing for programs.
func (s *screen) note(format string, args ...any) {
	if !s.json {
		s.term.Note(format, args...)
	}
}

// warn prints the failure of an operation that no message ends with.
func (s *screen) warn(_ context.Context, operation string, err error) {
	s.term.Note("%s %s: %v", terminal.Bad("!"), operation, err)
}

// show prints a step. People see one line a message: that it was queued shows in
// the line that says what happened to it.
func (s *screen) show(st step) {
	<-s.ready
	if s.json {
		st.Event = "message"
		s.term.PrintJSON(st)
		return
	}
	if st.Stage == string(ingest.Queued) {
		return
	}
	words := slices.DeleteFunc([]string{cmp.Or(st.EventType, "request"), st.Entity, st.Reason},
		func(word string) bool { return word == "" })
	line := []any{
		terminal.Dim(s.now().Format(time.TimeOnly)), stageStyle(st.Stage)(fmt.Sprintf("%-9s", st.Stage)),
		strings.Join(words, " "), terminal.Dim(st.SvixID),
	}
	if advice := advise(st); advice != "" { // in one call, so that no other message comes in between
		s.term.Print("%s %s %s %s\n%19s%s", append(line, "", terminal.Dim(advice))...)
		return
	}
	s.term.Print("%s %s %s %s", line...)
}

// stageStyle colours a stage: green for done, yellow for without effect, red for
// refused or failed. Stale and duplicate are yellow, not red: losing is right.
func stageStyle(stage string) terminal.Style {
	switch stage {
	case string(ingest.Queued), string(consumer.Applied):
		return terminal.Good
	case string(ingest.Ignored), string(consumer.Stale), string(consumer.Duplicate):
		return terminal.Warn
	}
	return terminal.Bad
}
