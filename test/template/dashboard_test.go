package template_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/test/template"
)

// widget is a part of the dashboard's body:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
type widget struct {
	Type                string
	X, Y, Width, Height int
	Properties          struct {
		Title, Region, Markdown, Stat string
		Period                        int
		Alarms                        []string
		Metrics                       [][]any
	}
}

func dashboard(t *testing.T, tmpl *template.Template) []widget {
	t.Helper()
	var body struct{ Widgets []widget }
	text := asSub(property(tmpl, "Dashboard.DashboardBody"))
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatalf("dashboard body is not JSON: %v\n%s", err, text)
	}
	return body.Widgets
}

// dashboardMetrics are the metrics of all graphs.
func dashboardMetrics(t *testing.T, tmpl *template.Template) (all []metric) {
	t.Helper()
	for _, w := range dashboard(t, tmpl) {
		for _, parts := range w.Properties.Metrics {
			var words []string
			for _, p := range parts {
				if word, ok := p.(string); ok {
					words = append(words, word)
				}
			}
			if len(words) < 2 || len(words)%2 != 0 || slices.Contains(words, ".") || slices.Contains(words, "...") {
				t.Errorf("%s: metric %v, want namespace, name and dimensions, written out", w.Properties.Title, parts)
				continue
			}
			m := metric{where: w.Properties.Title, namespace: words[0], name: words[1], dimensions: map[string]string{}}
			for i := 2; i < len(words); i += 2 {
				m.dimensions[words[i]] = words[i+1]
			}
			all = append(all, m)
		}
	}
	return all
}

// CloudWatch takes a dashboard with widgets that cover one another or have no data, and shows it so.
func TestDashboardIsWellFormed(t *testing.T) {
	widgets := dashboard(t, load(t, probing()))
	for i, w := range widgets {
		p := w.Properties
		if w.X < 0 || w.X+w.Width > 24 || w.Width < 1 || w.Height < 1 {
			t.Errorf("%s %q: x %d, width %d, height %d: want 24 columns", w.Type, p.Title, w.X, w.Width, w.Height)
		}
		for _, o := range widgets[:i] {
			if w.X < o.X+o.Width && o.X < w.X+w.Width && w.Y < o.Y+o.Height && o.Y < w.Y+w.Height {
				t.Errorf("%s %q covers %s %q", w.Type, p.Title, o.Type, o.Properties.Title)
			}
		}
		located := p.Title != "" && p.Region == "${AWS::Region}"
		if w.Type == "metric" && (!located || p.Stat == "" || p.Period%60 != 0 || len(p.Metrics) == 0) {
			t.Errorf("graph %+v: want title, the stack's region, a statistic, minutes and metrics", p)
		}
	}
}

// A person who opens it sees first whether the table is in step, and what a blank dashboard means.
func TestDashboardAnswersAtAGlance(t *testing.T) {
	tmpl := load(t)
	var top strings.Builder
	for _, w := range dashboard(t, tmpl) {
		if w.Y == 0 {
			top.WriteString(w.Properties.Markdown)
		}
	}
	for _, words := range []string{
		"Is my table in step?", "Everything is blank?", "docs/operations.md#everything-is-blank",
	} {
		if !strings.Contains(top.String(), words) {
			t.Errorf("text at the top = %q, want it to say %q", top.String(), words)
		}
	}
	var shown []string
	for _, m := range dashboardMetrics(t, tmpl) {
		m.dimensions["TableName"] = "" // whichever
		shown = append(shown, strings.TrimSpace(m.String()))
	}
	for _, want := range []string{
		"clerksync Verified ${IngestFunction}", "clerksync Queued ${IngestFunction}",
		"clerksync Rejected ${IngestFunction}", "clerksync ColdStart ${IngestFunction}",
		"clerksync Applied ${SyncFunction}", "clerksync Lag ${SyncFunction}", "clerksync Failed ${SyncFunction}",
		"clerksync Dead ${SyncFunction}",
		"AWS/SQS ApproximateNumberOfMessagesVisible ${Queue.QueueName}",
		"AWS/SQS ApproximateNumberOfMessagesVisible ${DeadLetterQueue.QueueName}",
		"AWS/SQS ApproximateAgeOfOldestMessage ${Queue.QueueName}",
		"AWS/ApiGateway Latency ${Api}", "AWS/ApiGateway 4xx ${Api}", "AWS/ApiGateway 5xx ${Api}",
		"AWS/Lambda Duration ${IngestFunction}", "AWS/Lambda Duration ${SyncFunction}",
		"AWS/Lambda Errors ${SyncFunction}", "AWS/Lambda Throttles ${IngestFunction}",
		"AWS/DynamoDB ConsumedWriteCapacityUnits", "AWS/DynamoDB WriteThrottleEvents",
		"clerksync TableThrottles ${SyncFunction}", "clerksync TableErrors ${SyncFunction}",
	} {
		if !slices.Contains(shown, want) {
			t.Errorf("no graph shows %s", want)
		}
	}
}

// An alarm that does not exist would stand on the dashboard as an error.
func TestDashboardShowsEveryAlarm(t *testing.T) {
	for name, p := range map[string]params{
		"by default":                 nil,
		"without the one on silence": {"NoEventsHours": 0},
		"with those of the probe":    probing(),
	} {
		tmpl := load(t, p)
		var want, got []string
		for _, id := range tmpl.OfType(alarmType) {
			const arn = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:"
			want = append(want, arn+asSub(property(tmpl, id+".AlarmName")))
		}
		for _, w := range dashboard(t, tmpl) {
			got = append(got, w.Properties.Alarms...)
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: alarms on the dashboard (-want +got):\n%s", name, diff)
		}
	}
}
