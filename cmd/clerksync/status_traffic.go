package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/clerksync/clerksync/pkg/consumer"
	"github.com/clerksync/clerksync/pkg/directory"
	"github.com/clerksync/clerksync/pkg/lambdafn"
)

// Where the lag is counted from.
const (
	lagFromChange  = "change"
	lagFromReceipt = "receipt"
)

// rejections are the reasons that Rejected has as a dimension.
func rejections() []string {
	return []string{"not_configured", "payload_too_large", "missing_headers", "invalid_timestamp", "invalid_signature", "invalid_payload", "unavailable"}
}

// rejectedFor asks for one reason of Rejected.
func (p *place) rejectedFor(reason string) series {
	s := p.ours(p.ingestFn, lambdafn.MetricRejected, "Sum", time.Minute)
	s.dimensions[lambdafn.DimensionReason] = reason
	return s
}

// measured reads the metrics. found is false where there are none at all.
func (p *place) measured(ctx context.Context, now time.Time, r *statusReport) (found bool, err error) {
	received, applied, err := p.last(ctx, now)
	if err != nil {
		return false, err
	}
	var all []series
	byIngest := []string{lambdafn.MetricReceived, lambdafn.MetricVerified, lambdafn.MetricQueued, lambdafn.MetricIgnored, lambdafn.MetricRejected}
	bySync := []string{lambdafn.MetricApplied, lambdafn.MetricStale, lambdafn.MetricDuplicate, lambdafn.MetricFailed, lambdafn.MetricDead}
	for _, m := range byIngest {
		all = append(all, p.ours(p.ingestFn, m, "Sum", time.Minute))
	}
	for _, m := range bySync {
		all = append(all, p.ours(p.syncFn, m, "Sum", time.Minute))
	}
	for _, reason := range rejections() {
		all = append(all, p.rejectedFor(reason))
	}
	all = append(all, p.ours(p.syncFn, lambdafn.MetricLag, "p50", time.Hour), p.ours(p.syncFn, lambdafn.MetricLag, "p99", time.Hour))
	got, err := p.read(ctx, now.Add(-time.Hour), now, all...)
	if err != nil {
		return false, err
	}
	found = !received.IsZero() || !applied.IsZero() || slices.ContainsFunc(got, func(s []point) bool { return len(s) > 0 })
	if !found {
		return false, nil
	}
	r.Source, r.LastReceivedAt, r.LastAppliedAt, r.LastHour, r.RejectedBy = "metrics", stamp(received), stamp(applied), map[string]int{}, map[string]int{}
	names := append(byIngest, bySync...)
	for i, m := range names {
		r.LastHour[strings.ToLower(m)] = sum(got[i])
	}
	for i, reason := range rejections() {
		if n := sum(got[len(names)+i]); n > 0 {
			r.RejectedBy[reason] = n
		}
	}
	for i, field := range []**int{&r.LagP50, &r.LagP99} {
		if v, ok := greatest(got[len(got)-2+i]); ok {
			*field, r.LagFrom = &v, lagFromChange
		}
	}
	return true, nil
}

// fewDeliveries bounds what is read of the Deliveries table: some 20 MB.
const fewDeliveries = 100_000

// recorded reads the Deliveries table.
func (p *place) recorded(ctx context.Context, now time.Time, r *statusReport) error {
	r.Source, r.LastHour = "deliveries", map[string]int{"applied": 0, "stale": 0}
	var lags []int
	hourAgo := stamp(now.Add(-time.Hour)) // text of one form compares as time
	complete, err := p.walk(ctx, p.DeliveriesTable, fewDeliveries, []string{"received_at", "processed_at", "outcome"}, func(row record) {
		received, processed, outcome := row.text("received_at"), row.text("processed_at"), row.text("outcome")
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
		if errors.Join(err1, err2) == nil {
			lags = append(lags, int(to.Sub(from).Milliseconds()))
		}
	})
	r.Partial = !complete
	if slices.Sort(lags); len(lags) > 0 {
		p50, p99 := lags[len(lags)/2], lags[len(lags)*99/100]
		r.LagP50, r.LagP99, r.LagFrom = &p50, &p99, lagFromReceipt
	}
	return err
}

// rowCount is what the Directory table holds.
type rowCount struct {
	Rows    map[string]kindCount `json:"rows,omitempty"` // by kind, absent where they were not counted
	Total   int                  `json:"rows_total"`     // of DynamoDB where they were not counted
	Counted bool                 `json:"rows_counted"`   // to the end
}

// kindCount is the rows of one kind.
type kindCount struct {
	Live       int `json:"live"`
	Tombstones int `json:"tombstones"`
}

// fewRows are counted without being asked to.
const fewRows = 100_000

func (p *place) count(ctx context.Context, whole bool) (n rowCount, err error) {
	out, err := dynamodb.NewFromConfig(p.aws).DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &p.DirectoryTable})
	if err != nil {
		return n, errors.Join(errors.New("describe table "+p.DirectoryTable), err)
	}
	n.Total = int(aws.ToInt64(out.Table.ItemCount))
	if n.Total > fewRows && !whole {
		return n, nil
	}
	limit := fewRows
	if whole {
		limit = 0
	}
	n.Rows, n.Total = map[string]kindCount{}, 0
	n.Counted, err = p.walk(ctx, p.DirectoryTable, limit, []string{"kind", "deleted_at"}, func(row record) {
		k := n.Rows[row.text("kind")]
		if row.text("deleted_at") == "" {
			k.Live++
		} else {
			k.Tombstones++
		}
		n.Rows[row.text("kind")] = k
		n.Total++
	})
	return n, err
}
