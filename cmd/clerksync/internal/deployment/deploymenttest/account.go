package deploymenttest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// Account answers the few calls of CloudFormation, Lambda, CloudWatch and STS
// that commands make, as AWS would, from its fields. All other calls go to Rest.
type Account struct {
	Now         func() time.Time // by which Count counts back
	Rest        http.Handler     // DynamoDB, SQS and SSM
	StackStatus string
	Outputs     map[string]string // of the stack
	Parameters  map[string]string
	Mappings    []map[string]any // event source mappings of the queue
	Reserved    *int             // concurrency of ingest
	Executions  int              // concurrency of the account
	// Environment is the variables of the sync function, IngestEnvironment those of
	// the ingest function.
	Environment, IngestEnvironment map[string]string
	Denied                         map[string]bool   // operations that the caller may not call
	Alarms                         map[string]string // states by name
	Filtered                       atomic.Int64      // requests to FilterLogEvents
	samples                        []sample

	mu  sync.Mutex // held for what a test adds while the stack is looked at
	log []logEvent
}

// LogGroup is the log group of a function.
func LogGroup(function string) string { return "/aws/lambda/" + function }

// sample is what was counted at a time.
type sample struct {
	metric     string // namespace/name
	dimensions string // name=value, sorted, with commas between
	at         time.Time
	value      float64
}

// Count adds what a function counted some time ago, perhaps with a reason.
func (a *Account) Count(metric, function string, ago time.Duration, value float64, reason ...string) {
	dimensions := "FunctionName=" + function
	if len(reason) > 0 {
		dimensions += ",Reason=" + reason[0]
	}
	a.add("clerksync/"+metric, dimensions, ago, value)
}

// SetQueueAge says how old the oldest message on the queue was a minute ago.
func (a *Account) SetQueueAge(age time.Duration) {
	a.add("AWS/SQS/ApproximateAgeOfOldestMessage", "QueueName=clerksync-deliveries", time.Minute, age.Seconds())
}

func (a *Account) add(metric, dimensions string, ago time.Duration, value float64) {
	a.samples = append(a.samples, sample{metric, dimensions, a.Now().Add(-ago), value})
}

// Forget drops all that was counted.
func (a *Account) Forget() { a.samples = nil }

// ServeHTTP tells the services apart by what their protocols send.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target := r.Header.Get("X-Amz-Target")
	switch {
	case strings.HasSuffix(target, ".FilterLogEvents"):
		if !a.deny(w, "FilterLogEvents") {
			a.filterLogEvents(w, r)
		}
	case target != "":
		if _, operation, _ := strings.Cut(target, "."); !a.deny(w, operation) {
			a.Rest.ServeHTTP(w, r)
		}
	case strings.HasSuffix(r.URL.Path, "/operation/GetMetricData"):
		a.getMetricData(w, r)
	case strings.HasSuffix(r.URL.Path, "/operation/DescribeAlarms"):
		a.describeAlarms(w)
	case strings.HasSuffix(r.URL.Path, "/event-source-mappings"):
		if !a.deny(w, "ListEventSourceMappings") {
			answerJSON(w, map[string]any{"EventSourceMappings": a.Mappings})
		}
	case strings.HasSuffix(r.URL.Path, "/concurrency"):
		out := map[string]any{}
		if a.Reserved != nil {
			out["ReservedConcurrentExecutions"] = *a.Reserved
		}
		answerJSON(w, out)
	case strings.HasSuffix(r.URL.Path, "/functions/"+SyncFunction+"/configuration"):
		a.getConfiguration(w, a.Environment)
	case strings.HasSuffix(r.URL.Path, "/functions/"+IngestFunction+"/configuration"):
		a.getConfiguration(w, a.IngestEnvironment)
	case strings.HasSuffix(r.URL.Path, "/account-settings"):
		answerJSON(w, map[string]any{"AccountLimit": map[string]any{"ConcurrentExecutions": a.Executions}})
	default:
		a.query(w, r)
	}
}

func (a *Account) getConfiguration(w http.ResponseWriter, variables map[string]string) {
	if !a.deny(w, "GetFunctionConfiguration") {
		answerJSON(w, map[string]any{"Environment": map[string]any{"Variables": variables}})
	}
}

func answerJSON(w io.Writer, v any) { _ = json.NewEncoder(w).Encode(v) } // the client is gone if this fails

// deny refuses an operation that is denied, as the JSON protocols do, and says
// whether it did.
func (a *Account) deny(w http.ResponseWriter, operation string) bool {
	if !a.Denied[operation] {
		return false
	}
	w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
	w.WriteHeader(http.StatusForbidden)
	answerJSON(w, map[string]string{
		"__type": "AccessDeniedException", "Message": "not authorized to perform " + operation,
	})
	return true
}

