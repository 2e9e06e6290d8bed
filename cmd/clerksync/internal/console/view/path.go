package view

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/recorder"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// Step is one step of a message's way.
type Step struct {
	Stage string    `json:"stage"` // received, verified, queued, attempt, then the outcome's name; duplicate
	State string    `json:"state"` // done, failed or waiting
	At    time.Time `json:"at"`
	Text  string    `json:"text"`
	Link  string    `json:"link,omitempty"` // to the first, of a duplicate
}

// States of a step.
const (
	Done    = "done"
	Failed  = "failed"
	Waiting = "waiting"
)

// Mark is the sign of a step: how it ended, and of an outcome which it is. The
// word always stands beside it.
func (s Step) Mark() string {
	switch {
	case s.State == Failed && s.Stage != string(consumer.Dead):
		return Mark(string(ingest.Rejected))
	case s.State == Waiting && s.Stage == "attempt":
		return "·"
	}
	if m := Mark(s.Stage); m != "·" {
		return m
	}
	return Mark(string(consumer.Applied)) // a step on the way, which is done
}

const duplicate = string(consumer.Duplicate)

// path collects steps. Their times come from several goroutines and do not always
// come in order: sync may begin before ingest has heard that the queue took the
// message. The steps are in the order in which one makes the next possible.
type path struct{ steps []Step }

func (p *path) add(stage, state string, at time.Time, format string, args ...any) {
	if n := len(p.steps); n > 0 && at.Before(p.steps[n-1].At) {
		at = p.steps[n-1].At
	}
	p.steps = append(p.steps, Step{Stage: stage, State: state, At: clean(at), Text: fmt.Sprintf(format, args...)})
}

func pathOf(m recorder.Message) []Step {
	p := &path{}
	q, ok := deciding(m)
	if !ok {
		p.add("received", Done, m.At, "put on the queue from elsewhere: no request of it came by here")
	} else if !p.addRequest(m, q) {
		return p.steps
	}
	// Copies come after the outcome, whenever they were received: they are no part of
	// the way to it.
	copies := p.addAttempts(m)
	at := m.EndedAt
	switch m.Outcome {
	case recorder.OutcomeQueued:
		p.add("attempt", Waiting, m.At, "on the queue")
	case string(consumer.Failed):
		p.add(m.Outcome, Waiting, at, "it comes again by itself: %s", m.Reason)
	case string(consumer.Dead):
		p.add(m.Outcome, Failed, at, "%s", m.Reason)
	case duplicate:
		p.add(m.Outcome, Done, at, "%s", cmp.Or(m.Reason, "the first one came before what is kept here"))
	case string(consumer.Stale): // why it lost stands above the steps
		p.add(m.Outcome, Done, at, "the row is newer, so this was recorded and changed nothing")
	default:
		p.add(m.Outcome, Done, at, "%s", cmp.Or(m.Reason, "written, in one transaction with its record"))
	}
	for _, a := range copies {
		p.add(duplicate, Done, a.EndedAt, "%s", cmp.Or(a.Reason, "the first one is "+m.Outcome))
		p.steps[len(p.steps)-1].Link = "/messages/" + m.ID + "#path"
	}
	return p.steps
}

// deciding is the request that put the message where it is: the first that was
// queued, else the last genuine one, else the last.
func deciding(m recorder.Message) (q recorder.Request, ok bool) {
	for _, r := range m.Requests {
		if r.Stage == recorder.OutcomeQueued {
			return r, true
		}
		if r.Proven || !q.Proven {
			q, ok = r, r.Proven || !m.Proven
		}
	}
	return q, ok
}

// addRequest adds the steps of a request, and says whether it got to the queue.
func (p *path) addRequest(m recorder.Message, q recorder.Request) (queued bool) {
	p.add("received", Done, q.At, "%s, %d bytes, answered %d", q.Method, q.Size, q.Status)
	rejected := q.Stage == string(ingest.Rejected)
	switch {
	case rejected && !q.Proven:
		p.add("verified", Failed, q.DecidedAt, "%s", q.Reason)
	case q.Reason == ingest.ReasonUnavailable:
		p.add("verified", Done, q.DecidedAt, "the signature is right")
		p.add("queued", Failed, q.DecidedAt, "the queue did not take it")
	default:
		p.add("verified", Done, q.DecidedAt, "the signature is right")
	}
	switch {
	case rejected && m.Outcome == string(ingest.Rejected):
		p.add(m.Outcome, Failed, q.DecidedAt, "%s", q.Reason)
	case q.Stage == string(ingest.Ignored):
		p.add(q.Stage, Done, q.DecidedAt, "%s", q.Reason)
	case !rejected:
		p.add("queued", Done, q.DecidedAt, "the queue has it")
		return true
	}
	return rejected && m.Outcome != string(ingest.Rejected) // it came through all the same
}

// addAttempts adds the receives, and returns those of copies that came after the
// message had its outcome.
func (p *path) addAttempts(m recorder.Message) (copies []recorder.Attempt) {
	ended := false
	for _, a := range m.Attempts {
		if ended && a.Outcome == duplicate {
			copies = append(copies, a)
			continue
		}
		state, text := Done, fmt.Sprintf("attempt %d", a.Number)
		if m.Entity != "" {
			text += ", projected to " + m.Entity
		}
		if a.Outcome == string(consumer.Failed) || a.Outcome == string(consumer.Dead) {
			state, text = Failed, text+": "+firstLine(a.Reason)
		}
		p.add("attempt", state, a.At, "%s", text)
		ended = ended || a.Outcome == string(consumer.Applied) || a.Outcome == string(consumer.Stale) ||
			a.Outcome == duplicate
	}
	return copies
}

// firstLine leaves out the stack of a panic.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// why says in words how the message came out.
func why(m recorder.Message) string {
	switch m.Outcome {
	case recorder.OutcomeQueued:
		return "it is on the queue"
	case string(ingest.Rejected):
		if !m.Proven {
			return "rejected: " + m.Reason + ". " + adviceOn(m) +
				" Nothing proves who sent it, so nothing that it says was looked at."
		}
		return "rejected: " + m.Reason + ". " + adviceOn(m)
	case string(ingest.Ignored):
		return "ignored: " + m.Reason + ". " + adviceOn(m) + " Its body was not kept."
	case string(consumer.Applied):
		return "it is newer than what the table had, so it was written"
	case string(consumer.Stale):
		return cmp.Or(m.Reason, "the row is newer") + ". Nothing was lost."
	case duplicate:
		return cmp.Or(m.Reason, "this very message had come before") + ". It has its effect once."
	case string(consumer.Failed):
		return fmt.Sprintf("attempt %d failed: %s. It is tried again by itself.", lastAttempt(m), firstLine(m.Reason))
	}
	return "dead letter: " + sentence(firstLine(m.Reason)) + " " + adviceOn(m)
}

func lastAttempt(m recorder.Message) int {
	if n := len(m.Attempts); n > 0 {
		return m.Attempts[n-1].Number
	}
	return 0
}

// adviceOn is the advice on a message as a sentence, which begins with a letter of
// ASCII.
func adviceOn(m recorder.Message) string {
	advice := Advice(m.Outcome, m.Reason)
	if advice == "" {
		return ""
	}
	return strings.ToUpper(advice[:1]) + sentence(advice[1:])
}

// sentence ends a text as a sentence ends.
func sentence(text string) string {
	if text == "" || strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}
