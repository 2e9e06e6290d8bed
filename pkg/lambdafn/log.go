package lambdafn

import (
	"context"
	"io"
	"log/slog"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// NewLogger returns a logger that writes one line of JSON for each record, with
// the names that Lambda's own lines have, the request id of the invocation and,
// where there is one, its trace id. The level filters here, because Lambda's
// own filter must stay at INFO: it would drop metrics lines, which have no level.
func NewLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(invocationHandler{slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: level, ReplaceAttr: lambdacontext.ReplaceAttr,
	})})
}

// invocationHandler adds the ids of the invocation to each record.
type invocationHandler struct{ slog.Handler }

// Handle adds the ids that aws-lambda-go puts into the context.
func (h invocationHandler) Handle(ctx context.Context, r slog.Record) error {
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
func (h invocationHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return invocationHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the ids on loggers made by WithGroup.
func (h invocationHandler) WithGroup(name string) slog.Handler {
	return invocationHandler{h.Handler.WithGroup(name)}
}

// Text is an attribute that is left out of the line where the value is empty.
func Text(key, value string) slog.Attr {
	if value == "" {
		return slog.Attr{} // slog leaves out an empty attribute
	}
	return slog.String(key, value)
}

// Error is the attribute error, which is left out of the line where err is nil.
func Error(err error) slog.Attr {
	if err == nil {
		return slog.Attr{}
	}
	return slog.String("error", err.Error())
}

// Warn returns a function that logs a call beside the messages themselves that
// failed, such as the deletion of messages that are done. operation says in
// plain words what was tried.
func Warn(log *slog.Logger) func(ctx context.Context, operation string, err error) {
	return func(ctx context.Context, operation string, err error) {
		log.LogAttrs(ctx, slog.LevelWarn, "a call failed", slog.String("operation", operation), Error(err))
	}
}

// LogNotConfigured logs the error of the settings, which names every variable
// that is missing or bad, in one line.
func LogNotConfigured(log *slog.Logger, err error) {
	log.LogAttrs(context.Background(), slog.LevelError, "not configured: correct these variables and deploy again",
		slog.String("error", strings.ReplaceAll(err.Error(), "\n", "; ")))
}
