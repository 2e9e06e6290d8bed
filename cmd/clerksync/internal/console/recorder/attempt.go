package recorder

import (
	"context"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/pkg/consumer"
)

// OnMessage is for pipeline.Options. It also records messages that came by the
// queue alone: a redrive, or what another process has sent.
func (r *Recorder) OnMessage(_ context.Context, report consumer.Report) {
	a := Attempt{
		EndedAt: report.EndedAt, Number: report.Attempt, MessageID: report.MessageID,
		Outcome: string(report.Outcome), Reason: report.Reason,
	}
	if report.Err != nil {
		a.Reason = deployment.ExplainReason(report.Err.Error())
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
