package template_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clerksync/clerksync/test/template"
)

const alarmType = "AWS::CloudWatch::Alarm"

// Whoever an alarm wakes up reads what it means, the first step, and where the runbook goes on.
func TestEachAlarmSaysWhatItMeansAndTheFirstStep(t *testing.T) {
	tmpl, runbook := load(t, probing()), readFile(t, "docs/operations.md")
	sections := anchors(runbook)
	link := regexp.MustCompile(`[.?] docs/operations\.md#([a-z0-9-]+)$`)
	for _, id := range tmpl.OfType(alarmType) {
		t.Run(id, func(t *testing.T) {
			if !strings.HasSuffix(id, "Alarm") {
				t.Errorf("logical id %s, want ...Alarm", id)
			}
			text, _ := property(tmpl, id+".AlarmDescription").(string)
			meaning, step, _ := strings.Cut(text, "First step: ")
			// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
			if len(meaning) < 40 || len(step) < 20 || len(text) > 1024 {
				t.Errorf("description = %q, want its meaning, its first step, and at most 1024 characters", text)
			}
			if m := link.FindStringSubmatch(text); m == nil || !slices.Contains(sections, m[1]) {
				t.Errorf("description = %q, want a section of docs/operations.md at its end, one of %v", text, sections)
			}
			name, ofStack := strings.CutPrefix(asSub(property(tmpl, id+".AlarmName")), "${AWS::StackName}-")
			if !ofStack || !strings.Contains(runbook, "`"+name+"`") {
				t.Errorf("name = %s, want the stack's before it, and the rest in docs/operations.md", name)
			}
			missing := property(tmpl, id+".TreatMissingData")
			if !slices.Contains([]any{"breaching", "notBreaching", "ignore", "missing"}, missing) {
				t.Errorf("TreatMissingData = %v, want it chosen", missing)
			}
		})
	}
}

// CloudWatch takes at most a day of periods under an hour, seven days of longer ones.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
func TestAlarmsLookBackNoFurtherThanCloudWatchDoes(t *testing.T) {
	most, _ := load(t).Get("Parameters", "NoEventsHours", "MaxValue").(int)
	tmpl := load(t, params{"NoEventsHours": most}, probing())
	for _, id := range tmpl.OfType(alarmType) {
		n, _ := property(tmpl, id+".EvaluationPeriods").(int)
		for _, period := range periods(tmpl, id) {
			limit := 86400
			if period >= 3600 {
				limit = 7 * 86400
			}
			if n < 1 || period < 60 || period%60 != 0 || n*period > limit {
				t.Errorf("%s: %d periods of %d s, want whole minutes and at most %d s in all", id, n, period, limit)
			}
		}
		if m, limited := property(tmpl, id+".DatapointsToAlarm").(int); limited && (m < 1 || m > n) {
			t.Errorf("%s: %d of %d data points, want at most all", id, m, n)
		}
	}
}

func periods(tmpl *template.Template, id string) (all []int) {
	if p, ok := property(tmpl, id+".Period").(int); ok {
		all = append(all, p)
	}
	for _, query := range asMaps(property(tmpl, id+".Metrics")) {
		if stat := asMap(query["MetricStat"]); stat != nil {
			p, _ := stat["Period"].(int)
			all = append(all, p)
		}
	}
	return all
}

// Each fault has its alarm, over this metric, this threshold and this treatment of silence.
func TestEachFaultHasItsAlarm(t *testing.T) {
	want := map[string]string{ // missing data does not breach, where nothing else is said
		"NoEventsAlarm":         "clerksync Verified ${IngestFunction} < 1, missing breaching",
		"SecretUnreadableAlarm": "clerksync SecretUnreadable ${IngestFunction} > 0, missing ignore",
		"DeadLettersAlarm":      "AWS/SQS ApproximateNumberOfMessagesVisible ${DeadLetterQueue.QueueName} > 0",
		"DeadAlarm":             "clerksync Dead ${SyncFunction} > 0",
		"QueueAgeAlarm":         "AWS/SQS ApproximateAgeOfOldestMessage ${Queue.QueueName} > 900",
		"StuckAlarm":            "clerksync Failed ${SyncFunction} > 0",
		"FailedAlarm":           "clerksync Failed ${SyncFunction} > 100",
		"LagAlarm":              "clerksync Lag ${SyncFunction} > 600000",
		"DeletionsAlarm":        "clerksync Deletions ${SyncFunction} > 100",
		"ServerErrorsAlarm":     "AWS/ApiGateway 5xx ${Api} > 0",
		"ClientErrorsAlarm":     "AWS/ApiGateway Count ${Api}; AWS/ApiGateway 4xx ${Api} > 20",
		"IngestErrorsAlarm":     "AWS/Lambda Errors ${IngestFunction} > 0",
		"SyncErrorsAlarm":       "AWS/Lambda Errors ${SyncFunction} > 0",
		"IngestThrottlesAlarm":  "AWS/Lambda Throttles ${IngestFunction} > 0",
		"SyncThrottlesAlarm":    "AWS/Lambda Throttles ${SyncFunction} > 0",
		"IngestDurationAlarm":   "AWS/Lambda Duration ${IngestFunction} > 8000",
		"SyncDurationAlarm":     "AWS/Lambda Duration ${SyncFunction} > 48000",
		"TableErrorsAlarm":      "clerksync TableErrors ${SyncFunction} > 10",
		"TableThrottlesAlarm":   "clerksync TableThrottles ${SyncFunction} > 10",
		"ProbeMissingAlarm":     "clerksync ProbeMissing ${ProbeFunction} > 0, missing ignore",
		"ProbeFailedAlarm":      "clerksync ProbeFailed ${ProbeFunction} > 0, missing breaching",
	}
	tmpl := load(t, probing())
	watched := map[string][]string{} // by alarm, each metric once whatever the operation
	for _, m := range alarmMetrics(tmpl) {
		if line := m.String(); !slices.Contains(watched[m.where], line) {
			watched[m.where] = append(watched[m.where], line)
		}
	}
	got := map[string]string{}
	operators := map[any]string{
		"GreaterThanThreshold": ">", "GreaterThanOrEqualToThreshold": ">=", "LessThanThreshold": "<",
	}
	for _, id := range tmpl.OfType(alarmType) {
		a := asMap(property(tmpl, id))
		got[id] = fmt.Sprintf("%s %s %v, missing %v", strings.Join(watched[id], "; "),
			operators[a["ComparisonOperator"]], a["Threshold"], a["TreatMissingData"])
		got[id] = strings.TrimSuffix(got[id], ", missing notBreaching")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alarms (-want +got):\n%s", diff)
	}
}

