package template_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/clerksync/clerksync/pkg/lambdafn"
	"github.com/clerksync/clerksync/test/template"
)

// metric is one that an alarm or a widget names. Values of dimensions are as Fn::Sub would name them:
// ${Queue.QueueName}.
type metric struct {
	where, namespace, name string
	dimensions             map[string]string
}

// String names the metric and the one resource that it is about.
func (m metric) String() string {
	d := m.dimensions
	return m.namespace + " " + m.name + " " + d["FunctionName"] + d["QueueName"] + d["ApiId"] + d["TableName"]
}

// alarmMetrics are those of all alarms.
func alarmMetrics(tmpl *template.Template) (all []metric) {
	add := func(id string, fields map[string]any) {
		m := metric{
			where: id, namespace: asSub(fields["Namespace"]), name: asSub(fields["MetricName"]),
			dimensions: map[string]string{},
		}
		for _, d := range asMaps(fields["Dimensions"]) {
			m.dimensions[asSub(d["Name"])] = asSub(d["Value"])
		}
		all = append(all, m)
	}
	for _, id := range tmpl.OfType(alarmType) {
		if fields := asMap(property(tmpl, id)); fields["MetricName"] != nil {
			add(id, fields)
		}
		for _, query := range asMaps(property(tmpl, id+".Metrics")) {
			if stat := asMap(query["MetricStat"]); stat != nil {
				add(id, asMap(stat["Metric"]))
			}
		}
	}
	return all
}

// published are the metrics of AWS's services that are used here, with the dimensions by which CloudWatch has them: a
// name or a dimension that does not stand on these pages makes an alarm that never goes off.
//
//	https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
//	https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
//	https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
//	https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
func published() map[string][]string {
	return map[string][]string{
		"AWS/ApiGateway ApiId": {"4xx", "5xx", "Count", "DataProcessed", "IntegrationLatency", "Latency"},
		"AWS/SQS QueueName": {
			"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesNotVisible",
			"ApproximateNumberOfMessagesVisible",
		},
		"AWS/Lambda FunctionName": {"Duration", "Errors", "Invocations", "Throttles"},
		"AWS/DynamoDB TableName": {
			"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "WriteThrottleEvents",
		},
	}
}

// Whatever an alarm or a widget names is published by AWS or written by the functions.
func TestEveryMetricIsPublished(t *testing.T) {
	resources := map[string][]string{ // by dimension
		"ApiId":        {"${Api}"},
		"QueueName":    {"${Queue.QueueName}", "${DeadLetterQueue.QueueName}"},
		"FunctionName": {"${IngestFunction}", "${SyncFunction}", "${ProbeFunction}"},
		"TableName":    {"${DirectoryTable}", "${DeliveriesTable}"},
	}
	ours := map[string]map[string][]string{}
	var reasons []string
	ours["${IngestFunction}"], reasons = emittedByIngest(t).metrics(t)
	ours["${SyncFunction}"], _ = emittedBySync(t).metrics(t)
	ours["${ProbeFunction}"], _ = emittedByProbe(t).metrics(t)
	tmpl := load(t, probing())
	all := append(alarmMetrics(tmpl), dashboardMetrics(t, tmpl)...)
	if len(all) < 60 {
		t.Fatalf("alarms and dashboard name %d metrics, want over 60: does the test still find them?", len(all))
	}
	for _, m := range all {
		for name, value := range m.dimensions {
			if known := resources[name]; known != nil && !slices.Contains(known, value) {
				t.Errorf("%s: %s = %s, want one of %v", m.where, name, value, known)
			}
		}
		key := m.namespace + " " + strings.Join(slices.Sorted(maps.Keys(m.dimensions)), ",")
		names := published()[key]
		if m.namespace == lambdafn.Namespace {
			names = ours[m.dimensions[lambdafn.DimensionFunction]][key]
			if r, has := m.dimensions[lambdafn.DimensionReason]; has && !slices.Contains(reasons, r) {
				t.Errorf("%s: Reason = %s, want one of %v", m.where, r, reasons)
			}
		}
		if !slices.Contains(names, m.name) {
			t.Errorf("%s: metric %s %s of %v, want one of %v", m.where, key, m.name, m.dimensions, names)
		}
	}
}

// Every metric that the functions write is shown, or it would be written in vain. Received is shown as the API's Count;
// BatchSize is for those who tune the mapping.
func TestEveryMetricOfOursIsUsed(t *testing.T) {
	tmpl := load(t, probing())
	used := map[string]bool{}
	for _, m := range append(alarmMetrics(tmpl), dashboardMetrics(t, tmpl)...) {
		used[m.name] = true
	}
	for _, name := range []string{
		lambdafn.MetricVerified, lambdafn.MetricQueued, lambdafn.MetricIgnored, lambdafn.MetricRejected,
		lambdafn.MetricSecretUnreadable, lambdafn.MetricApplied, lambdafn.MetricStale, lambdafn.MetricDuplicate,
		lambdafn.MetricFailed, lambdafn.MetricDead, lambdafn.MetricDeletions, lambdafn.MetricLag,
		lambdafn.MetricTableRequests, lambdafn.MetricTableThrottles, lambdafn.MetricTableErrors,
		lambdafn.MetricColdStart, lambdafn.MetricProbeChecked, lambdafn.MetricProbeMissing, lambdafn.MetricProbeFailed,
		lambdafn.MetricProbeAge,
	} {
		if !used[name] {
			t.Errorf("%s is in no alarm and on no widget", name)
		}
	}
}

// An alarm is billed by the metrics that it watches, and DynamoDB publishes its own by table and operation: the
// alarms on the tables watch what sync counts, whatever operations it learns. And CloudWatch leaves an alarm on
// AWS/DynamoDB as it is while data are missing, whatever TreatMissingData says: as DynamoDB sends its errors and
// throttles only while they are not zero, such an alarm would never end by itself.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
func TestNoAlarmWatchesDynamoDBsOwnMetrics(t *testing.T) {
	for _, m := range alarmMetrics(load(t)) {
		if m.namespace == "AWS/DynamoDB" {
			t.Errorf("%s watches %s, want a metric of sync", m.where, m)
		}
	}
}
