package template_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/test/template"
)

const alarmType = "AWS::CloudWatch::Alarm"

func TestEachAlarmSaysWhatItMeansAndTheFirstStep(t *testing.T) {
	tmpl := load(t)
	sections := anchors(readFile(t, "docs/operations.md"))
	end := regexp.MustCompile(`\. docs/operations\.md#([a-z0-9-]+)$|\? docs/operations\.md#([a-z0-9-]+)$`)
	for _, id := range tmpl.OfType(alarmType) {
		t.Run(id, func(t *testing.T) {
			if !strings.HasSuffix(id, "Alarm") {
				t.Errorf("logical id %s, want ...Alarm", id)
			}
			text, _ := at(tmpl, id, "AlarmDescription").(string)
			meaning, step, _ := strings.Cut(text, "First step: ")
			// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
			if len(meaning) < 40 || len(step) < 20 || len(text) > 1024 {
				t.Errorf("description = %q, want its meaning, its first step, and at most 1024 characters", text)
			}
			m := end.FindStringSubmatch(text)
			if m == nil || !slices.Contains(sections, m[1]+m[2]) {
				t.Errorf("description = %q, want it to end in a section of docs/operations.md, one of %v", text, sections)
			}
			name := sub(at(tmpl, id, "AlarmName"))
			if !strings.HasPrefix(name, "${AWS::StackName}-") {
				t.Errorf("name = %s, want it under the stack's", name)
			}
			if !strings.Contains(readFile(t, "docs/operations.md"), "`"+strings.TrimPrefix(name, "${AWS::StackName}-")+"`") {
				t.Errorf("docs/operations.md does not name the alarm `%s`", strings.TrimPrefix(name, "${AWS::StackName}-"))
			}
			if missing := at(tmpl, id, "TreatMissingData"); !slices.Contains([]any{"breaching", "notBreaching", "ignore", "missing"}, missing) {
				t.Errorf("TreatMissingData = %v, want it chosen", missing)
			}
			for _, actions := range []string{"AlarmActions", "OKActions"} {
				if diff := cmp.Diff([]any{map[string]any{"Ref": "AlarmTopic"}}, at(tmpl, id, actions)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", actions, diff)
				}
			}
		})
	}
}

// CloudWatch takes at most a day of periods under an hour, seven days of others.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
func TestAlarmsLookBackNoFurtherThanCloudWatchDoes(t *testing.T) {
	most, _ := load(t).Get("Parameters", "NoEventsHours", "MaxValue").(int)
	tmpl := load(t).With(map[string]any{"NoEventsHours": most})
	for _, id := range tmpl.OfType(alarmType) {
		t.Run(id, func(t *testing.T) {
			n, _ := at(tmpl, id, "EvaluationPeriods").(int)
			m, limited := at(tmpl, id, "DatapointsToAlarm").(int)
			for _, period := range periods(tmpl, id) {
				limit := 86400
				if period >= 3600 {
					limit = 7 * 86400
				}
				if n < 1 || period < 60 || period%60 != 0 || n*period > limit {
					t.Errorf("%d periods of %d s, want whole minutes and at most %d s in all", n, period, limit)
				}
			}
			if limited && (m < 1 || m > n) {
				t.Errorf("%d of %d data points, want at most all", m, n)
			}
		})
	}
}

func periods(tmpl *template.Template, id string) (all []int) {
	if p, ok := at(tmpl, id, "Period").(int); ok {
		all = append(all, p)
	}
	queries, _ := at(tmpl, id, "Metrics").([]any)
	for _, q := range queries {
		query, _ := q.(map[string]any)
		if stat, is := query["MetricStat"].(map[string]any); is {
			p, _ := stat["Period"].(int)
			all = append(all, p)
		}
	}
	return all
}

// what an alarm compares, in one line.
func comparison(tmpl *template.Template, id string) string {
	get := func(name string) any { return at(tmpl, id, name) }
	operator := map[any]string{
		"GreaterThanThreshold": ">", "GreaterThanOrEqualToThreshold": ">=", "LessThanThreshold": "<",
	}[get("ComparisonOperator")]
	return fmt.Sprintf("%s %s, missing %v", operator, fmt.Sprint(get("Threshold")), get("TreatMissingData"))
}

