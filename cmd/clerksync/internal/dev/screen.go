package dev

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
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

	lag     time.Duration // from receipt to the end of this attempt
	attempt int           // 0 where not known
	times   int           // that it came again
}

// screen shows what happens: to people in words, to programs as JSON lines.
type screen struct {
	term   *terminal.Terminal
	secret webhook.Secret
	json   bool
	marks  bool // the terminal takes them
	demo   bool // has been shown
	now    func() time.Time
	// width and noteWidth are those of stdout and stderr, 0 where no terminal shows
	// them.
	width, noteWidth func() int
	// ready is closed once the addresses are shown. No step is shown before, for
	// the queue may hold messages already.
	ready        chan struct{}
	started      time.Time              // when it was closed
	consoleURL   atomic.Pointer[string] // nil where the console is off
	consoleTaken string                 // the default address, where another program has it
	endpointFlag []string               // by which other commands find this dev

	mu      sync.Mutex
	counts  map[string]int  // of steps, by their stage
	repeats map[step]int    // how often lines came again that were just shown
	advised map[string]bool // the advice that was given
}

func newScreen(term *terminal.Terminal, o Options) *screen {
	return &screen{
		term: term, secret: o.Secret, json: o.JSON, marks: o.Marks, demo: o.Demo,
		now: o.Now, ready: make(chan struct{}),
		width: term.Width, noteWidth: term.NoteWidth,
		counts: map[string]int{}, repeats: map[step]int{}, advised: map[string]bool{},
	}
}

// describe says where all is, but for the secret and Clerk's key.
func (s *screen) describe(p *pipeline.Pipeline) deployment.Ready {
	return deployment.Ready{
		Event: deployment.ReadyEvent, WebhookURL: p.WebhookURL, EndpointURL: p.Endpoint, ConsoleURL: s.console(),
		DirectoryTable: p.DirectoryTable, DeliveriesTable: p.DeliveriesTable,
		QueueURL: p.QueueURL, DeadLetterQueueURL: p.DeadLetterQueueURL, ClerkAPIURL: p.ClerkURL,
	}
}

// console is the URL of the console, "" where it is off.
func (s *screen) console() string {
	if u := s.consoleURL.Load(); u != nil {
		return *u
	}
	return ""
}

// showReady shows where the pipeline listens. A secret that the user gave is not
// shown: it may be the one of a real endpoint.
func (s *screen) showReady(p *pipeline.Pipeline) {
	s.started, s.endpointFlag = s.now(), endpointFlag(p)
	defer close(s.ready)
	if s.json {
		ready := s.describe(p)
		if s.secret.Ours() {
			ready.Secret = s.secret.Text
		}
		if p.ClerkURL != "" {
			ready.ClerkSecretKey = pipeline.ClerkKey
		}
		s.term.PrintJSON(ready)
		return
	}
	secret := terminal.Dim("yours")
	if s.secret.Ours() {
		secret = terminal.Plain(s.secret.Text)
	}
	consoleLine, clerkLine := terminal.Styled(""), terminal.Styled("")
	if s.console() != "" {
		consoleLine = "  Console   " + terminal.Bold(s.console())
		if s.consoleTaken != "" {
			consoleLine += terminal.Dim("  (" + s.consoleTaken + " is taken)")
		}
		consoleLine += "\n"
	}
	if p.ClerkURL != "" {
		clerkLine = "  Clerk     " + terminal.Bold(p.ClerkURL) + ", emulated, with the sample company\n"
	}
	s.note(`%s is up: webhook, queue, sync and tables in this process

%s  Webhook   %s
  Secret    %s
  AWS       %s
  Tables    %s, %s
%s`, terminal.Bold("clerksync dev"), consoleLine, terminal.Bold(p.WebhookURL), secret, terminal.Bold(p.Endpoint),
		p.DirectoryTable, p.DeliveriesTable, clerkLine)
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

// show counts a step and prints it. People see one line a message: that it was
// queued shows in the line that says what happened to it. While the demo runs they
// see its table instead, so hidden steps are counted alone.
func (s *screen) show(st step, hidden bool) {
	<-s.ready
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[st.Stage]++
	switch {
	case s.json:
		st.Event = "message"
		s.term.PrintJSON(st)
		return
	case hidden, st.Stage == string(ingest.Queued), s.isRepeated(st):
		return
	}
	line := s.format(st)
	// In one call, so that nothing else comes in between.
	if advice := s.adviseOnce(st); advice != "" {
		line += "\n" + sentenceBelow(advice, s.width(), terminal.Dim)
	}
	if st.Stage == string(consumer.Dead) && st.SvixID != "" {
		show := append([]string{terminal.Program() + "dlq show"}, s.endpointFlag...)
		line += "\n" + terminal.Command(s.width(), append(show, terminal.Quote(st.SvixID))...)
	}
	s.term.Print("%s", line)
}

// adviseOnce is the advice on a step where it was not given yet: who does not
// follow it at once knows it the second time. s.mu is held.
func (s *screen) adviseOnce(st step) string {
	advice := view.Advice(st.Stage, st.Reason)
	if s.advised[advice] {
		return ""
	}
	s.advised[advice] = true
	return advice
}
