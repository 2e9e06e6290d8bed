package console

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/pkg/lambdafn"
)

// stackTrafficPage is the last hour of a stack, a minute a bar, and its alarms.
type stackTrafficPage struct {
	trafficPage // whose seconds are minutes
	LagText     string
	Alarms      []deployment.Alarm
	// What could not be read of each part.
	HourAlert, QueueAlert, AlarmsAlert alert
}

// hourOfStack is how many minutes the page shows.
const hourOfStack = 60

func (c *Console) showStackTraffic(w http.ResponseWriter, r *http.Request) {
	p := stackTrafficPage{trafficPage: trafficPage{At: c.now()}}
	d := c.options.Deployment
	// Each part may lack its permission, and the others are worth seeing without it.
	p.HourAlert = alertOf(c.readHour(r.Context(), &p))
	q, err := d.ReadQueue(r.Context(), d.QueueURL)
	p.Queue = fmt.Sprintf("%d on the queue, %d in flight", q.Visible, q.InFlight+q.Delayed)
	p.QueueAlert = alertOf(err)
	p.Alarms, err = d.Alarms(r.Context())
	p.AlarmsAlert = alertOf(err)
	c.render(w, r, http.StatusOK, "stacktraffic.html", p)
}

// readHour reads the metrics of the last hour: one request, which is billed by the
// series.
func (c *Console) readHour(ctx context.Context, p *stackTrafficPage) error {
	d := *c.options.Deployment // its functions are found here, for this request
	if err := d.FindFunctions(ctx); err != nil {
		return err //nolint:wrapcheck // it names the function
	}
	var series []deployment.Series
	for _, stage := range trafficStages() {
		metric := strings.ToUpper(stage[:1]) + stage[1:]
		if metric == lambdafn.MetricIgnored || metric == lambdafn.MetricRejected {
			series = append(series, d.IngestSeries(metric, "Sum", time.Minute))
		} else {
			series = append(series, d.SyncSeries(metric, "Sum", time.Minute))
		}
	}
	lags := len(series)
	for _, stat := range []string{"p50", "p99"} {
		series = append(series, d.SyncSeries(lambdafn.MetricLag, stat, time.Hour))
	}
	end := p.At.Truncate(time.Minute).Add(time.Minute)
	start := end.Add(-hourOfStack * time.Minute)
	points, err := d.ReadMetrics(ctx, start, end, series...)
	if err != nil {
		return err //nolint:wrapcheck // it says what was read
	}
	minutes := make([]view.Second, hourOfStack)
	for i := range minutes {
		minutes[i] = view.Second{At: start.Add(time.Duration(i) * time.Minute), Steps: map[string]int{}}
	}
	for i, stage := range trafficStages() {
		total := stageCount{Stage: stage, Fill: stageFill(i), Count: points[i].Sum()}
		for _, point := range points[i] {
			at := int(point.At.Sub(start) / time.Minute)
			if at >= 0 && at < hourOfStack {
				minutes[at].Steps[stage] += int(point.Value)
			}
		}
		p.Stages = append(p.Stages, total)
	}
	p.setSeconds(minutes)
	p50, known := points[lags].Max()
	p99, _ := points[lags+1].Max()
	if p.LagText = "no message"; known {
		p.LagText = "p50 " + milliseconds(float64(p50)) + ", p99 " + milliseconds(float64(p99))
	}
	return nil
}
