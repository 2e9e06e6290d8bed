package lambdafn

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/clerksync/clerksync/pkg/clerk"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// NewLogger writes one JSON line per record in Lambda's own shape, with the
// request id and, where there is one, the trace id of the invocation. The
// level is ours: Lambda's own filter stays at INFO.
func NewLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(contextHandler{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: rename})})
}

// rename gives attributes the names that Lambda's own lines have. A level becomes
// the text that it is: slog hands anything but text and numbers to encoding/json.
func rename(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.LevelKey {
		if level, ok := a.Value.Any().(slog.Level); ok {
			a.Value = slog.StringValue(level.String())
		}
	}
	return lambdacontext.ReplaceAttr(groups, a)
}

type contextHandler struct{ slog.Handler }

func (h contextHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Time = r.Time.UTC() // as Lambda's own lines
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		r.AddAttrs(slog.String("requestId", lc.AwsRequestID))
	}
	if id, ok := ctx.Value("x-amzn-trace-id").(string); ok && id != "" {
		r.AddAttrs(slog.String("traceId", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the ids on loggers made by With.
func (h contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the ids on loggers made by WithGroup.
func (h contextHandler) WithGroup(name string) slog.Handler {
	return contextHandler{h.Handler.WithGroup(name)}
}

// write is log.LogAttrs without a look at who calls: nothing logs its source, and
// walking up the stack for it is the dearest part of a line.
func write(ctx context.Context, log *slog.Logger, level slog.Level, message string, attrs ...slog.Attr) {
	if !log.Enabled(ctx, level) {
		return
	}
	r := slog.NewRecord(time.Now(), level, message, 0)
	r.AddAttrs(attrs...)
	_ = log.Handler().Handle(ctx, r) // standard output, or nobody
}

// Warn logs what went wrong beside the messages themselves.
func Warn(log *slog.Logger) func(context.Context, string, error) {
	return func(ctx context.Context, deed string, err error) {
		write(ctx, log, slog.LevelWarn, "a call failed", slog.String("deed", deed), slog.String("error", err.Error()))
	}
}

// LogRequest logs what became of each request: rejected ones at debug, lest a
// flood fill the log, unless it is we who could not take it.
func LogRequest(log *slog.Logger) func(context.Context, ingest.Report) {
	return func(ctx context.Context, r ingest.Report) {
		level := slog.LevelInfo
		switch {
		case r.Reason == "unavailable" || r.Reason == "not_configured":
			level = slog.LevelError
		case r.Stage == ingest.Rejected:
			level = slog.LevelDebug
		}
		write(ctx, log, level, "request", optional(
			"stage", string(r.Stage), "svix_id", r.SvixID, "event_type", EventType(r), "known", known(r), "reason", r.Reason, "error", errorText(r.Err))...)
	}
}

// LogMessage logs what became of each message.
func LogMessage(log *slog.Logger) func(context.Context, consumer.Report) {
	return func(ctx context.Context, r consumer.Report) {
		level := slog.LevelInfo
		switch r.Outcome {
		case consumer.Applied, consumer.Stale, consumer.Duplicate:
		case consumer.Failed:
			level = slog.LevelWarn
		case consumer.Dead:
			level = slog.LevelError
		}
		eventType := r.EventType
		if eventType != "" && !r.Known {
			eventType = "unknown"
		}
		attrs := optional("svix_id", r.SvixID, "event_type", eventType, "entity", r.Entity,
			"outcome", string(r.Outcome), "message_id", r.MessageID, "error", errorText(r.Err))
		if ms, ok := lag(r); ok {
			attrs = append(attrs, slog.Int64("lag_ms", ms))
		}
		write(ctx, log, level, "message", append(attrs, slog.Int("attempt", r.Attempt))...)
	}
}

// EventType is a type's name where Clerk documents it, else "unknown": a name
// that anybody may make up is not logged.
func EventType(r ingest.Report) string {
	switch {
	case r.EventType == "":
		return ""
	case r.Known == clerk.Unknown:
		return "unknown"
	}
	return r.EventType
}

func known(r ingest.Report) string {
	switch {
	case r.EventType == "":
		return ""
	case r.Known == clerk.Kept:
		return "kept"
	case r.Known == clerk.NotKept:
		return "known but not kept"
	}
	return "unknown"
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// optional makes attributes of pairs and leaves out the empty ones.
func optional(pairs ...string) []slog.Attr {
	attrs := make([]slog.Attr, 0, len(pairs)/2+1)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			attrs = append(attrs, slog.String(pairs[i], pairs[i+1]))
		}
	}
	return attrs
}

// Configured logs one message that names everything that is wrong with the
// environment, and says whether nothing is.
func Configured(log *slog.Logger, errs ...error) bool {
	err := errors.Join(errs...)
	if err != nil {
		write(context.Background(), log, slog.LevelError, "not configured: mend these variables and deploy again", slog.String("error", strings.ReplaceAll(err.Error(), "\n", "; ")))
	}
	return err == nil
}

// LogOldFormat says what a request in payload format 1.0 is answered 404 for.
func LogOldFormat(log *slog.Logger) func(context.Context) {
	return func(ctx context.Context) {
		write(ctx, log, slog.LevelWarn, "request in payload format 1.0: set PayloadFormatVersion 2.0 on the integration")
	}
}
