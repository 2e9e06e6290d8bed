package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// account speaks the few calls of CloudFormation, Lambda, CloudWatch and STS
// that status and doctor make; the rest goes to the embedded servers.
type account struct {
	rest        http.Handler
	stackStatus string
	outputs     map[string]string
	parameters  map[string]string
	mappings    []map[string]any
	reserved    *int // of ingest
	executions  int  // of the account
	samples     []sample
	denied      map[string]bool // operations that are refused
}

// sample is what a function counted at a time.
type sample struct {
	metric, dimensions string // Function=..., sorted, by comma
	at                 time.Time
	value              float64
}

// deny refuses as AWS does in this protocol; it says whether it did.
func (a *account) deny(w http.ResponseWriter, operation string) bool {
	if !a.denied[operation] {
		return false
	}
	w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
	w.WriteHeader(http.StatusForbidden)
	fmt.Fprintf(w, `{"__type":"AccessDeniedException","Message":"not authorized to perform %s"}`, operation)
	return true
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target := r.Header.Get("X-Amz-Target")
	switch {
	case target != "":
		if _, operation, _ := strings.Cut(target, "."); !a.deny(w, operation) {
			a.rest.ServeHTTP(w, r)
		}
	case strings.HasSuffix(r.URL.Path, "/operation/GetMetricData"):
		if !a.denied["GetMetricData"] {
			a.metrics(w, r)
			return
		}
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("Content-Type", "application/cbor")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write(cbor.Encode(cbor.Map{"__type": cbor.String("AccessDenied"), "message": cbor.String("no")}))
	case strings.HasSuffix(r.URL.Path, "/event-source-mappings"):
		if !a.deny(w, "ListEventSourceMappings") {
			answerJSON(w, map[string]any{"EventSourceMappings": a.mappings})
		}
	case strings.HasSuffix(r.URL.Path, "/concurrency"):
		out := map[string]any{}
		if a.reserved != nil {
			out["ReservedConcurrentExecutions"] = *a.reserved
		}
		answerJSON(w, out)
	case strings.HasSuffix(r.URL.Path, "/account-settings"):
		answerJSON(w, map[string]any{"AccountLimit": map[string]any{"ConcurrentExecutions": a.executions}})
	default:
		a.query(w, r)
	}
}

func answerJSON(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

// query answers in AWS's Query protocol.
func (a *account) query(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	refuse := func(code, message string) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>`, code, message)
	}
	action := r.Form.Get("Action")
	if a.denied[action] {
		refuse("InvalidClientTokenId", "The security token included in the request is invalid")
		return
	}
	var result string
	switch action {
	case "GetCallerIdentity":
		result = `<Arn>arn:aws:iam::000000000000:user/ada</Arn><Account>000000000000</Account>`
	case "DescribeStacks":
		if r.Form.Get("StackName") != "mirror" {
			refuse("ValidationError", "Stack with id "+r.Form.Get("StackName")+" does not exist")
			return
		}
		result = `<Stacks><member><StackName>mirror</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>` + a.stackStatus + `</StackStatus>` +
			members("Parameters", "ParameterKey", "ParameterValue", a.parameters) + members("Outputs", "OutputKey", "OutputValue", a.outputs) + `</member></Stacks>`
	case "DescribeStackResource":
		name := map[string]string{"IngestFunction": "mirror-ingest", "SyncFunction": "mirror-sync"}[r.Form.Get("LogicalResourceId")]
		result = `<StackResourceDetail><PhysicalResourceId>` + name + `</PhysicalResourceId></StackResourceDetail>`
	default:
		refuse("InvalidAction", "no such action: "+action)
		return
	}
	fmt.Fprintf(w, `<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>`, action, result)
}

func members(list, key, value string, in map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(in)) {
		fmt.Fprintf(&b, `<member><%s>%s</%[1]s><%[3]s>%s</%[3]s></member>`, key, k, value, in[k])
	}
	return "<" + list + ">" + b.String() + "</" + list + ">"
}

// metrics answers GetMetricData in Smithy's RPC protocol with CBOR.
func (a *account) metrics(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	v, err := cbor.Decode(body)
	in, ok := v.(cbor.Map)
	if err != nil || !ok {
		http.Error(w, "no CBOR", http.StatusBadRequest)
		return
	}
	from, _ := cbor.AsTime(in["StartTime"])
	to, _ := cbor.AsTime(in["EndTime"])
	results := cbor.List{}
	for _, q := range in["MetricDataQueries"].(cbor.List) {
		results = append(results, a.result(q.(cbor.Map), from, to))
	}
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	_, _ = w.Write(cbor.Encode(cbor.Map{"MetricDataResults": results}))
}

func (a *account) result(q cbor.Map, from, to time.Time) cbor.Map {
	stat := q["MetricStat"].(cbor.Map)
	seconds, _ := cbor.AsInt64(stat["Period"])
	period := time.Duration(seconds) * time.Second
	metric := stat["Metric"].(cbor.Map)
	var names []string
	for _, d := range metric["Dimensions"].(cbor.List) {
		names = append(names, string(d.(cbor.Map)["Name"].(cbor.String))+"="+string(d.(cbor.Map)["Value"].(cbor.String)))
	}
	slices.Sort(names)
	buckets := map[time.Time]float64{}
	for _, s := range a.samples {
		if s.metric != string(metric["Namespace"].(cbor.String))+"/"+string(metric["MetricName"].(cbor.String)) ||
			s.dimensions != strings.Join(names, ",") || s.at.Before(from) || !s.at.Before(to) {
			continue
		}
		at := s.at.Truncate(period)
		if stat["Stat"].(cbor.String) == "Sum" {
			buckets[at] += s.value
		} else {
			buckets[at] = max(buckets[at], s.value)
		}
	}
	times, values := cbor.List{}, cbor.List{}
	for _, at := range slices.SortedFunc(maps.Keys(buckets), func(a, b time.Time) int { return b.Compare(a) }) {
		times = append(times, &cbor.Tag{ID: 1, Value: cbor.Float64(float64(at.Unix()))})
		values = append(values, cbor.Float64(buckets[at]))
	}
	return cbor.Map{"Id": q["Id"], "Timestamps": times, "Values": values, "StatusCode": cbor.String("Complete")}
}

// counted adds what a function of ours counted some time ago.
func (a *account) counted(metric, function string, ago time.Duration, value float64, reason ...string) {
	dimensions := "FunctionName=" + function
	if len(reason) > 0 {
		dimensions += ",Reason=" + reason[0]
	}
	a.samples = append(a.samples, sample{"clerksync/" + metric, dimensions, time.Now().Add(-ago), value})
}

func proxy(t *testing.T, to string, modify func(*http.Response) error) *httputil.ReverseProxy {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = u.Scheme, u.Host },
		ModifyResponse: modify,
	}
}

// decodeLines reads JSON objects, one a line.
func decodeLines[T any](t *testing.T, text string) (out []T) {
	t.Helper()
	for line := range strings.Lines(text) {
		var v T
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("no JSON object a line: %v\n%s", err, text)
		}
		out = append(out, v)
	}
	return out
}
