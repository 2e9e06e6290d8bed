package deployment

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/clerksync/clerksync/pkg/lambdafn"
)

// Series names one statistic of one metric, a value a period.
type Series struct {
	namespace, metric string
	dimensions        map[string]string
	stat              string // Sum, Maximum, p99 and the like
	period            time.Duration
}

// IngestSeries is a metric of the ingest function.
func (d *Deployment) IngestSeries(metric, stat string, period time.Duration) Series {
	return functionSeries(d.IngestFunction, metric, stat, period)
}

// SyncSeries is a metric of the sync function.
func (d *Deployment) SyncSeries(metric, stat string, period time.Duration) Series {
	return functionSeries(d.SyncFunction, metric, stat, period)
}

func functionSeries(function, metric, stat string, period time.Duration) Series {
	dimensions := map[string]string{lambdafn.DimensionFunction: function}
	return Series{lambdafn.Namespace, metric, dimensions, stat, period}
}

// RejectedSeries counts the requests that ingest rejected for one reason.
func (d *Deployment) RejectedSeries(reason string) Series {
	s := d.IngestSeries(lambdafn.MetricRejected, "Sum", time.Minute)
	s.dimensions[lambdafn.DimensionReason] = reason
	return s
}

// OldestMessageSeries is the age in seconds of the oldest message on the queue.
func (d *Deployment) OldestMessageSeries() Series {
	dimensions := map[string]string{"QueueName": path.Base(d.QueueURL)}
	return Series{"AWS/SQS", "ApproximateAgeOfOldestMessage", dimensions, "Maximum", time.Minute}
}

// Points are the values of a series, the newest first. CloudWatch has no points
// for periods in which nothing was counted.
type Points []Point

// Point is a value at the start of its period.
type Point struct {
	At    time.Time
	Value float64
}

// Sum adds the values.
func (p Points) Sum() (n int) {
	for _, point := range p {
		n += int(point.Value)
	}
	return n
}

// Max is the greatest value; ok is false where there are no points.
func (p Points) Max() (v int, ok bool) {
	for _, point := range p {
		v, ok = max(v, int(point.Value)), true
	}
	return v, ok
}

// newest is the start of the newest period whose value is above 0.
func (p Points) newest() (at time.Time) {
	for _, point := range p {
		if point.Value > 0 && point.At.After(at) {
			at = point.At
		}
	}
	return at
}

// ReadMetrics asks CloudWatch for all series at once, in their order. It asks
// GetMetricData, which bills by series:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
func (d *Deployment) ReadMetrics(ctx context.Context, from, to time.Time, all ...Series) ([]Points, error) {
	in := &cloudwatch.GetMetricDataInput{StartTime: &from, EndTime: &to, ScanBy: types.ScanByTimestampDescending}
	for i, s := range all {
		m := &types.Metric{Namespace: aws.String(s.namespace), MetricName: aws.String(s.metric)}
		for name, value := range s.dimensions {
			m.Dimensions = append(m.Dimensions, types.Dimension{Name: aws.String(name), Value: aws.String(value)})
		}
		in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{
			Id: aws.String("s" + strconv.Itoa(i)),
			MetricStat: &types.MetricStat{
				Metric: m, Period: aws.Int32(int32(s.period.Seconds())), Stat: aws.String(s.stat),
			},
		})
	}
	out := make([]Points, len(all))
	pages := cloudwatch.NewGetMetricDataPaginator(cloudwatch.NewFromConfig(d.AWS), in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the metrics: %w", err)
		}
		for _, r := range page.MetricDataResults {
			i, err := strconv.Atoi(aws.ToString(r.Id)[1:])
			if err != nil || i >= len(out) {
				return nil, fmt.Errorf("read the metrics: CloudWatch answered an unknown query %q", aws.ToString(r.Id))
			}
			for j := range min(len(r.Timestamps), len(r.Values)) {
				out[i] = append(out[i], Point{r.Timestamps[j], r.Values[j]})
			}
		}
	}
	return out, nil
}

// Where the last event is looked for. CloudWatch keeps minutes for 15 days and
// hours for 455:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
const (
	lookBack    = 90 * 24 * time.Hour
	minutesKept = 15 * 24 * time.Hour
)

// LastEvents says when an event was last verified and last applied: to the
// minute where CloudWatch still knows it, else to the hour. It is the zero time
// for an event that did not happen in 90 days.
func (d *Deployment) LastEvents(ctx context.Context, now time.Time) (received, applied time.Time, err error) {
	find := func(from, to time.Time, period time.Duration) ([2]time.Time, error) {
		points, err := d.ReadMetrics(ctx, from, to,
			d.IngestSeries(lambdafn.MetricVerified, "Sum", period), d.SyncSeries(lambdafn.MetricApplied, "Sum", period))
		if err != nil {
			return [2]time.Time{}, err
		}
		return [2]time.Time{points[0].newest(), points[1].newest()}, nil
	}
	at, err := find(now.Add(-lookBack).Truncate(time.Hour), now, time.Hour)
	if err != nil {
		return received, applied, err
	}
	// A second look, for minutes: they would be too many for 90 days.
	for i := range at {
		if at[i].IsZero() || now.Sub(at[i]) > minutesKept {
			continue
		}
		fine, err := find(at[i], at[i].Add(time.Hour), time.Minute)
		if err != nil {
			return received, applied, err
		}
		if !fine[i].IsZero() {
			at[i] = fine[i]
		}
	}
	return at[0], at[1], nil
}
