package main

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

// series names one metric's statistic.
type series struct {
	namespace, metric string
	dimensions        map[string]string
	stat              string
	period            time.Duration
}

// point is a value at the start of its period.
type point struct {
	at    time.Time
	value float64
}

func (p *place) ours(function, metric, stat string, period time.Duration) series {
	return series{lambdafn.Namespace, metric, map[string]string{lambdafn.DimensionFunction: function}, stat, period}
}

func oldest(queueURL string) series {
	return series{"AWS/SQS", "ApproximateAgeOfOldestMessage", map[string]string{"QueueName": path.Base(queueURL)}, "Maximum", time.Minute}
}

// read asks CloudWatch for all series at once, newest points first; a series
// that has no points is empty. It asks GetMetricData, which bills by series:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
func (p *place) read(ctx context.Context, from, to time.Time, all ...series) ([][]point, error) {
	in := &cloudwatch.GetMetricDataInput{StartTime: &from, EndTime: &to, ScanBy: types.ScanByTimestampDescending}
	for i, s := range all {
		m := &types.Metric{Namespace: aws.String(s.namespace), MetricName: aws.String(s.metric)}
		for name, value := range s.dimensions {
			m.Dimensions = append(m.Dimensions, types.Dimension{Name: aws.String(name), Value: aws.String(value)})
		}
		in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{
			Id:         aws.String("s" + strconv.Itoa(i)),
			MetricStat: &types.MetricStat{Metric: m, Period: aws.Int32(int32(s.period.Seconds())), Stat: aws.String(s.stat)},
		})
	}
	out := make([][]point, len(all))
	pages := cloudwatch.NewGetMetricDataPaginator(cloudwatch.NewFromConfig(p.aws), in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the metrics: %w", err)
		}
		for _, r := range page.MetricDataResults {
			i, err := strconv.Atoi(aws.ToString(r.Id)[1:])
			if err != nil || i >= len(out) {
				return nil, fmt.Errorf("read the metrics: CloudWatch answered for %q, which was not asked for", aws.ToString(r.Id))
			}
			for j := range min(len(r.Timestamps), len(r.Values)) {
				out[i] = append(out[i], point{r.Timestamps[j], r.Values[j]})
			}
		}
	}
	return out, nil
}

func sum(points []point) (n int) {
	for _, p := range points {
		n += int(p.value)
	}
	return n
}

// greatest is the greatest value; ok is false where there is none.
func greatest(points []point) (v int, ok bool) {
	for _, p := range points {
		v, ok = max(v, int(p.value)), true
	}
	return v, ok
}

// newest is the start of the newest period whose value is above 0.
func newest(points []point) (at time.Time) {
	for _, p := range points {
		if p.value > 0 && p.at.After(at) {
			at = p.at
		}
	}
	return at
}

// Where the last event is looked for. CloudWatch keeps minutes for 15 days and
// hours for 455:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
const (
	lookBack    = 90 * 24 * time.Hour
	minutesKept = 15 * 24 * time.Hour
)

// last says when an event was last verified and last applied, to the minute
// where CloudWatch still knows it, else to the hour; zero for not in 90 days.
func (p *place) last(ctx context.Context, now time.Time) (received, applied time.Time, err error) {
	find := func(from, to time.Time, period time.Duration) ([2]time.Time, error) {
		got, err := p.read(ctx, from, to, p.ours(p.ingestFn, lambdafn.MetricVerified, "Sum", period), p.ours(p.syncFn, lambdafn.MetricApplied, "Sum", period))
		if err != nil {
			return [2]time.Time{}, err
		}
		return [2]time.Time{newest(got[0]), newest(got[1])}, nil
	}
	at, err := find(now.Add(-lookBack).Truncate(time.Hour), now, time.Hour)
	if err != nil {
		return received, applied, err
	}
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
