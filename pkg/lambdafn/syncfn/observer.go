package syncfn

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/lambdafn"
)

// NewMetrics makes the metrics of the function, which it writes to w under the
// function's name.
func NewMetrics(w io.Writer, function string, now func() time.Time) *lambdafn.Metrics {
	return lambdafn.NewMetrics(w, function, now,
		lambdafn.MetricApplied, lambdafn.MetricStale, lambdafn.MetricDuplicate, lambdafn.MetricFailed,
		lambdafn.MetricDead, lambdafn.MetricDeletions, lambdafn.MetricBatchSize, lambdafn.MetricTableRequests,
		lambdafn.MetricTableThrottles, lambdafn.MetricTableErrors)
}

// Observer logs and counts the outcomes of messages.
type Observer struct {
	Log     *slog.Logger
	Metrics *lambdafn.Metrics // nil counts nothing
}

// Message logs and counts one receive of a message. It is the Observe of a
// consumer.Config.
func (o Observer) Message(ctx context.Context, r consumer.Report) {
	level, metric := classify(r.Outcome)
	eventType := r.EventType
	if eventType != "" && !r.Known {
		eventType = "unknown" // the text is the sender's own
	}
	attrs := []slog.Attr{
		lambdafn.Text("svix_id", r.SvixID),
		lambdafn.Text("event_type", eventType),
		lambdafn.Text("entity", r.Entity),
		lambdafn.Text("outcome", string(r.Outcome)),
		lambdafn.Text("message_id", r.MessageID),
		lambdafn.Error(r.Err),
		slog.Int("attempt", r.Attempt),
	}
	o.Metrics.Count(lambdafn.MetricBatchSize, metric)
	if r.Outcome == consumer.Applied && r.Deletion {
		o.Metrics.Count(lambdafn.MetricDeletions)
	}
	if !r.ChangedAt.IsZero() {
		// Clerk's clock may be a little ahead of ours, and an alarm on negative
		// values would mean nothing.
		lag := max(0, r.EndedAt.Sub(r.ChangedAt).Milliseconds())
		attrs = append(attrs, slog.Int64("lag_ms", lag))
		if r.Outcome == consumer.Applied {
			o.Metrics.RecordLag(lag)
		}
	}
	o.Log.LogAttrs(ctx, level, "message", attrs...)
}

// classify returns the level at which an outcome is logged and the metric that
// counts it. A failed message is a warning, because it is delivered again; a dead
// one is an error, because a person must look at it.
func classify(outcome consumer.Outcome) (slog.Level, string) {
	switch outcome {
	case consumer.Applied:
		return slog.LevelInfo, lambdafn.MetricApplied
	case consumer.Stale:
		return slog.LevelInfo, lambdafn.MetricStale
	case consumer.Duplicate:
		return slog.LevelInfo, lambdafn.MetricDuplicate
	case consumer.Failed:
		return slog.LevelWarn, lambdafn.MetricFailed
	case consumer.Dead:
	}
	return slog.LevelError, lambdafn.MetricDead
}
