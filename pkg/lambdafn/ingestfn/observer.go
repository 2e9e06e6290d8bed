package ingestfn

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
)

// NewMetrics makes the metrics of the function, which it writes to w under the
// function's name.
func NewMetrics(w io.Writer, function string, now func() time.Time) *lambdafn.Metrics {
	return lambdafn.NewMetrics(w, function, now,
		lambdafn.MetricReceived, lambdafn.MetricVerified, lambdafn.MetricQueued, lambdafn.MetricIgnored,
		lambdafn.MetricRejected, lambdafn.MetricSecretUnreadable)
}

// Observer logs and counts how requests were decided.
type Observer struct {
	Log     *slog.Logger
	Metrics *lambdafn.Metrics // nil counts nothing
}

// Request logs and counts one decision. It is the Observe of an ingest.Config.
func (o Observer) Request(ctx context.Context, r ingest.Report) {
	o.Log.LogAttrs(ctx, level(r), "request",
		lambdafn.Text("stage", string(r.Stage)),
		lambdafn.Text("svix_id", r.SvixID),
		lambdafn.Text("event_type", eventType(r)),
		lambdafn.Text("known", knowledge(r)),
		lambdafn.Text("reason", r.Reason),
		lambdafn.Error(r.Err))
	switch r.Stage {
	case ingest.Queued:
		o.Metrics.Count(lambdafn.MetricReceived, lambdafn.MetricVerified, lambdafn.MetricQueued)
	case ingest.Ignored:
		o.Metrics.Count(lambdafn.MetricReceived, lambdafn.MetricVerified, lambdafn.MetricIgnored)
	case ingest.Rejected:
		o.Metrics.Count(lambdafn.MetricReceived)
		o.Metrics.CountRejected(r.Reason)
	}
}

// SecretUnreadable logs and counts a read of the signing secret that failed. It
// is the warn of ingest.ReadSecrets.
func (o Observer) SecretUnreadable(ctx context.Context, operation string, err error) {
	lambdafn.Warn(o.Log)(ctx, operation, err)
	o.Metrics.Count(lambdafn.MetricSecretUnreadable)
}

// level is debug for a rejected request, because a flood of forged ones would
// fill the log, and error where the deployment is at fault.
func level(r ingest.Report) slog.Level {
	switch {
	case r.Reason == ingest.ReasonUnavailable || r.Reason == ingest.ReasonNotConfigured:
		return slog.LevelError
	case r.Stage == ingest.Rejected:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// eventType returns the type where Clerk documents it. The text of any other is
// the sender's own and is not logged.
func eventType(r ingest.Report) string {
	if r.EventType != "" && r.Knowledge == clerk.Unknown {
		return "unknown"
	}
	return r.EventType
}

// knowledge says in the log's words whether the type is kept; "" where the type
// was not read.
func knowledge(r ingest.Report) string {
	switch {
	case r.EventType == "":
		return ""
	case r.Knowledge == clerk.Kept:
		return "kept"
	case r.Knowledge == clerk.NotKept:
		return "known but not kept"
	}
	return "unknown"
}
