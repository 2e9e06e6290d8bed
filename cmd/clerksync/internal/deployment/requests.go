package deployment

import (
	"context"
	"time"

	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
)

// Requests is what came to the webhook since a time.
type Requests struct {
	Signed  time.Time // a request that Clerk signed; zero for none
	Refused int       // requests whose signature matched no secret, as far as is known
}

// maxRequestRows bounds what is read of a dev's Deliveries table, which lives in
// memory.
const maxRequestRows = 100_000

// RequestsSince looks for requests since a time: in a stack's metrics, to the
// minute, so that one of the minute before counts too; else in the Deliveries
// table, which has no event that is not kept and no request that was refused.
func (d *Deployment) RequestsSince(ctx context.Context, since, now time.Time) (r Requests, err error) {
	if d.Stack != nil {
		points, err := d.ReadMetrics(ctx, since.Truncate(time.Minute), now.Add(time.Minute),
			d.IngestSeries(lambdafn.MetricVerified, "Sum", time.Minute),
			d.RejectedSeries(ingest.ReasonInvalidSignature))
		if err != nil {
			return r, err
		}
		return Requests{Signed: points[0].newest(), Refused: points[1].Sum()}, nil
	}
	from, newest := FormatTime(since), ""
	_, err = d.Rows().Walk(ctx, d.DeliveriesTable, maxRequestRows, func(row Record) {
		if at := row.Text("received_at"); at >= from { // times in this form compare as texts
			newest = max(newest, at)
		}
	}, "received_at")
	r.Signed, _ = time.Parse(time.RFC3339Nano, newest) // zero for none
	return r, err
}
