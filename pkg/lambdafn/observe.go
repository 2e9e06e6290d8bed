package lambdafn

import (
	"context"
	"log/slog"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/ingest"
)

// Observer tells the log and the metrics what became of requests and messages.
type Observer struct {
	Log     *slog.Logger
	Metrics *Metrics
}

// Request is an ingest.Config's Observe.
func (o Observer) Request(ctx context.Context, r ingest.Report) {
	LogRequest(o.Log)(ctx, r)
	o.Metrics.Request(ctx, r)
}

// Message is a consumer.Config's Observe.
func (o Observer) Message(ctx context.Context, r consumer.Report) {
	LogMessage(o.Log)(ctx, r)
	o.Metrics.Message(ctx, r)
}

// SecretUnreadable is told of reads of the signing secret that failed.
func (o Observer) SecretUnreadable(ctx context.Context, deed string, err error) {
	Warn(o.Log)(ctx, deed, err)
	o.Metrics.SecretUnreadable()
}
