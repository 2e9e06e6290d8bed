package console

import (
	"fmt"
	"net/http"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/faults"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/console/view"
)

// trafficRoutes are those of the page that shows how much goes through, and that
// breaks what it goes through.
func (c *Console) trafficRoutes() []route {
	if c.options.Dev == nil || c.options.Dev.Recorder == nil {
		return nil
	}
	list := []route{
		{"GET /traffic", c.trafficPage},
		{"GET " + apiPrefix + "faults", c.apiFaults},
		{"PUT " + apiPrefix + "faults", c.apiSetFaults},
	}
	if c.options.Dev.Faults != nil {
		list = append(
			list,
			route{"POST /traffic/faults", c.setFault},
			route{"POST /traffic/retry", c.retryWaiting},
		)
	}
	return list
}

// trafficPage is what the page shows.
type trafficPage struct {
	At       time.Time
	Counts   view.Counts
	Stages   []stageCount
	Seconds  []secondBar
	Most     int // requests of the busiest second
	Lag      []lagBar
	Queue    string // how many messages wait, in words
	Switches []faults.Switch
	Retry    bool   // there is a button for what waits
	Note     string // what the button came to
}

// stageCount is how often a stage was reached.
type stageCount struct {
	Stage string
	Fill  int
	Count int
	Last  int // in the last minute
}

// secondBar is one second of the drawing: a stack of stages.
type secondBar struct {
	At    time.Time
	X     int
	Total int
	Parts []stackPart
}

type stackPart struct {
	Stage     string
	Fill      int
	Count     int
	Y, Height float64
}

// lagBar is one bucket of the histogram.
type lagBar struct {
	Label     string
	Count     int
	X         int
	Y, Height float64
}

// The drawings' sizes, in their own units.
const (
	chartHeight = 120.0
	secondWidth = 10
	lagWidth    = 33
)

// trafficStages are what is counted, from the bottom of each bar. `queued` is left
// out: each such message comes out as another stage a moment later.
func trafficStages() []string {
	return []string{"applied", "stale", "duplicate", "ignored", "rejected", "failed", "dead"}
}

// stageFill are the patterns of trafficStages, beside their colours: those of one
// colour have different ones.
func stageFill(i int) int { return []int{0, 0, 1, 3, 0, 4, 5}[i] }

func (c *Console) trafficPage(w http.ResponseWriter, r *http.Request) {
	c.render(w, r, http.StatusOK, "traffic.html", c.makeTrafficPage(r))
}

func (c *Console) makeTrafficPage(r *http.Request) trafficPage {
	counts := view.CountsOf(c.options.Dev.Recorder.Counts())
	p := trafficPage{At: c.now(), Counts: counts, Retry: c.options.Dev.Retry != nil}
	if c.options.Dev.Faults != nil {
		p.Switches = c.options.Dev.Faults.State()
	}
	p.setSeconds(counts.Minute)
	p.setLag(counts.Lag)
	for i, stage := range trafficStages() {
		last := 0
		for _, s := range counts.Minute {
			last += s.Steps[stage]
		}
		p.Stages = append(p.Stages, stageCount{
			Stage: stage, Fill: stageFill(i), Count: counts.Steps[stage], Last: last,
		})
	}
	d := c.options.Deployment
	if q, err := d.ReadQueue(r.Context(), d.QueueURL); err != nil {
		p.Queue = err.Error()
	} else {
		p.Queue = fmt.Sprintf("%d on the queue, %d taken or waiting for another attempt, %d held back",
			q.Visible, q.InFlight, q.Delayed)
	}
	if n := r.FormValue("tried"); n != "" {
		p.Note = n + " messages that waited are tried now."
	}
	return p
}

func (p *trafficPage) setSeconds(minute []view.Second) {
	for i, s := range minute {
		b := secondBar{At: s.At, X: i * secondWidth}
		for _, stage := range trafficStages() {
			b.Total += s.Steps[stage]
		}
		p.Most = max(p.Most, b.Total)
		p.Seconds = append(p.Seconds, b)
	}
	for i, s := range minute {
		y := chartHeight
		for n, stage := range trafficStages() {
			count := s.Steps[stage]
			if count == 0 {
				continue
			}
			height := chartHeight * float64(count) / float64(p.Most)
			y -= height
			p.Seconds[i].Parts = append(p.Seconds[i].Parts, stackPart{
				Stage: stage, Fill: stageFill(n), Count: count, Y: y, Height: height,
			})
		}
	}
}

func (p *trafficPage) setLag(buckets []view.Bucket) {
	most := 1
	for _, b := range buckets {
		most = max(most, b.Count)
	}
	for i, b := range buckets {
		label := "more"
		if b.UpToMS > 0 {
			label = milliseconds(b.UpToMS)
		}
		height := chartHeight * float64(b.Count) / float64(most)
		p.Lag = append(p.Lag, lagBar{
			Label: label, Count: b.Count, X: i * lagWidth, Y: chartHeight - height, Height: height,
		})
	}
}

// milliseconds is a time as it is written at a bar: 0.5 ms, 64 ms, 2 s.
func milliseconds(ms float64) string {
	if ms >= 1000 {
		return fmt.Sprintf("%.0f s", ms/1000)
	}
	return fmt.Sprintf("%.3g ms", ms)
}