// query answers in AWS's Query protocol, which CloudFormation and STS speak.
func (a *Account) query(w http.ResponseWriter, r *http.Request) {
	action, stack := r.FormValue("Action"), r.FormValue("StackName")
	code, result := "", ""
	switch {
	case a.Denied[action]:
		code = "AccessDenied"
	case action == "GetCallerIdentity":
		result = `<Arn>arn:aws:iam::000000000000:user/ada</Arn><Account>000000000000</Account>`
	case action == "DescribeStacks" && stack == StackName:
		result = `<Stacks><member><StackName>` + StackName + `</StackName>` +
			`<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>` + a.StackStatus + `</StackStatus>` +
			listXML("Parameter", a.Parameters) + listXML("Output", a.Outputs) + `</member></Stacks>`
	case action == "DescribeStackResource":
		name := map[string]string{
			"IngestFunction": IngestFunction, "SyncFunction": SyncFunction, "ProbeFunction": ProbeFunction,
			"IngestLogGroup": LogGroup(IngestFunction), "SyncLogGroup": LogGroup(SyncFunction),
		}
		result = `<StackResourceDetail><PhysicalResourceId>` + name[r.FormValue("LogicalResourceId")] +
			`</PhysicalResourceId></StackResourceDetail>`
	default:
		code = "ValidationError"
	}
	if code != "" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `<ErrorResponse><Error><Code>%s</Code><Message>refused</Message></Error></ErrorResponse>`, code)
		return
	}
	fmt.Fprintf(w, `<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>`, action, result)
}

// listXML is a list of keys and values as CloudFormation writes it.
func listXML(item string, in map[string]string) string {
	var b strings.Builder
	for k, v := range in {
		fmt.Fprintf(&b, `<member><%[1]sKey>%[2]s</%[1]sKey><%[1]sValue>%[3]s</%[1]sValue></member>`, item, k, v)
	}
	return fmt.Sprintf(`<%[1]ss>%[2]s</%[1]ss>`, item, b.String())
}

// getMetricData answers in Smithy's RPC protocol with CBOR, which CloudWatch
// speaks. The request has the form in which the SDK sends it.
//
//nolint:forcetypeassert // another form is a fault of the test
func (a *Account) getMetricData(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	v, _ := cbor.Decode(body)
	in := v.(cbor.Map)
	from, _ := cbor.AsTime(in["StartTime"])
	to, _ := cbor.AsTime(in["EndTime"])
	results := cbor.List{}
	for _, q := range in["MetricDataQueries"].(cbor.List) {
		results = append(results, a.evaluate(q.(cbor.Map), from, to))
	}
	a.answerCBOR(w, "GetMetricData", cbor.Map{"MetricDataResults": results})
}

func (a *Account) answerCBOR(w http.ResponseWriter, operation string, answer cbor.Map) {
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	if a.Denied[operation] {
		w.WriteHeader(http.StatusForbidden)
		answer = cbor.Map{"__type": cbor.String("AccessDenied"), "message": cbor.String("no")}
	}
	_, _ = w.Write(cbor.Encode(answer)) // the client is gone if this fails
}

// evaluate answers one query: the sum or the maximum of each period that has
// samples, the newest first.
//
//nolint:forcetypeassert // as above
func (a *Account) evaluate(q cbor.Map, from, to time.Time) cbor.Map {
	stat := q["MetricStat"].(cbor.Map)
	metric := stat["Metric"].(cbor.Map)
	seconds, _ := cbor.AsInt64(stat["Period"])
	var dimensions []string
	for _, d := range metric["Dimensions"].(cbor.List) {
		name, value := d.(cbor.Map)["Name"].(cbor.String), d.(cbor.Map)["Value"].(cbor.String)
		dimensions = append(dimensions, string(name+"="+value))
	}
	slices.Sort(dimensions)
	name := string(metric["Namespace"].(cbor.String) + "/" + metric["MetricName"].(cbor.String))
	periods := map[time.Time]float64{}
	for _, s := range a.samples {
		if s.metric != name || s.dimensions != strings.Join(dimensions, ",") || s.at.Before(from) || !s.at.Before(to) {
			continue
		}
		at := s.at.Truncate(time.Duration(seconds) * time.Second)
		if stat["Stat"].(cbor.String) == "Sum" {
			periods[at] += s.value
		} else {
			periods[at] = max(periods[at], s.value)
		}
	}
	times, values := cbor.List{}, cbor.List{}
	for _, at := range slices.SortedFunc(maps.Keys(periods), func(a, b time.Time) int { return b.Compare(a) }) {
		times = append(times, &cbor.Tag{ID: 1, Value: cbor.Float64(float64(at.Unix()))})
		values = append(values, cbor.Float64(periods[at]))
	}
	return cbor.Map{"Id": q["Id"], "Timestamps": times, "Values": values, "StatusCode": cbor.String("Complete")}
}