func TestEachFaultHasItsAlarm(t *testing.T) {
	tmpl := load(t)
	tests := map[string]struct{ metric, compares string }{
		"NoEventsAlarm":               {"clerksync Verified ${IngestFunction}", "< 1, missing breaching"},
		"SecretUnreadableAlarm":       {"clerksync SecretUnreadable ${IngestFunction}", "> 0, missing ignore"},
		"DeadLettersAlarm":            {"AWS/SQS ApproximateNumberOfMessagesVisible ${DeadLetterQueue.QueueName}", "> 0, missing notBreaching"},
		"DeadAlarm":                   {"clerksync Dead ${SyncFunction}", "> 0, missing notBreaching"},
		"QueueAgeAlarm":               {"AWS/SQS ApproximateAgeOfOldestMessage ${Queue.QueueName}", "> 900, missing notBreaching"},
		"StuckAlarm":                  {"clerksync Failed ${SyncFunction}", "> 0, missing notBreaching"},
		"FailedAlarm":                 {"clerksync Failed ${SyncFunction}", "> 100, missing notBreaching"},
		"LagAlarm":                    {"clerksync Lag ${SyncFunction}", "> 600000, missing notBreaching"},
		"DeletionsAlarm":              {"clerksync Deletions ${SyncFunction}", "> 100, missing notBreaching"},
		"ServerErrorsAlarm":           {"AWS/ApiGateway 5xx ${Api}", "> 0, missing notBreaching"},
		"ClientErrorsAlarm":           {"AWS/ApiGateway Count ${Api}; AWS/ApiGateway 4xx ${Api}", "> 20, missing notBreaching"},
		"IngestErrorsAlarm":           {"AWS/Lambda Errors ${IngestFunction}", "> 0, missing notBreaching"},
		"SyncErrorsAlarm":             {"AWS/Lambda Errors ${SyncFunction}", "> 0, missing notBreaching"},
		"IngestThrottlesAlarm":        {"AWS/Lambda Throttles ${IngestFunction}", "> 0, missing notBreaching"},
		"SyncThrottlesAlarm":          {"AWS/Lambda Throttles ${SyncFunction}", "> 0, missing notBreaching"},
		"IngestDurationAlarm":         {"AWS/Lambda Duration ${IngestFunction}", "> 8000, missing notBreaching"},
		"SyncDurationAlarm":           {"AWS/Lambda Duration ${SyncFunction}", "> 48000, missing notBreaching"},
		"DirectorySystemErrorsAlarm":  {"AWS/DynamoDB SystemErrors ${DirectoryTable}", "> 0, missing notBreaching"},
		"DeliveriesSystemErrorsAlarm": {"AWS/DynamoDB SystemErrors ${DeliveriesTable}", "> 0, missing notBreaching"},
		"DirectoryThrottlesAlarm":     {"AWS/DynamoDB ThrottledRequests ${DirectoryTable}", "> 10, missing notBreaching"},
		"DeliveriesThrottlesAlarm":    {"AWS/DynamoDB ThrottledRequests ${DeliveriesTable}", "> 10, missing notBreaching"},
	}
	got := map[string]string{}
	for _, m := range alarmMetrics(t, tmpl) {
		d := m.dimensions
		line := strings.TrimSpace(m.namespace + " " + m.name + " " + d["FunctionName"] + d["QueueName"] + d["ApiId"] + d["TableName"])
		if got[m.where] != "" && !strings.HasSuffix(got[m.where], line) {
			line = got[m.where] + "; " + line
		}
		got[m.where] = line
	}
	for id, want := range tests {
		t.Run(id, func(t *testing.T) {
			if got[id] != want.metric {
				t.Errorf("%s watches %q, want %q", id, got[id], want.metric)
			}
			if c := comparison(tmpl, id); c != want.compares {
				t.Errorf("%s compares %q, want %q", id, c, want.compares)
			}
		})
	}
	if ids := tmpl.OfType(alarmType); len(ids) != len(tests) {
		t.Errorf("there are %d alarms %v, want %d", len(ids), ids, len(tests))
	}
}

// https://github.com/joemccann/radon/pull/282
func TestSilenceIsAnAlarmByDefault(t *testing.T) {
	tests := []struct {
		name   string
		params map[string]any
		want   any // hours
	}{
		{"by default a day", nil, 24},
		{"by parameter", map[string]any{"NoEventsHours": 6}, 6},
		{"off", map[string]any{"NoEventsHours": 0}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tmpl := load(t).With(tt.params)
			var hours any
			if slices.Contains(tmpl.OfType(alarmType), "NoEventsAlarm") {
				hours = at(tmpl, "NoEventsAlarm", "EvaluationPeriods")
			}
			if hours != tt.want {
				t.Errorf("alarm on silence after %v hours, want %v", hours, tt.want)
			}
			if period := at(tmpl, "NoEventsAlarm", "Period"); period != 3600 {
				t.Errorf("period = %v s, want an hour", period)
			}
		})
	}
}

func TestThresholdsFollowTheTemplate(t *testing.T) {
	tmpl := load(t).With(map[string]any{"MaxDeletionsPerHour": 7, "MaxLagMilliseconds": 9000})
	for _, tt := range []struct {
		alarm string
		want  any
	}{
		{"DeletionsAlarm", 7},
		{"LagAlarm", 9000},
		{"IngestDurationAlarm", timeout(tmpl, "IngestFunction") * 1000 * 4 / 5},
		{"SyncDurationAlarm", timeout(tmpl, "SyncFunction") * 1000 * 4 / 5},
	} {
		t.Run(tt.alarm, func(t *testing.T) {
			if got := at(tmpl, tt.alarm, "Threshold"); got != tt.want {
				t.Errorf("threshold = %v, want %v", got, tt.want)
			}
		})
	}
	if got := at(tmpl, "LagAlarm", "ExtendedStatistic"); got != "p99" {
		t.Errorf("LagAlarm's statistic = %v, want p99", got)
	}
}

func timeout(tmpl *template.Template, function string) int {
	seconds, _ := at(tmpl, function, "Timeout").(int)
	return seconds
}

// An expression that names an id which is not there, or hides its result,
// makes an alarm that never goes off.
func TestExpressionsNameTheirMetrics(t *testing.T) {
	tmpl := load(t)
	word := regexp.MustCompile(`\b[a-z][A-Za-z0-9_]*`) // functions are written in capitals
	for _, id := range tmpl.OfType(alarmType) {
		queries, _ := at(tmpl, id, "Metrics").([]any)
		if queries == nil {
			continue
		}
		t.Run(id, func(t *testing.T) {
			var ids, named, returned []string
			for _, q := range queries {
				query, _ := q.(map[string]any)
				name := sub(query["Id"])
				ids = append(ids, name)
				if text, is := query["Expression"].(string); is {
					named = append(named, word.FindAllString(text, -1)...)
				}
				if query["ReturnData"] != false {
					returned = append(returned, name)
				}
			}
			for _, name := range named {
				if !slices.Contains(ids, name) {
					t.Errorf("expression names %s, want one of %v", name, ids)
				}
			}
			if len(returned) != 1 {
				t.Errorf("returned are %v, want the one expression", returned)
			}
		})
	}
}
