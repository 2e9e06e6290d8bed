// Package status says what goes through a deployment and what its tables hold.
// Collect reads it (report.go, rows.go, hour.go), Show prints it for people (print.go). It
// reports and does not judge: package doctor does.
package status

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/ingest"
	"github.com/clerksync/clerksync/pkg/lambdafn"
)

// Report is what `status --json` prints. What is not known is absent; times are
// RFC 3339, in UTC.
type Report struct {
	Stack          string                `json:"stack,omitempty"`
	WebhookURL     string                `json:"webhook_url,omitempty"`
	ConsoleURL     string                `json:"console_url,omitempty"`
	Source         string                `json:"source"`                     // metrics or deliveries
	LastReceivedAt string                `json:"last_received_at,omitempty"` // a message that Clerk signed
	LastAppliedAt  string                `json:"last_applied_at,omitempty"`
	LagP50         *int                  `json:"lag_p50_ms,omitempty"` // of the last hour
	LagP99         *int                  `json:"lag_p99_ms,omitempty"`
	LagFrom        string                `json:"lag_from,omitempty"` // one of the two below
	LastHour       map[string]int        `json:"last_hour"`          // messages by outcome
	RejectedBy     map[string]int        `json:"rejected_by,omitempty"`
	PerMinute      []int                 `json:"per_minute,omitempty"` // of the last hour: messages that came out
	Queue          deployment.QueueState `json:"queue"`
	DeadLetters    int                   `json:"dead_letters"`
	Rows           map[string]KindCount  `json:"rows,omitempty"`    // by kind, absent where they were not counted
	RowsTotal      int                   `json:"rows_total"`        // DynamoDB's own number where they were not counted
	RowsCounted    bool                  `json:"rows_counted"`      // to the end of the table
	Clerk          map[string]int64      `json:"clerk,omitempty"`   // objects by kind, by Clerk's own count
	Partial        bool                  `json:"partial,omitempty"` // the Deliveries table was not read to its end
}

// Where the lag is counted from.
const (
	LagFromChange  = "change"  // at Clerk
	LagFromReceipt = "receipt" // by ingest
)

// KindCount is the rows of one kind.
type KindCount struct {
	Live       int `json:"live"`
	Tombstones int `json:"tombstones"`
}

// What is read of a table at most without being asked to: some 20 MB each.
const (
	maxDeliveries = 100_000
	maxRows       = 100_000
)

// Collect reads all that the report holds. Rows are counted to the end of the
// table where countAll is set. A note says why the metrics were not used; it is
// nil where they were, or where there are none. Metrics that cannot be read are no
// error, for the tables know most of it; tables and queues that cannot be read are.
func Collect(ctx context.Context, d *deployment.Deployment, now time.Time, countAll bool) (r Report, note, err error) {
	if r, note, err = collectTraffic(ctx, d, now); err == nil {
		err = r.countRows(ctx, d, countAll)
	}
	return r, note, err
}

// Update is Collect for who has a report already: the rows of a stack are not counted
// again, for that is paid for by the row. Those of a dev are.
func Update(
	ctx context.Context, d *deployment.Deployment, now time.Time, before Report,
) (r Report, note, err error) {
	if d.Stack == nil {
		return Collect(ctx, d, now, false)
	}
	r, note, err = collectTraffic(ctx, d, now)
	r.Rows, r.RowsTotal, r.RowsCounted, r.Clerk = before.Rows, before.RowsTotal, before.RowsCounted, before.Clerk
	return r, note, err
}

// collectTraffic reads all but the rows.
func collectTraffic(ctx context.Context, d *deployment.Deployment, now time.Time) (r Report, note, err error) {
	r.WebhookURL, r.ConsoleURL = d.WebhookURL, d.ConsoleURL
	measured := false
	if d.Stack != nil {
		r.Stack = d.Stack.Name
		measured, note = r.readMetrics(ctx, d, now)
	}
	if !measured {
		err = r.ReadDeliveries(ctx, d, now)
	}
	if err == nil {
		err = r.readQueues(ctx, d, now)
	}
	return r, note, err
}

// rejectionReasons are the reasons that the metric Rejected has as a dimension.
func rejectionReasons() []string {
	return []string{
		ingest.ReasonNotConfigured, ingest.ReasonPayloadTooLarge, ingest.ReasonMissingHeaders,
		ingest.ReasonInvalidTimestamp, ingest.ReasonInvalidSignature,
		ingest.ReasonInvalidPayload, ingest.ReasonUnavailable,
	}
}

