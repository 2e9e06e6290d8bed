package template_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/test/template"
)

// widget is one of the dashboard's body:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
type widget struct {
	Type                string `json:"type"`
	X, Y, Width, Height int
	Properties          struct {
		Title    string
		Region   string
		Markdown string
		Stat     string
		Period   int
		Alarms   []string
		Metrics  [][]any
	}
}

func dashboard(t *testing.T, tmpl *template.Template) []widget {
	t.Helper()
	var body struct{ Widgets []widget }
	text := sub(at(tmpl, "Dashboard", "DashboardBody"))
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatalf("dashboard body is no JSON: %v\n%s", err, text)
	}
	return body.Widgets
}

// dashboardMetrics are the metrics of all graphs.
func dashboardMetrics(t *testing.T, tmpl *template.Template) (all []metric) {
	t.Helper()
	for _, w := range dashboard(t, tmpl) {
		for _, parts := range w.Properties.Metrics {
			var texts []string
			for _, p := range parts {
				if text, ok := p.(string); ok {
					texts = append(texts, text)
				}
			}
			if len(texts) < 2 || len(texts)%2 != 0 || slices.Contains(texts, ".") || slices.Contains(texts, "...") {
				t.Errorf("%s: metric %v, want namespace, name and dimensions, written out", w.Properties.Title, parts)
				continue
			}
			m := metric{where: w.Properties.Title, namespace: texts[0], name: texts[1], dimensions: map[string]string{}}
			for i := 2; i < len(texts); i += 2 {
				m.dimensions[texts[i]] = texts[i+1]
			}
			all = append(all, m)
		}
	}
	return all
}

func TestDashboardIsWellFormed(t *testing.T) {
	widgets := dashboard(t, load(t))
	for i, w := range widgets {
		t.Run(w.Type+" "+w.Properties.Title, func(t *testing.T) {
			if w.X < 0 || w.X+w.Width > 24 || w.Width < 1 || w.Height < 1 {
				t.Errorf("x %d, width %d, height %d: want it within 24 columns", w.X, w.Width, w.Height)
			}
			for _, o := range widgets[:i] {
				if w.X < o.X+o.Width && o.X < w.X+w.Width && w.Y < o.Y+o.Height && o.Y < w.Y+w.Height {
					t.Errorf("lies over %s %q", o.Type, o.Properties.Title)
				}
			}
			if p := w.Properties; w.Type == "metric" && (p.Title == "" || p.Region != "${AWS::Region}" || p.Stat == "" || p.Period%60 != 0 || len(p.Metrics) == 0) {
				t.Errorf("graph %+v: want title, the stack's region, a statistic, minutes and metrics", p)
			}
		})
	}
}

// Whoever opens it sees first whether the table is in step, and what a blank
// dashboard means.
func TestDashboardAnswersAtAGlance(t *testing.T) {
	tmpl := load(t)
	var top strings.Builder
	shown := map[string]bool{}
	for _, w := range dashboard(t, tmpl) {
		if w.Y == 0 {
			top.WriteString(w.Properties.Markdown)
		}
	}
	for _, m := range dashboardMetrics(t, tmpl) {
		shown[m.name+" of "+m.dimensions["FunctionName"]+m.dimensions["QueueName"]+m.dimensions["ApiId"]] = true
	}
	for _, words := range []string{"Is my table in step?", "Everything is blank?", "docs/operations.md#everything-is-blank"} {
		if !strings.Contains(top.String(), words) {
			t.Errorf("text at the top = %q, want it to say %q", top.String(), words)
		}
	}
	for _, name := range []string{
		"Verified of ${IngestFunction}", "Queued of ${IngestFunction}", "Applied of ${SyncFunction}", "Lag of ${SyncFunction}",
		"ApproximateNumberOfMessagesVisible of ${Queue.QueueName}", "ApproximateAgeOfOldestMessage of ${Queue.QueueName}",
		"ApproximateNumberOfMessagesVisible of ${DeadLetterQueue.QueueName}", "Rejected of ${IngestFunction}", "Failed of ${SyncFunction}",
		"Dead of ${SyncFunction}", "Latency of ${Api}", "4xx of ${Api}", "5xx of ${Api}", "Duration of ${IngestFunction}",
		"Duration of ${SyncFunction}", "Errors of ${SyncFunction}", "Throttles of ${IngestFunction}", "ColdStart of ${IngestFunction}",
		"ConsumedWriteCapacityUnits of ", "WriteThrottleEvents of ", "SystemErrors of ",
	} {
		if !shown[name] {
			t.Errorf("no graph shows %s", name)
		}
	}
}

func TestDashboardShowsEveryAlarmThatThereIs(t *testing.T) {
	for name, params := range map[string]map[string]any{
		"defaults":                   nil,
		"without the one on silence": {"NoEventsHours": 0},
	} {
		t.Run(name, func(t *testing.T) {
			tmpl := load(t).With(params)
			var want, got []string
			for _, id := range tmpl.OfType("AWS::CloudWatch::Alarm") {
				want = append(want, "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:"+sub(at(tmpl, id, "AlarmName")))
			}
			for _, w := range dashboard(t, tmpl) {
				got = append(got, w.Properties.Alarms...)
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("alarms on the dashboard (-want +got):\n%s", diff)
			}
		})
	}
}
