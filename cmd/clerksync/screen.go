package main

import (
	"context"
	"fmt"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/pipeline"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
)

// step is one step of one message through the pipeline.
type step struct {
	Stage     string `json:"stage"`
	SvixID    string `json:"svix_id,omitempty"`
	EventType string `json:"event_type,omitempty"`
	Entity    string `json:"entity,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// screen shows what `dev` does: to people, or as JSON lines to programs.
type screen struct {
	program
	json bool
	up   chan struct{}
}

// newScreen makes a screen that shows no step before it has said that all is
// ready, for the queue may hold messages already.
func newScreen(e program, asJSON bool) *screen {
	return &screen{program: e, json: asJSON, up: make(chan struct{})}
}

func (s *screen) line(v any) {
	s.term.PrintJSON(v)
}

func (s *screen) ready(p *pipeline.Pipeline, secret devSecret, demo bool) {
	defer close(s.up)
	if s.json {
		shown := secret.text
		if secret.given {
			shown = ""
		}
		s.line(struct {
			Event              string `json:"event"`
			WebhookURL         string `json:"webhook_url"`
			EndpointURL        string `json:"endpoint_url"`
			Secret             string `json:"secret,omitempty"`
			DirectoryTable     string `json:"directory_table"`
			DeliveriesTable    string `json:"deliveries_table"`
			QueueURL           string `json:"queue_url"`
			DeadLetterQueueURL string `json:"dead_letter_queue_url"`
		}{"ready", p.WebhookURL, p.Endpoint, shown, p.DirectoryTable, p.DeliveriesTable, p.QueueURL, p.DeadLetterQueueURL})
		return
	}
	shown := terminal.Plain(secret.text)
	if secret.given {
		shown = terminal.Dim("yours")
	}
	s.note(`%s is up: webhook, queue, sync and tables in this process

  Webhook   %s
  Secret    %s
  AWS       %s  %s
`, terminal.Bold("clerksync dev"), terminal.Bold(p.WebhookURL), shown, terminal.Bold(p.Endpoint), terminal.Dim("(tables "+p.DirectoryTable+" and "+p.DeliveriesTable+")"))
	if !demo {
		s.next(p, secret)
	}
}

// next says what to type next, for the addresses and the secret in use.
func (s *screen) next(p *pipeline.Pipeline, secret devSecret) {
	to, at := "", ""
	if p.WebhookURL != defaultURL {
		to = " --to " + p.WebhookURL
	}
	if p.Endpoint != "http://"+defaultAWSAddr {
		at = " --endpoint-url " + p.Endpoint
	}
	if secret.given {
		to += " --secret whsec_..."
	}
	s.note(`Next, in another terminal:

  go run ./cmd/clerksync send%s user.created
  go run ./cmd/clerksync get user jonah@lumenoak.example%s
  aws --endpoint-url %s dynamodb scan --table-name %s

Each message shows here as it flows. Ctrl-C stops.
`, to, at, p.Endpoint, p.DirectoryTable)
}

// stageStyle colours a stage by how it should make one feel.
func stageStyle(stage string) terminal.Style {
	switch stage {
	case "applied", "queued":
		return terminal.Good
	case "stale", "duplicate", "ignored":
		return terminal.Warn
	case "rejected", "failed", "dead":
		return terminal.Bad
	}
	return terminal.Plain
}

// note says something to people; programs are told nothing.
func (s *screen) note(format string, a ...any) {
	if s.json {
		return
	}
	s.term.Note(format, a...)
}

func (s *screen) warn(_ context.Context, deed string, err error) {
	s.term.Note("%s %s: %v", terminal.Bad("!"), deed, err)
}

// show prints a step. People see one line per message: that it is queued
// shows only in what becomes of it.
func (s *screen) show(st step) {
	<-s.up
	if s.json {
		s.line(struct {
			Event string `json:"event"`
			step
		}{"message", st})
		return
	}
	if st.Stage == "queued" {
		return
	}
	what := st.EventType
	if what == "" {
		what = "request"
	}
	if st.Entity != "" {
		what += " " + st.Entity
	}
	if st.Reason != "" {
		what += " " + st.Reason
	}
	s.term.Print("%s %s %s %s", terminal.Dim(s.now().Format(time.TimeOnly)), stageStyle(st.Stage)(fmt.Sprintf("%-9s", st.Stage)), what, terminal.Dim(st.SvixID))
	if h := advice(st); h != "" {
		s.term.Print("%18s %s", "", terminal.Dim(h))
	}
}

// advice says what to look at when a message did not get through.
func advice(st step) string {
	switch st.Reason {
	case "invalid_signature":
		return "look at: 1. is the secret this endpoint's own? 2. is the body passed on byte for byte, never parsed and printed again? 3. are id, timestamp and signature of the same attempt?"
	case "invalid_timestamp":
		return "look at: the two machines' clocks; a signature is good for 5 minutes, so sign afresh rather than replay a recorded request"
	case "missing_headers":
		return "look at: svix-id, svix-timestamp and svix-signature must all reach this URL; does a proxy drop them?"
	case "invalid_payload":
		return "the signature is right, the body is no event of Clerk's: it needs one JSON object with `type` and `data`"
	case "payload_too_large":
		return "a body may hold 1,000,000 bytes, or 750,000 with characters that SQS cannot keep"
	case "not_found":
		return "the path is /webhooks/clerk, without a slash at its end"
	case "method_not_allowed":
		return "the method is POST"
	case "unavailable":
		return "the queue did not take it; Svix will send it again"
	case "type":
		return "events of this type have no row and are not kept; untick them in Clerk's dashboard"
	case "instance":
		return "CLERK_INSTANCE_ID names other instances than this event's"
	}
	if st.Stage == "failed" {
		return "it comes again by itself, after 30 s and then less and less often"
	}
	return ""
}
