package console

import (
	"cmp"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// view is the message as pages and scripts have it: stages and times, and no body.
func (m *logMessage) view() view.Message {
	v := view.Message{
		SvixID: m.id, Outcome: string(ingest.Queued), Proven: true, ReceivedAt: m.lines[0].At,
		Requests: []view.Request{}, Attempts: []view.Attempt{},
		Links: view.Links{Page: messagePath(m.id)},
	}
	step := func(stage, state string, at time.Time, text string) {
		v.Path = append(v.Path, view.Step{Stage: stage, State: state, At: at, Text: text})
	}
	for _, line := range m.lines {
		v.EventType, v.Entity = cmp.Or(line.EventType, v.EventType), cmp.Or(line.Entity, v.Entity)
		if line.Kind == "request" {
			v.Requests = append(v.Requests, view.Request{
				At: line.At, Stage: line.Stage, Reason: line.Reason, Error: line.Error,
				Proven: line.Stage != string(ingest.Rejected),
			})
			step("received", view.Done, line.At, "by the function of the webhook")
			switch line.Stage {
			case string(ingest.Queued):
				step("verified", view.Done, line.At, "")
				step("queued", view.Done, line.At, "")
				continue
			case string(ingest.Rejected):
				v.Proven = false
				step("verified", view.Failed, line.At, line.Reason)
			default:
				step("verified", view.Done, line.At, "")
				step(line.Stage, view.Done, line.At, line.Reason)
			}
			v.Outcome, v.Reason = line.Stage, cmp.Or(line.Error, line.Reason)
			continue
		}
		m.addAttempt(&v, line)
	}
	if v.Why = v.Reason; v.Why == "" {
		v.Why = whyOfLog(v.Outcome)
	}
	v.Advice = view.Advice(v.Outcome, v.Reason)
	return v
}

// addAttempt adds a line of sync. The first outcome stays: a later duplicate is a
// further step, and only a failure is followed by another outcome.
func (m *logMessage) addAttempt(v *view.Message, line deployment.LogLine) {
	v.Attempts = append(v.Attempts, view.Attempt{
		At: line.At, EndedAt: line.At, Attempt: line.Attempt, MessageID: line.MessageID, Outcome: line.Outcome,
		Reason: line.Error,
	})
	state := map[string]string{
		string(consumer.Failed): view.Waiting, string(consumer.Dead): view.Failed,
	}[line.Outcome]
	v.Path = append(v.Path,
		view.Step{Stage: "attempt", State: view.Done, At: line.At, Text: "receive " + formatCount(line.Attempt)},
		view.Step{Stage: line.Outcome, State: cmp.Or(state, view.Done), At: line.At, Text: line.Error})
	isFirst := v.Outcome == string(ingest.Queued) || v.Outcome == string(consumer.Failed)
	if !isFirst && line.Outcome == string(consumer.Duplicate) {
		return
	}
	v.Outcome, v.Reason, v.EndedAt = line.Outcome, line.Error, line.At
	v.LagMS = float64(line.At.Sub(v.ReceivedAt).Milliseconds())
}

// whyOfLog is what a log can say of an outcome.
func whyOfLog(outcome string) string {
	return map[string]string{
		string(ingest.Queued):      "it is on the queue",
		string(consumer.Applied):   "the row took what it says",
		string(consumer.Stale):     "the row was newer when it came",
		string(consumer.Duplicate): "the first copy came before what is read of the log here",
		string(consumer.Failed):    "it is tried again by itself",
	}[outcome]
}
