package deploymenttest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// Account answers the few calls of CloudFormation, Lambda, CloudWatch and STS
// that commands make, as AWS would, from its fields. All other calls go to Rest.
type Account struct {
	Rest        http.Handler // DynamoDB, SQS and SSM
	StackStatus string
	Outputs     map[string]string // of the stack
	Parameters  map[string]string
	Mappings    []map[string]any // event source mappings of the queue
	Reserved    *int             // concurrency of ingest
	Executions  int              // concurrency of the account
	Denied      map[string]bool  // operations that the caller may not call
	samples     []sample
}

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
	a.samples = append(a.samples, sample{metric, dimensions, time.Now().Add(-ago), value})
}

// Forget drops all that was counted.
func (a *Account) Forget() { a.samples = nil }

// ServeHTTP tells the services apart by what their protocols send.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target := r.Header.Get("X-Amz-Target")
	switch {
	case target != "":
		if _, operation, _ := strings.Cut(target, "."); !a.deny(w, operation) {
			a.Rest.ServeHTTP(w, r)
		}
	case strings.HasSuffix(r.URL.Path, "/operation/GetMetricData"):
		a.getMetricData(w, r)
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
	case strings.HasSuffix(r.URL.Path, "/account-settings"):
		answerJSON(w, map[string]any{"AccountLimit": map[string]any{"ConcurrentExecutions": a.Executions}})
	default:
		a.query(w, r)
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
	refuse := func(code, message string) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>`,
			code, message)
	}
	if err := r.ParseForm(); err != nil {
		refuse("MalformedQueryString", err.Error())
		return
	}
	action, stack := r.Form.Get("Action"), r.Form.Get("StackName")
	var result string
	switch {
	case a.Denied[action]:
		refuse("InvalidClientTokenId", "The security token included in the request is invalid")
		return
	case action == "GetCallerIdentity":
		result = `<Arn>arn:aws:iam::000000000000:user/ada</Arn><Account>000000000000</Account>`
	case action == "DescribeStacks" && stack != StackName:
		refuse("ValidationError", "Stack with id "+stack+" does not exist")
		return
	case action == "DescribeStacks":
		result = `<Stacks><member><StackName>` + StackName + `</StackName>` +
			`<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>` + a.StackStatus + `</StackStatus>` +
			listXML("Parameters", "Parameter", a.Parameters) + listXML("Outputs", "Output", a.Outputs) +
			`</member></Stacks>`
	case action == "DescribeStackResource":
		name := map[string]string{
			"IngestFunction": IngestFunction, "SyncFunction": SyncFunction,
		}[r.Form.Get("LogicalResourceId")]
		result = `<StackResourceDetail><PhysicalResourceId>` + name + `</PhysicalResourceId></StackResourceDetail>`
	default:
		refuse("InvalidAction", "no such action: "+action)
		return
	}
	fmt.Fprintf(w, `<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>`, action, result)
}

// listXML is a list of keys and values as CloudFormation writes it.
func listXML(list, item string, in map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(in)) {
		fmt.Fprintf(&b, `<member><%[1]sKey>%[2]s</%[1]sKey><%[1]sValue>%[3]s</%[1]sValue></member>`, item, k, in[k])
	}
	return "<" + list + ">" + b.String() + "</" + list + ">"
}

// getMetricData answers in Smithy's RPC protocol with CBOR, which CloudWatch
// speaks.
func (a *Account) getMetricData(w http.ResponseWriter, r *http.Request) {
	answer := func(status int, v cbor.Map) {
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("Content-Type", "application/cbor")
		w.WriteHeader(status)
		_, _ = w.Write(cbor.Encode(v)) // the client is gone if this fails
	}
	if a.Denied["GetMetricData"] {
		answer(http.StatusForbidden, cbor.Map{"__type": cbor.String("AccessDenied"), "message": cbor.String("no")})
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	v, err := cbor.Decode(body)
	in, isMap := v.(cbor.Map)
	if err != nil || !isMap {
		http.Error(w, "the request is not a map in CBOR", http.StatusBadRequest)
		return
	}
	from, _ := cbor.AsTime(in["StartTime"])
	to, _ := cbor.AsTime(in["EndTime"])
	results := cbor.List{}
	for _, q := range in["MetricDataQueries"].(cbor.List) { //nolint:forcetypeassert // what the SDK sends
		results = append(results, a.evaluate(q.(cbor.Map), from, to)) //nolint:forcetypeassert // what the SDK sends
	}
	answer(http.StatusOK, cbor.Map{"MetricDataResults": results})
}

// evaluate answers one query: the sum or the maximum of each period that has
// samples, the newest first.
//
//nolint:forcetypeassert // the query has the form in which the SDK sends it
func (a *Account) evaluate(q cbor.Map, from, to time.Time) cbor.Map {
	stat := q["MetricStat"].(cbor.Map)
	metric := stat["Metric"].(cbor.Map)
	seconds, _ := cbor.AsInt64(stat["Period"])
	var dimensions []string
	for _, d := range metric["Dimensions"].(cbor.List) {
		d := d.(cbor.Map)
		dimensions = append(dimensions, string(d["Name"].(cbor.String))+"="+string(d["Value"].(cbor.String)))
	}
	slices.Sort(dimensions)
	name := string(metric["Namespace"].(cbor.String)) + "/" + string(metric["MetricName"].(cbor.String))
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