// A day without an event is an alarm, for a broken endpoint looks like a quiet one.
// https://github.com/joemccann/radon/pull/282
func TestSilenceIsAnAlarmByDefault(t *testing.T) {
	for name, c := range map[string]struct {
		params params
		want   any // hours
	}{
		"by default almost a day": {want: 22},
		"by parameter":            {params: params{"NoEventsHours": 6}, want: 6},
		"off":                     {params: params{"NoEventsHours": 0}},
	} {
		tmpl := load(t, c.params)
		var hours any
		if slices.Contains(tmpl.OfType(alarmType), "NoEventsAlarm") {
			hours = property(tmpl, "NoEventsAlarm.EvaluationPeriods")
		}
		if period := property(tmpl, "NoEventsAlarm.Period"); hours != c.want || period != 3600 {
			t.Errorf("%s: alarm after %v periods of %v s without an event, want %v hours", name, hours, period, c.want)
		}
	}
}

// CloudWatch looks back up to three periods further than the alarm says, and Svix gives up a message 27 h 35 min after
// its first attempt: between the two there must be time to mend the endpoint.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
// https://docs.svix.com/retries
func TestSilenceIsReportedWhileSvixStillRetries(t *testing.T) {
	hours, _ := property(load(t), "NoEventsAlarm.EvaluationPeriods").(int)
	atTheLatest := time.Duration(hours+3) * time.Hour
	if lastAttempt := 27*time.Hour + 35*time.Minute; hours == 0 || lastAttempt-atTheLatest < 2*time.Hour {
		t.Errorf("the alarm goes off after up to %v, want two hours before Svix's last attempt at %v",
			atTheLatest, lastAttempt)
	}
}

// An alarm on the duration must go off before the function is killed at its timeout, whatever the timeout is.
func TestThresholdsFollowTheTemplate(t *testing.T) {
	tmpl := load(t, params{"MaxDeletionsPerHour": 7, "MaxLagMilliseconds": 9000})
	fourFifths := func(function string) int { // of the timeout, in milliseconds
		seconds, _ := property(tmpl, function+".Timeout").(int)
		return seconds * 1000 * 4 / 5
	}
	for path, want := range map[string]any{
		"DeletionsAlarm.Threshold":      7,
		"LagAlarm.Threshold":            9000,
		"LagAlarm.ExtendedStatistic":    "p99",
		"IngestDurationAlarm.Threshold": fourFifths("IngestFunction"),
		"SyncDurationAlarm.Threshold":   fourFifths("SyncFunction"),
	} {
		if got := property(tmpl, path); got != want {
			t.Errorf("%s = %v, want %v", path, got, want)
		}
	}
}

// An expression that names an id which does not exist, or does not return its result, makes an alarm that never goes
// off.
func TestExpressionsNameTheirMetrics(t *testing.T) {
	tmpl := load(t)
	word := regexp.MustCompile(`\b[a-z][A-Za-z0-9_]*`) // functions are written in capitals
	for _, id := range tmpl.OfType(alarmType) {
		queries := asMaps(property(tmpl, id+".Metrics"))
		if queries == nil {
			continue
		}
		var ids, named, returned []string
		for _, query := range queries {
			ids = append(ids, asSub(query["Id"]))
			if text, is := query["Expression"].(string); is {
				named = append(named, word.FindAllString(text, -1)...)
			}
			if query["ReturnData"] != false {
				returned = append(returned, asSub(query["Id"]))
			}
		}
		for _, name := range named {
			if !slices.Contains(ids, name) {
				t.Errorf("%s: expression names %s, want one of %v", id, name, ids)
			}
		}
		if len(returned) != 1 {
			t.Errorf("%s: returns %v, want the one expression", id, returned)
		}
	}
}