// readMetrics fills in what CloudWatch knows, and says whether that is anything:
// a stack whose functions never ran has no metrics at all, and its tables may
// still hold what a test put there. All series of the last hour are one request.
func (r *Report) readMetrics(ctx context.Context, d *deployment.Deployment, now time.Time) (found bool, err error) {
	received, applied, err := d.LastEvents(ctx, now)
	if err != nil {
		return false, err
	}
	ofIngest := []string{
		lambdafn.MetricReceived, lambdafn.MetricVerified, lambdafn.MetricQueued, lambdafn.MetricIgnored,
		lambdafn.MetricRejected,
	}
	ofSync := []string{
		lambdafn.MetricApplied, lambdafn.MetricStale, lambdafn.MetricDuplicate, lambdafn.MetricFailed,
		lambdafn.MetricDead,
	}
	series := []deployment.Series{
		d.SyncSeries(lambdafn.MetricLag, "p50", time.Hour), d.SyncSeries(lambdafn.MetricLag, "p99", time.Hour),
	}
	for _, m := range ofIngest {
		series = append(series, d.IngestSeries(m, "Sum", time.Minute))
	}
	for _, m := range ofSync {
		series = append(series, d.SyncSeries(m, "Sum", time.Minute))
	}
	for _, reason := range rejectionReasons() {
		series = append(series, d.RejectedSeries(reason))
	}
	points, err := d.ReadMetrics(ctx, now.Add(-time.Hour), now, series...)
	if err != nil {
		return false, err
	}
	if received.IsZero() && applied.IsZero() &&
		!slices.ContainsFunc(points, func(p deployment.Points) bool { return len(p) > 0 }) {
		return false, nil
	}
	r.Source, r.LastHour, r.RejectedBy = "metrics", map[string]int{}, map[string]int{}
	r.LastReceivedAt, r.LastAppliedAt = deployment.FormatTime(received), deployment.FormatTime(applied)
	hour := newPerMinute(now)
	for i, lag := range []**int{&r.LagP50, &r.LagP99} {
		if ms, ok := points[i].Max(); ok {
			*lag, r.LagFrom = &ms, LagFromChange
		}
	}
	points = points[2:]
	for i, m := range slices.Concat(ofIngest, ofSync) {
		r.LastHour[strings.ToLower(m)] = points[i].Sum()
		if slices.Contains(ofSync, m) && m != lambdafn.MetricFailed { // it comes again, and counts then
			for _, p := range points[i] {
				hour.add(p.At, int(p.Value))
			}
		}
	}
	r.PerMinute = hour.counts()
	points = points[len(ofIngest)+len(ofSync):]
	for i, reason := range rejectionReasons() {
		if n := points[i].Sum(); n > 0 {
			r.RejectedBy[reason] = n
		}
	}
	return true, nil
}

// ReadDeliveries reads the last events, the outcomes and the lag from the
// Deliveries table. It knows no rejected and no failed messages.
func (r *Report) ReadDeliveries(ctx context.Context, d *deployment.Deployment, now time.Time) (err error) {
	r.Source = "deliveries"
	r.LastHour = map[string]int{string(consumer.Applied): 0, string(consumer.Stale): 0}
	var lags []int // milliseconds
	hour := newPerMinute(now)
	hourAgo := deployment.FormatTime(now.Add(-time.Hour)) // times in this form compare as texts
	see := func(row deployment.Record) {
		received, processed, outcome := row.Text("received_at"), row.Text("processed_at"), row.Text("outcome")
		r.LastReceivedAt = max(r.LastReceivedAt, received)
		if outcome == string(consumer.Applied) {
			r.LastAppliedAt = max(r.LastAppliedAt, processed)
		}
		if processed < hourAgo {
			return
		}
		r.LastHour[outcome]++
		from, err1 := time.Parse(directory.TimeFormat, received)
		to, err2 := time.Parse(directory.TimeFormat, processed)
		if err2 == nil {
			hour.add(to, 1)
		}
		if errors.Join(err1, err2) == nil {
			lags = append(lags, int(to.Sub(from).Milliseconds()))
		}
	}
	complete, err := d.Rows().Walk(ctx, d.DeliveriesTable, maxDeliveries, see, "received_at", "processed_at", "outcome")
	r.Partial, r.PerMinute = !complete, hour.counts()
	if slices.Sort(lags); len(lags) > 0 {
		p50, p99 := lags[len(lags)/2], lags[len(lags)*99/100]
		r.LagP50, r.LagP99, r.LagFrom = &p50, &p99, LagFromReceipt
	}
	return err
}

// readQueues reads how many messages wait in both queues, and with a stack how old
// the oldest is.
func (r *Report) readQueues(ctx context.Context, d *deployment.Deployment, now time.Time) (err error) {
	if r.Queue, err = d.ReadQueue(ctx, d.QueueURL); err != nil {
		return err
	}
	dead, err := d.ReadQueue(ctx, d.DeadLetterQueueURL)
	if err != nil {
		return err
	}
	r.DeadLetters = dead.Messages()
	if d.Stack == nil {
		return nil
	}
	// The age is the metric's alone. Where it cannot be read the rest of the report
	// still helps, so it is left out.
	points, err := d.ReadMetrics(ctx, now.Add(-10*time.Minute), now, d.OldestMessageSeries())
	if err == nil && len(points[0]) > 0 {
		age := int(points[0][0].Value)
		r.Queue.OldestSeconds = &age
	}
	return nil
}
