package deployment

import (
	"context"
	"time"

	"github.com/clerksync/clerksync/pkg/lambdafn"
)

// ClerkKeyParameter is the name of the SSM parameter with the secret key of Clerk
// that the probe uses, "" where the stack has no probe.
func (s *Stack) ClerkKeyParameter() string { return s.Parameters["ClerkSecretKeyParameter"] }

// Probe is what one probe counted.
type Probe struct {
	At               time.Time // to the minute
	Checked, Missing int
	Failed           bool
}

// LastProbe returns the newest probe since a time, by its metrics, each of which
// every probe writes. ok is false where there was none.
func (d *Deployment) LastProbe(ctx context.Context, since, now time.Time) (p Probe, ok bool, err error) {
	function, err := d.PhysicalID(ctx, "ProbeFunction")
	if err != nil {
		return p, false, err
	}
	var series []Series
	for _, metric := range []string{
		lambdafn.MetricProbeFailed, lambdafn.MetricProbeChecked, lambdafn.MetricProbeMissing,
	} {
		series = append(series, functionSeries(function, metric, "Maximum", time.Minute))
	}
	points, err := d.ReadMetrics(ctx, since.Truncate(time.Minute), now, series...)
	if err != nil || len(points[0]) == 0 {
		return p, false, err
	}
	p.At, p.Failed = points[0][0].At, points[0][0].Value > 0
	at := func(all Points) int {
		for _, point := range all {
			if point.At.Equal(p.At) {
				return int(point.Value)
			}
		}
		return 0
	}
	p.Checked, p.Missing = at(points[1]), at(points[2])
	return p, true, nil
}
