package recorder

import (
	"context"
	"strings"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/delivery"
	"github.com/clerksync/clerksync/pkg/projector"
)

// OnMessage is for pipeline.Options. It also records messages that came by the
// queue alone: a redrive, or what another process has sent.
func (r *Recorder) OnMessage(_ context.Context, report consumer.Report) {
	a := Attempt{
		EndedAt: report.EndedAt, Number: report.Attempt, MessageID: report.MessageID,
		Outcome: string(report.Outcome), Reason: report.Reason,
	}
	if report.Err != nil {
		a.Reason = Explain(report.Err)
	}
	id, at := report.SvixID, report.EndedAt
	if id == "" {
		id = "sqs_" + report.MessageID // so that its further attempts find it
	}
	if !report.ReceivedAt.IsZero() {
		at = report.ReceivedAt
		a.Lag = report.EndedAt.Sub(at)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.genuine(id, at)
	if a.At = m.started; a.At.IsZero() || a.At.After(a.EndedAt) {
		a.At = a.EndedAt
	}
	m.started = time.Time{}
	if report.EventType != "" {
		m.EventType = report.EventType
	}
	if report.Entity != "" {
		m.Entity = report.Entity
	}
	m.addAttempt(a)
	m.end(a)
	r.counts.add(a.EndedAt, a.Outcome)
	if report.Outcome == consumer.Applied && a.Lag > 0 {
		r.counts.addLag(a.Lag)
	}
	r.publish(Event{Kind: EventMessage, ID: m.ID, Step: Step{
		Stage: a.Outcome, SvixID: report.SvixID, EventType: report.EventType, Entity: report.Entity, Reason: a.Reason,
	}})
	if report.Outcome == consumer.Dead {
		r.publish(Event{Kind: EventDead, ID: m.ID})
	}
}

// Explain is why a message failed or is dead, without the words that name the kind
// of error: the outcome says it.
func Explain(err error) string {
	text := err.Error()
	for _, kind := range []error{projector.ErrPermanent, delivery.ErrPermanent} {
		text = strings.TrimPrefix(text, kind.Error()+": ")
	}
	return text
}
