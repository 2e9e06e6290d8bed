package template_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/test/template"
)

// metric is one that an alarm or a widget names. Values of dimensions are as
// Fn::Sub would name them: ${Queue.QueueName}.
type metric struct {
	where, namespace, name string
	dimensions             map[string]string
}

// sub is a text with its references in Fn::Sub's form: of a text, a Ref, an
// Fn::GetAtt or an Fn::Sub, whose own variables are filled in.
func sub(value any) string {
	call, ok := value.(map[string]any)
	if !ok {
		return fmt.Sprint(value)
	}
	switch {
	case call["Ref"] != nil:
		return "${" + sub(call["Ref"]) + "}"
	case call["Fn::GetAtt"] != nil:
		return "${" + strings.Join(list(call["Fn::GetAtt"]), ".") + "}"
	}
	args, ok := call["Fn::Sub"].([]any)
	if !ok {
		return sub(call["Fn::Sub"])
	}
	text := sub(args[0])
	variables, _ := args[1].(map[string]any)
	for name, v := range variables {
		text = strings.ReplaceAll(text, "${"+name+"}", sub(v))
	}
	return text
}

// metricOf reads Namespace, MetricName and Dimensions.
func metricOf(where string, fields map[string]any) metric {
	m := metric{where: where, namespace: sub(fields["Namespace"]), name: sub(fields["MetricName"]), dimensions: map[string]string{}}
	dimensions, _ := fields["Dimensions"].([]any)
	for _, d := range dimensions {
		pair, _ := d.(map[string]any)
		m.dimensions[sub(pair["Name"])] = sub(pair["Value"])
	}
	return m
}

// alarmMetrics are those of all alarms.
func alarmMetrics(t *testing.T, tmpl *template.Template) (all []metric) {
	t.Helper()
	for _, id := range tmpl.OfType("AWS::CloudWatch::Alarm") {
		fields, _ := at(tmpl, id).(map[string]any)
		if fields["MetricName"] != nil {
			all = append(all, metricOf(id, fields))
		}
		queries, _ := fields["Metrics"].([]any)
		for _, q := range queries {
			query, _ := q.(map[string]any)
			if stat, is := query["MetricStat"].(map[string]any); is {
				inner, _ := stat["Metric"].(map[string]any)
				all = append(all, metricOf(id, inner))
			}
		}
	}
	return all
}

// published are the metrics of AWS's services that are used here, with the
// dimensions by which CloudWatch has them: a name or a dimension that is not
// on these pages makes an alarm that never goes off.
//
//	https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
//	https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
//	https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
//	https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
func published() map[string][]string {
	return map[string][]string{
		"AWS/ApiGateway ApiId":             {"4xx", "5xx", "Count", "DataProcessed", "IntegrationLatency", "Latency"},
		"AWS/SQS QueueName":                {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesVisible"},
		"AWS/Lambda FunctionName":          {"Duration", "Errors", "Invocations", "Throttles"},
		"AWS/DynamoDB TableName":           {"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "WriteThrottleEvents"},
		"AWS/DynamoDB Operation,TableName": {"SystemErrors", "ThrottledRequests"},
	}
}

// things are what each dimension may name.
func things() map[string][]string {
	return map[string][]string{
		"ApiId":        {"${Api}"},
		"QueueName":    {"${Queue.QueueName}", "${DeadLetterQueue.QueueName}"},
		"FunctionName": {"${IngestFunction}", "${SyncFunction}"},
		"TableName":    {"${DirectoryTable}", "${DeliveriesTable}"},
	}
}

func TestEveryMetricIsOneThatIsPublished(t *testing.T) {
	tmpl := load(t)
	ours := map[string]map[string][]string{}
	var reasons []string
	ours["${IngestFunction}"], reasons = ingestEmits(t).metrics(t)
	ours["${SyncFunction}"], _ = syncEmits(t).metrics(t)
	all := append(alarmMetrics(t, tmpl), dashboardMetrics(t, tmpl)...)
	if len(all) < 60 {
		t.Fatalf("alarms and dashboard name %d metrics, want over 60: does the test still find them?", len(all))
	}
	for _, m := range all {
		t.Run(m.where+" "+m.name, func(t *testing.T) {
			for name, value := range m.dimensions {
				if known := things()[name]; known != nil && !slices.Contains(known, value) {
					t.Errorf("%s = %s, want one of %v", name, value, known)
				}
			}
			key := m.namespace + " " + strings.Join(slices.Sorted(maps.Keys(m.dimensions)), ",")
			names := published()[key]
			if m.namespace == lambdafn.Namespace {
				names = ours[m.dimensions[lambdafn.DimensionFunction]][key]
				if r, has := m.dimensions[lambdafn.DimensionReason]; has && !slices.Contains(reasons, r) {
					t.Errorf("Reason = %s, want one of %v", r, reasons)
				}
			}
			if !slices.Contains(names, m.name) {
				t.Errorf("metric %s %s of %v, want one of %v", key, m.name, m.dimensions, names)
			}
		})
	}
}

// Every metric that the functions write is shown somewhere, or nobody would
// look at it.
func TestEveryMetricOfOursIsUsed(t *testing.T) {
	tmpl := load(t)
	used := map[string]bool{}
	for _, m := range append(alarmMetrics(t, tmpl), dashboardMetrics(t, tmpl)...) {
		used[m.name] = true
	}
	// Received is the API's Count; BatchSize is for whoever tunes the mapping.
	for _, name := range []string{
		lambdafn.MetricVerified, lambdafn.MetricQueued, lambdafn.MetricIgnored, lambdafn.MetricRejected, lambdafn.MetricSecretUnreadable,
		lambdafn.MetricApplied, lambdafn.MetricStale, lambdafn.MetricDuplicate, lambdafn.MetricFailed, lambdafn.MetricDead,
		lambdafn.MetricDeletions, lambdafn.MetricLag, lambdafn.MetricTableRequests, lambdafn.MetricColdStart,
	} {
		if !used[name] {
			t.Errorf("%s is in no alarm and on no widget", name)
		}
	}
}

// DynamoDB publishes errors by operation: the alarms name those that the code calls.
func TestAlarmsKnowTheOperationsOfTheCode(t *testing.T) {
	tmpl := load(t)
	files, err := filepath.Glob(filepath.Join(root, "pkg/dynamo/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	called := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`t\.client\.(\w+)\(ctx`).FindAllStringSubmatch(string(text), -1) {
			called[m[1]] = true
		}
	}
	want := map[string][]string{
		"${DirectoryTable}":  slices.Sorted(maps.Keys(called)),
		"${DeliveriesTable}": {"PutItem", "TransactWriteItems"}, // it is never read
	}
	got := map[string]map[string][]string{}
	for _, m := range alarmMetrics(t, tmpl) {
		if m.namespace == "AWS/DynamoDB" {
			if got[m.name] == nil {
				got[m.name] = map[string][]string{}
			}
			table := m.dimensions["TableName"]
			got[m.name][table] = append(got[m.name][table], m.dimensions["Operation"])
		}
	}
	for _, name := range []string{"SystemErrors", "ThrottledRequests"} {
		for table, operations := range want {
			slices.Sort(got[name][table])
			if !slices.Equal(got[name][table], operations) {
				t.Errorf("alarms on %s of %s watch %v, want %v", name, table, got[name][table], operations)
			}
		}
	}
}
